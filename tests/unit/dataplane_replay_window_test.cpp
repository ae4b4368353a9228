// The sliding window against replays.
#include <limits>
#include <set>

#include <gtest/gtest.h>

#include "base/replay_window.h"
#include "tests/support/seeded_random.h"

namespace meshnode {
namespace {

using Window = ReplayWindow<256>;
constexpr std::uint64_t kDepth = 256 - 64;  // how far behind the highest is still accepted
constexpr std::uint64_t kLargest = std::numeric_limits<std::uint64_t>::max();

// The same, without a ring: all numbers ever seen.
class Model {
 public:
  bool would_accept(std::uint64_t number) const {
    if (number >= next_) return true;
    return next_ - number <= kDepth && number >= floor_ && !seen_.contains(number);
  }
  bool mark(std::uint64_t number) {
    if (!would_accept(number)) return false;
    seen_.insert(number);
    next_ = std::max(next_, number + 1);
    return true;
  }
  void restart_at(std::uint64_t number) {
    seen_.clear();
    next_ = floor_ = number + 1;
  }
  std::uint64_t next() const { return next_; }

 private:
  std::set<std::uint64_t> seen_;
  std::uint64_t next_ = 0;
  std::uint64_t floor_ = 0;
};

TEST(ReplayWindow, EachNumberOnce) {
  Window window;
  for (std::uint64_t n = 0; n < 1000; ++n) {
    EXPECT_TRUE(window.would_accept(n));
    EXPECT_TRUE(window.mark(n));
    EXPECT_FALSE(window.would_accept(n));
    EXPECT_FALSE(window.mark(n));
    EXPECT_EQ(window.next(), n + 1);
  }
}

TEST(ReplayWindow, LookingMarksNothing) {
  Window window;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(window.would_accept(5));
  EXPECT_EQ(window.next(), 0U);
  EXPECT_TRUE(window.mark(5));
}

TEST(ReplayWindow, DepthBehindTheHighest) {
  Window window;
  ASSERT_TRUE(window.mark(1000));
  EXPECT_FALSE(window.would_accept(1001 - kDepth - 1));
  EXPECT_TRUE(window.would_accept(1001 - kDepth));
  EXPECT_FALSE(window.mark(0));
}

struct Step {
  std::uint64_t number;
  bool accepted;
};

TEST(ReplayWindow, Table) {
  const Step steps[] = {{0, true},      {0, false},    {63, true},    {64, true},    {62, true},
                        {62, false},    {255, true},   {64, false},   {63, false},   {65, true},
                        {256, true},    {255, false},  {257, true},   {66, true},    {65, false},
                        {2000, true},   {1999, true},  {1999, false}, {1808, false}, {1809, true},
                        {1809, false},  {2001, true},  {1810, true},  {1809, false}, {2001, false},
                        {100000, true}, {2001, false}, {99999, true}};
  Window window;
  for (const Step& step : steps) EXPECT_EQ(window.mark(step.number), step.accepted) << step.number;
}

TEST(ReplayWindow, AJumpOverTheWholeRingForgetsNothingNew) {
  for (const std::uint64_t jump :
       {63U, 64U, 65U, 191U, 192U, 193U, 255U, 256U, 257U, 512U, 9999U}) {
    Window window;
    for (std::uint64_t n = 0; n < 64; ++n) ASSERT_TRUE(window.mark(n));
    ASSERT_TRUE(window.mark(63 + jump));
    for (std::uint64_t n = 0; n < 64; ++n) EXPECT_FALSE(window.mark(n)) << n << " after " << jump;
    for (std::uint64_t n = 64; n < 63 + jump; ++n)
      EXPECT_EQ(window.mark(n), 64 + jump - n <= kDepth) << n << " after " << jump;
  }
}

TEST(ReplayWindow, RestartCountsEverythingUpToItAsSeen) {
  for (std::uint64_t number = 0; number < 3 * 256; ++number) {
    Window window;
    window.mark(5);
    window.restart_at(number);
    ASSERT_EQ(window.next(), number + 1);
    for (std::uint64_t n = 0; n <= number; ++n) ASSERT_FALSE(window.would_accept(n)) << number;
    // The future is untouched, in any order.
    for (std::uint64_t n = number + 150; n > number; --n) ASSERT_TRUE(window.mark(n)) << number;
    for (std::uint64_t n = number + 150; n > number; --n) ASSERT_FALSE(window.mark(n)) << number;
    ASSERT_FALSE(window.mark(number));
  }
}

TEST(ReplayWindow, RestartMayGoBack) {
  Window window;
  window.mark(1'000'000);
  window.restart_at(63);
  EXPECT_FALSE(window.mark(63));
  EXPECT_TRUE(window.mark(64));
  EXPECT_TRUE(window.mark(1'000'000));
}

std::uint64_t next_number(Random& random, std::uint64_t around) {
  switch (random.below(8)) {
    case 0:
      return around + random.below(1000);
    case 1:
      return random.below(around + 2);
    case 2:
      return around + 64 * random.below(6);
    case 3:
      return around;
    default: {
      const std::uint64_t back = random.below(kDepth + 20);
      return around + 2 > back ? around + 2 - back : 0;
    }
  }
}

TEST(ReplayWindow, AgreesWithTheModel) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    test::SeededRandom random(seed);
    Window window;
    Model model;
    for (int i = 0; i < 4000; ++i) {
      const std::uint64_t number = next_number(random, model.next());
      if (random.below(300) == 0) {
        window.restart_at(number);
        model.restart_at(number);
      }
      ASSERT_EQ(window.would_accept(number), model.would_accept(number)) << seed << " " << number;
      ASSERT_EQ(window.mark(number), model.mark(number)) << seed << " " << number;
      ASSERT_EQ(window.next(), model.next());
    }
  }
}

TEST(ReplayWindow, HighNumbersWork) {
  Window window;
  EXPECT_TRUE(window.mark(kLargest - 1));
  EXPECT_FALSE(window.mark(kLargest - 1));
  EXPECT_TRUE(window.mark(kLargest - kDepth));
  EXPECT_FALSE(window.mark(kLargest - kDepth - 1));
}

// Invariant 1 of the window, at the end of the number line.
TEST(ReplayWindow, TheLargestNumberIsAcceptedAtMostOnce) {
  Window window;
  ASSERT_TRUE(window.mark(7));
  window.mark(kLargest);
  EXPECT_FALSE(window.mark(kLargest));
  EXPECT_FALSE(window.mark(7)) << "and it does not open the window again";
}

TEST(ReplayWindow, RestartAtTheLargestNumberLeavesNothing) {
  Window window;
  window.restart_at(kLargest);
  EXPECT_FALSE(window.mark(kLargest));
  EXPECT_FALSE(window.mark(7));
}

}  // namespace
}  // namespace meshnode
