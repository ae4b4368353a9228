// A rate limit on handed-in time.
#include <gtest/gtest.h>

#include "base/token_bucket.h"

namespace meshnode {
namespace {

constexpr TimePoint kStart{hours(1)};

int take_all(TokenBucket& bucket, TimePoint now) {
  int taken = 0;
  while (taken < 1000 && bucket.take(now)) ++taken;
  return taken;
}

TEST(TokenBucket, StartsFull) {
  TokenBucket bucket(10, 5);
  EXPECT_EQ(take_all(bucket, kStart), 5);
  EXPECT_EQ(take_all(bucket, kStart), 0);
}

TEST(TokenBucket, StartsFullWhateverTheClockSays) {
  TokenBucket bucket(10, 5);
  EXPECT_EQ(take_all(bucket, TimePoint{}), 5);
  TokenBucket other(10, 5);
  EXPECT_EQ(take_all(other, TimePoint{-hours(1)}), 5);
}

TEST(TokenBucket, FillsAtItsRate) {
  TokenBucket bucket(10, 5);
  take_all(bucket, kStart);
  EXPECT_FALSE(bucket.take(kStart + milliseconds(99)));
  EXPECT_TRUE(bucket.take(kStart + milliseconds(101)));
  EXPECT_FALSE(bucket.take(kStart + milliseconds(102)));
  EXPECT_EQ(take_all(bucket, kStart + milliseconds(403)), 3);
}

TEST(TokenBucket, SavesNoMoreThanTheBurst) {
  TokenBucket bucket(10, 5);
  take_all(bucket, kStart);
  EXPECT_EQ(take_all(bucket, kStart + hours(24)), 5);
}

TEST(TokenBucket, ManySmallStepsLoseNothing) {
  TokenBucket bucket(10, 5);
  take_all(bucket, kStart);
  int taken = 0;
  for (int ms = 1; ms <= 10'000; ++ms) taken += bucket.take(kStart + milliseconds(ms)) ? 1 : 0;
  EXPECT_GE(taken, 99);
  EXPECT_LE(taken, 100);
}

TEST(TokenBucket, TimeThatStandsOrGoesBackGivesNothing) {
  TokenBucket bucket(10, 5);
  take_all(bucket, kStart);
  EXPECT_FALSE(bucket.take(kStart));
  EXPECT_FALSE(bucket.take(kStart - hours(1)));
  EXPECT_FALSE(bucket.take(kStart + milliseconds(50))) << "going back earned no second hour";
}

}  // namespace
}  // namespace meshnode
