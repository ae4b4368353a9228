#include <gtest/gtest.h>

#include "discovery/spoken.h"

namespace meshnode::discovery {
namespace {

constexpr TimePoint kStart{hours(1)};

Endpoint numbered(std::uint16_t port) {
  return {IpAddress::v4({198, 51, 100, 7}), port};
}

TEST(Spoken, RemembersEndpointsNotAddresses) {
  Spoken spoken;
  EXPECT_FALSE(spoken.to(kStart, numbered(1)));
  spoken.sent(kStart, numbered(1));
  EXPECT_TRUE(spoken.to(kStart, numbered(1)));
  EXPECT_FALSE(spoken.to(kStart, numbered(2)));
}

TEST(Spoken, ForgetsAfterTheLastWord) {
  Spoken spoken;
  spoken.sent(kStart, numbered(1));
  spoken.sent(kStart + minutes(10), numbered(1));
  EXPECT_TRUE(spoken.to(kStart + minutes(24), numbered(1)));
  EXPECT_FALSE(spoken.to(kStart + minutes(25), numbered(1)));
}

TEST(Spoken, WhoeverFindsNoRoomLeavesEverybodyInDoubt) {
  Spoken spoken;
  for (std::uint16_t i = 0; i < Spoken::kMaxEndpoints; ++i)
    spoken.sent(kStart, numbered(static_cast<std::uint16_t>(i + 1)));
  EXPECT_FALSE(spoken.to(kStart, numbered(60000)));
  spoken.sent(kStart + minutes(1), numbered(60000));
  EXPECT_TRUE(spoken.to(kStart + minutes(1), numbered(60000)));
  EXPECT_TRUE(spoken.to(kStart + minutes(1), numbered(60001))) << "nobody knows";
  EXPECT_FALSE(spoken.to(kStart + minutes(16), numbered(60001)));
  spoken.sent(kStart + minutes(17), numbered(60000));
  EXPECT_FALSE(spoken.to(kStart + minutes(17), numbered(60001))) << "the old ones made room";
}

}  // namespace
}  // namespace meshnode::discovery
