// What the CPUs of this machine decide.
#include <gtest/gtest.h>
#include <sched.h>

#include "node/cpu.h"

namespace meshnode::node {
namespace {

TEST(Cpu, OnlyUsableOnesCount) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  EXPECT_EQ(usable_cpus(), static_cast<unsigned>(CPU_COUNT(&before)));
  cpu_set_t one;
  CPU_ZERO(&one);
  for (std::size_t cpu = 0; CPU_COUNT(&one) == 0; ++cpu)
    if (CPU_ISSET(cpu, &before)) CPU_SET(cpu, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(usable_cpus(), 1U);
  EXPECT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
}

TEST(Cpu, ASecondThreadIsForMoreThanTwo) {
  EXPECT_EQ(threads_for(1), 1U);
  EXPECT_EQ(threads_for(2), 1U);
  EXPECT_EQ(threads_for(3), 2U);
  EXPECT_EQ(threads_for(64), 2U);
}

}  // namespace
}  // namespace meshnode::node
