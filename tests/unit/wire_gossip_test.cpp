#include <gtest/gtest.h>

#include "base/text.h"
#include "wire/gossip.h"

namespace meshnode::wire {
namespace {

TEST(GossipWire, GoldenDigest) {
  const Digest digest{.lower = 1, .upper = 0x0a, .entries = {{2, 0x0102}, {9, 3}}};
  const Bytes bytes = encode_digest(digest);
  EXPECT_EQ(to_hex(bytes),
            "01000000000000000a00000000000000"
            "02000000000000000201000000000000"
            "09000000000000000300000000000000");
  EXPECT_EQ(parse_digest(bytes), digest);
}

TEST(GossipWire, TheRangeAndTheOrderHold) {
  const auto parsed = [](Digest digest) { return parse_digest(encode_digest(digest)).has_value(); };
  EXPECT_TRUE(parsed({.lower = 5, .upper = 5, .entries = {{5, 1}}}));
  EXPECT_TRUE(parsed({.lower = 5, .upper = 9, .entries = {}}));
  EXPECT_FALSE(parsed({.lower = 6, .upper = 5, .entries = {}}));
  EXPECT_FALSE(parsed({.lower = 6, .upper = 9, .entries = {{5, 1}}}));
  EXPECT_FALSE(parsed({.lower = 6, .upper = 9, .entries = {{10, 1}}}));
  EXPECT_FALSE(parsed({.lower = 6, .upper = 9, .entries = {{8, 1}, {7, 1}}}));
  EXPECT_FALSE(parsed({.lower = 6, .upper = 9, .entries = {{8, 1}, {8, 2}}}));
}

TEST(GossipWire, Bounds) {
  Digest digest;
  for (std::size_t i = 0; i < kMaxDigest; ++i) digest.entries.push_back({i, 1});
  EXPECT_TRUE(parse_digest(encode_digest(digest)));
  digest.entries.push_back({kMaxDigest, 1});
  EXPECT_FALSE(parse_digest(encode_digest(digest)));
  const Bytes whole = encode_digest({.lower = 0, .upper = 9, .entries = {{1, 1}}});
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(parse_digest(ByteView(whole).first(size)).has_value(), size == 16) << size;
}

TEST(GossipWire, Wants) {
  EXPECT_EQ(to_hex(encode_want({1, 0x0200})), "01000000000000000002000000000000");
  EXPECT_EQ(parse_want(encode_want({1, 0x0200})), (std::vector<ShortId>{1, 0x0200}));
  EXPECT_FALSE(parse_want({}));
  EXPECT_FALSE(parse_want(Bytes(9)));
  EXPECT_TRUE(parse_want(Bytes(8 * kMaxDigest)));
  EXPECT_FALSE(parse_want(Bytes(8 * kMaxDigest + 8)));
}

TEST(GossipWire, AShortIdIsTheFront) {
  NodeId id;
  id.bytes[0] = 1;
  id.bytes[7] = 2;
  id.bytes[8] = 3;
  EXPECT_EQ(short_id(id), 0x0100000000000002U);
}

}  // namespace
}  // namespace meshnode::wire
