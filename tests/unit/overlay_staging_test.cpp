// Packets that wait for their edge.
#include <gtest/gtest.h>

#include "overlay/staging.h"

namespace meshnode::overlay {
namespace {

constexpr TimePoint kStart{hours(1)};

TEST(Staging, KeepsPacketsInOrder) {
  Staging staging;
  EXPECT_TRUE(staging.empty());
  EXPECT_TRUE(staging.add(kStart, Bytes{1}));
  EXPECT_TRUE(staging.add(kStart, Bytes{2, 2}));
  EXPECT_FALSE(staging.empty());
  EXPECT_EQ(staging.bytes(), 3U);
  EXPECT_EQ(staging.take(), (std::vector<Bytes>{{1}, {2, 2}}));
  EXPECT_TRUE(staging.empty());
  EXPECT_EQ(staging.bytes(), 0U);
  EXPECT_TRUE(staging.take().empty());
}

TEST(Staging, KeepsTheFirst32) {
  Staging staging;
  for (std::uint8_t i = 0; i < 32; ++i) EXPECT_TRUE(staging.add(kStart, Bytes{i}));
  EXPECT_FALSE(staging.add(kStart, Bytes{99}));
  EXPECT_EQ(staging.bytes(), 32U) << "a lost packet takes no room";
  const auto packets = staging.take();
  ASSERT_EQ(packets.size(), 32U);
  EXPECT_EQ(packets.back(), Bytes{31});
  EXPECT_TRUE(staging.add(kStart, Bytes{1}));
}

TEST(Staging, TheOldestDecidesHowLong) {
  Staging staging;
  staging.add(kStart, Bytes{1});
  staging.add(kStart + seconds(2), Bytes{2});
  EXPECT_EQ(staging.deadline(), kStart + seconds(3));
  staging.take();
  staging.add(kStart + seconds(10), Bytes{3});
  EXPECT_EQ(staging.deadline(), kStart + seconds(13));
}

}  // namespace
}  // namespace meshnode::overlay
