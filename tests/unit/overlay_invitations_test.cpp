#include <gtest/gtest.h>

#include "overlay/peer.h"

namespace meshnode::overlay {
namespace {

constexpr TimePoint kBegin{hours(1)};

TEST(Invitations, OneRowAsLongAsThePausesAreShort) {
  Invitations invited;
  EXPECT_EQ(invited.last(), TimePoint{}) << "never";
  invited.add(kBegin);
  TimePoint now = kBegin;
  for (int i = 0; i < 10; ++i) invited.add(now += Invitations::kInARow - milliseconds(1));
  EXPECT_EQ(invited.first(), kBegin);
  EXPECT_EQ(invited.last(), now);
  now += Invitations::kInARow;
  invited.add(now);
  EXPECT_EQ(invited.first(), now) << "a new row";
}

}  // namespace
}  // namespace meshnode::overlay
