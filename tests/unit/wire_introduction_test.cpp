#include <gtest/gtest.h>

#include "base/text.h"
#include "wire/introduction.h"

namespace meshnode::wire {
namespace {

Introduction some(ByteView record) {
  Introduction out;
  out.hops = 5;
  for (std::size_t i = 0; i < 32; ++i) out.target.bytes[i] = static_cast<std::uint8_t>(i);
  out.number = 0x0102030405060708;
  out.signature.fill(0xab);
  out.record = record;
  return out;
}

TEST(IntroductionWire, Golden) {
  const Bytes record{0x11, 0x22, 0x33};
  const Bytes bytes = encode_introduction(some(record));
  EXPECT_EQ(to_hex(bytes),
            "0500000102030405060708090a0b0c0d0e0f"
            "101112131415161718191a1b1c1d1e1f"
            "0807060504030201" +
                to_hex(Bytes(64, 0xab)) + "112233");
  const auto parsed = parse_introduction(bytes);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(encode_introduction(*parsed), bytes);
}

TEST(IntroductionWire, HopsAreNotSignedAllElseIs) {
  const Bytes record{0x11};
  const Bytes other_record{0x12};
  const auto statement = some(record).statement();
  Introduction changed = some(record);
  changed.hops = 1;
  EXPECT_EQ(changed.statement(), statement);
  changed.number += 1;
  EXPECT_NE(changed.statement(), statement);
  changed = some(record);
  changed.target.bytes[31] ^= 1;
  EXPECT_NE(changed.statement(), statement);
  EXPECT_NE(some(other_record).statement(), statement);
}

TEST(IntroductionWire, Bounds) {
  const Bytes longest(kMaxRecordSize, 1);
  const Bytes too_long(kMaxRecordSize + 1, 1);
  EXPECT_TRUE(parse_introduction(encode_introduction(some(longest))));
  EXPECT_FALSE(parse_introduction(encode_introduction(some(too_long))));
  EXPECT_FALSE(parse_introduction(encode_introduction(some({}))));
  Introduction far = some(longest);
  far.hops = kMaxIntroductionHops + 1;
  EXPECT_FALSE(parse_introduction(encode_introduction(far)));
  Bytes bytes = encode_introduction(some(longest));
  bytes[1] = 1;
  EXPECT_FALSE(parse_introduction(bytes));
  for (std::size_t size = 0; size <= 106; ++size)
    EXPECT_FALSE(parse_introduction(ByteView(bytes).first(size))) << size;
}

}  // namespace
}  // namespace meshnode::wire
