// RFC 6040 figure 4, row by row: what becomes of the marks inside and outside.
#include <gtest/gtest.h>

#include "dataplane/ecn.h"
#include "tests/support/inner_packets.h"

namespace meshnode::dataplane {
namespace {

constexpr std::uint8_t kNot = 0, kEct1 = 1, kEct0 = 2, kCe = 3;
constexpr int kDrop = -1;

// By the mark inside, then by the mark outside: Not-ECT, ECT(1), ECT(0), CE.
constexpr int kOutcome[4][4] = {
    {kNot, kNot, kNot, kDrop},
    {kEct1, kEct1, kEct1, kCe},
    {kEct0, kEct1, kEct0, kCe},
    {kCe, kCe, kCe, kCe},
};

test::InnerPacket packet(bool v6, std::uint8_t tos, std::uint16_t id = 1) {
  return {.v6 = v6, .tos = tos, .label = 0xfffff, .id = id, .payload = Bytes(5, 7)};
}

TEST(Ecn, EveryPairOfMarksIsTheOneOfTheRfc) {
  for (const bool v6 : {false, true})
    for (std::uint8_t inner = 0; inner < 4; ++inner)
      for (std::uint8_t outer = 0; outer < 4; ++outer) {
        SCOPED_TRACE(int{inner} * 10 + outer);
        const auto dscp = static_cast<std::uint8_t>(0xb8);
        Bytes bytes = build(packet(v6, static_cast<std::uint8_t>(dscp | inner)));
        const Bytes before = bytes;
        const int outcome = kOutcome[inner][outer];
        // The outer DSCP means nothing inside.
        EXPECT_EQ(take_over_ecn(bytes, static_cast<std::uint8_t>(0x48 | outer)), outcome != kDrop);
        EXPECT_EQ(bytes, outcome == kDrop
                             ? before
                             : build(packet(v6, static_cast<std::uint8_t>(dscp | outcome))));
      }
}

TEST(Ecn, TheHeaderChecksumStaysRightOrWrong) {
  for (unsigned id = 0; id < 65536; id += 7) {
    Bytes bytes = build(packet(false, kEct0, static_cast<std::uint16_t>(id)));
    ASSERT_TRUE(take_over_ecn(bytes, kCe));
    ASSERT_EQ(test::slow_sum(ByteView(bytes).first(20)), 0xffff) << id;
  }
  Bytes wrong = build(packet(false, kEct0));
  wrong[11] ^= 1;
  ASSERT_TRUE(take_over_ecn(wrong, kCe));
  EXPECT_NE(test::slow_sum(ByteView(wrong).first(20)), 0xffff);
}

TEST(Ecn, OutsideIsTheInnerMarkAndTheClassOnlyWhereWanted) {
  for (unsigned tos = 0; tos < 256; ++tos) {
    const auto inner = static_cast<std::uint8_t>(tos);
    EXPECT_EQ(outer_tos(inner, false), inner & 3);
    EXPECT_EQ(outer_tos(inner, true), inner);
  }
}

}  // namespace
}  // namespace meshnode::dataplane
