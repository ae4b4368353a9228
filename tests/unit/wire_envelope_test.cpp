#include <gtest/gtest.h>

#include "base/text.h"
#include "wire/envelope.h"

namespace meshnode::wire {
namespace {

Envelope goodbye(ByteView body) {
  Envelope out{.kind = ObjectKind::goodbye, .sequence = 0x0102, .body = body};
  out.signer.fill(0xaa);
  return out;
}

Bytes with_signature(Bytes text) {
  text.insert(text.end(), kObjectSignatureSize, 0xbb);
  return text;
}

TEST(Envelope, GoldenGoodbye) {
  const Bytes boot{1, 2, 3, 4, 5, 6, 7, 8};
  const Bytes text = encode_object_text(goodbye(boot));
  EXPECT_EQ(to_hex(text),
            "0101"
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
            "0201000000000000"
            "0102030405060708");
  const Bytes whole = with_signature(text);
  const auto parsed = parse_object(whole);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(to_bytes(parsed->text), text);
  EXPECT_EQ(to_bytes(parsed->signature), Bytes(kObjectSignatureSize, 0xbb));
  EXPECT_EQ(parsed->envelope.signer, goodbye(boot).signer);
  EXPECT_EQ(parsed->envelope.sequence, 0x0102U);
  EXPECT_EQ(parse_goodbye(parsed->envelope), (BootId{1, 2, 3, 4, 5, 6, 7, 8}));
}

TEST(Envelope, Bounds) {
  const auto parsed = [](std::size_t body) {
    const Bytes content(body, 7);
    return parse_object(with_signature(encode_object_text(goodbye(content)))).has_value();
  };
  EXPECT_TRUE(parsed(0));
  EXPECT_TRUE(parsed(kMaxObjectBody));
  EXPECT_FALSE(parsed(kMaxObjectBody + 1));
  const Bytes least = with_signature(encode_object_text(goodbye({})));
  for (std::size_t size = 0; size < least.size(); ++size)
    EXPECT_FALSE(parse_object(ByteView(least).first(size))) << size;
}

TEST(Envelope, OtherVersionsAreRefusedOtherKindsAreNot) {
  Bytes whole = with_signature(encode_object_text(goodbye({})));
  whole[1] = 99;
  ASSERT_TRUE(parse_object(whole));
  EXPECT_FALSE(parse_goodbye(parse_object(whole)->envelope));
  whole[0] = 2;
  EXPECT_FALSE(parse_object(whole));
}

TEST(Envelope, AGoodbyeNamesOneStart) {
  for (const std::size_t size : {0U, 7U, 9U}) {
    const Bytes body(size, 1);
    EXPECT_FALSE(parse_goodbye(goodbye(body))) << size;
  }
}

}  // namespace
}  // namespace meshnode::wire
