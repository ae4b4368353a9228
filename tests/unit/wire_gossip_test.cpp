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

TEST(GossipWire, AnAnnouncementNamesAnythingAndNeverNothing) {
  const Digest digest{.lower = 1, .upper = 0, .entries = {{5, 1}, {~ShortId{0}, 2}}};
  EXPECT_TRUE(digest.announces());
  EXPECT_EQ(parse_digest(encode_digest(digest)), digest);
  EXPECT_FALSE(parse_digest(encode_digest({.lower = 1, .upper = 0, .entries = {}})));
  EXPECT_FALSE(parse_digest(encode_digest({.lower = 2, .upper = 0, .entries = {{5, 1}}})));
}

TEST(GossipWire, GoldenSummary) {
  const Summary summary{
      .salt = 0x0102030405060708,
      .ranges = {{.lower = 0, .upper = 9, .count = 3, .sum = 0x0a},
                 {.lower = 10, .upper = ~ShortId{0}, .count = 0x0200, .sum = 0xff}}};
  const Bytes bytes = encode_summary(summary);
  EXPECT_EQ(to_hex(bytes),
            "0807060504030201"
            "00000000000000000900000000000000030000000a00000000000000"
            "0a00000000000000ffffffffffffffff00020000ff00000000000000");
  EXPECT_EQ(parse_summary(bytes), summary);
}

TEST(GossipWire, RangesOfASummaryAscendAndAreApart) {
  const auto parsed = [](std::vector<Summary::Range> ranges) {
    return parse_summary(encode_summary({.salt = 1, .ranges = std::move(ranges)})).has_value();
  };
  EXPECT_TRUE(parsed({{.lower = 3, .upper = 3}}));
  EXPECT_TRUE(parsed({{.lower = 3, .upper = 5}, {.lower = 9, .upper = 9}}));
  EXPECT_FALSE(parsed({}));
  EXPECT_FALSE(parsed({{.lower = 4, .upper = 3}}));
  EXPECT_FALSE(parsed({{.lower = 3, .upper = 5}, {.lower = 5, .upper = 9}}));
  EXPECT_FALSE(parsed({{.lower = 3, .upper = 5}, {.lower = 1, .upper = 2}}));
  EXPECT_FALSE(parsed({{.lower = 3, .upper = ~ShortId{0}}, {.lower = 0, .upper = 2}}));
}

TEST(GossipWire, ASummaryHasABound) {
  Summary summary;
  for (std::size_t i = 0; i < kMaxRanges; ++i) summary.ranges.push_back({.lower = i, .upper = i});
  const Bytes whole = encode_summary(summary);
  EXPECT_TRUE(parse_summary(whole));
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(parse_summary(ByteView(whole).first(size)).has_value(),
              size > 8 && (size - 8) % 28 == 0)
        << size;
  summary.ranges.push_back({.lower = kMaxRanges, .upper = kMaxRanges});
  EXPECT_FALSE(parse_summary(encode_summary(summary)));
}

TEST(GossipWire, AFingerprintDependsOnAll) {
  NodeId id;
  for (std::size_t i = 0; i < 16; ++i) id.bytes[i] = static_cast<std::uint8_t>(i);
  EXPECT_EQ(fingerprint(1, id, 2), 0xbb64522b5073fe34U);
  EXPECT_NE(fingerprint(2, id, 2), fingerprint(1, id, 2));
  EXPECT_NE(fingerprint(1, id, 1), fingerprint(1, id, 2));
  for (std::size_t i = 0; i < 16; ++i) {
    NodeId other = id;
    other.bytes[i] ^= 1;
    EXPECT_NE(fingerprint(1, other, 2), fingerprint(1, id, 2)) << i;
  }
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
