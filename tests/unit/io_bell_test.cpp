// A thread that waits for a bell and a descriptor.
#include <array>
#include <thread>

#include <gtest/gtest.h>
#include <unistd.h>

#include "io/bell.h"

namespace meshnode::io {
namespace {

TEST(Bell, StaysRungUntilItIsSilenced) {
  const Bell bell;
  ASSERT_TRUE(static_cast<bool>(bell));
  EXPECT_FALSE(bell.wait(-1, Duration{}).rung);
  bell.ring();
  bell.ring();
  EXPECT_TRUE(bell.wait(-1).rung);
  EXPECT_TRUE(bell.wait(-1).rung);
  bell.silence();
  EXPECT_FALSE(bell.wait(-1, milliseconds(1)).rung);
}

TEST(Bell, TellsItFromTheDescriptor) {
  const Bell bell;
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const UniqueFd out(ends[0]);
  UniqueFd in(ends[1]);
  EXPECT_FALSE(bell.wait(out.get(), Duration{}).readable);
  ASSERT_EQ(write(in.get(), "x", 1), 1);
  EXPECT_TRUE(bell.wait(out.get()).readable);
  EXPECT_FALSE(bell.wait(out.get()).rung);
  bell.ring();
  EXPECT_TRUE(bell.wait(out.get()).rung);
  EXPECT_TRUE(bell.wait(out.get()).readable);
}

TEST(Bell, AHungUpDescriptorEndsTheWait) {
  const Bell bell;
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const UniqueFd out(ends[0]);
  UniqueFd(ends[1]).reset();
  EXPECT_TRUE(bell.wait(out.get()).readable);
}

TEST(Bell, IsHeardInAnotherThread) {
  const Bell bell;
  bool rung = false;
  std::thread waiting([&] { rung = bell.wait(-1, seconds(20)).rung; });
  bell.ring();
  waiting.join();
  EXPECT_TRUE(rung);
}

}  // namespace
}  // namespace meshnode::io
