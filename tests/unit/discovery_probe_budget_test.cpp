// How many unanswered probes may go to one address.
#include <algorithm>
#include <map>

#include <gtest/gtest.h>

#include "discovery/probe_budget.h"

namespace meshnode::discovery {
namespace {

constexpr TimePoint kStart{hours(1)};
const IpAddress kAddress = IpAddress::v4({192, 0, 2, 1});

IpAddress address(std::uint32_t n) {
  Block<4> raw;
  store_be(raw.data(), n);
  return IpAddress::v4(raw);
}

using Need = ProbeBudget::Need;

struct Budget : ProbeBudget {
  Budget() : ProbeBudget(kTold) {}
};

unsigned take_all(ProbeBudget& budget, TimePoint now, const IpAddress& to = kAddress,
                  Need need = Need::usual) {
  unsigned taken = 0;
  while (taken < 10'000 && budget.take(now, to, need)) ++taken;
  return taken;
}

TEST(ProbeBudget, ABurstAtOnceAndThenFourInFiveSeconds) {
  Budget budget;
  EXPECT_EQ(take_all(budget, kStart), 12U);
  EXPECT_EQ(take_all(budget, kStart, kAddress, Need::urgent), 4U);
  EXPECT_EQ(take_all(budget, kStart + milliseconds(1249)), 0U);
  EXPECT_EQ(take_all(budget, kStart + milliseconds(1251)), 0U) << "left to what is urgent";
  EXPECT_EQ(take_all(budget, kStart + milliseconds(1251), kAddress, Need::urgent), 1U);
  EXPECT_EQ(take_all(budget, kStart + seconds(40)), 12U) << "no more than a burst is saved up";
}

TEST(ProbeBudget, WhoTriesAgainAndAgainLeavesTwoToWhoIsNew) {
  Budget budget;
  EXPECT_EQ(take_all(budget, kStart, kAddress, Need::again), 14U);
  EXPECT_EQ(take_all(budget, kStart, kAddress, Need::urgent), 2U);
  // For ever: who is new finds two at any time.
  for (int second = 10; second < 7200; ++second)
    take_all(budget, kStart + seconds(second), kAddress, Need::again);
  EXPECT_EQ(take_all(budget, kStart + seconds(7200), kAddress, Need::again), 0U);
  EXPECT_GE(take_all(budget, kStart + seconds(7200), kAddress, Need::urgent), 2U);
}

// Probes of the worst minute when each is taken as soon as it can be.
unsigned worst_minute(const ProbeBudget::Rules& rules) {
  ProbeBudget budget(rules);
  std::map<int, unsigned> taken;  // by second
  unsigned most = 0;
  for (int second = 0; second < 600; ++second) {
    // Quiet for a while, so that a burst is saved up, at changing times.
    if (second % 97 > 30)
      taken[second] = take_all(budget, kStart + seconds(second), kAddress, Need::urgent);
    unsigned minute = 0;
    for (int back = 0; back < 60; ++back) minute += taken[second - back];
    most = std::max(most, minute);
  }
  return most;
}

// The promise to bystanders, with IPv4 and UDP headers.
TEST(ProbeBudget, BothTogetherAreBelowTenKilobytesInAnyMinute) {
  const unsigned told = worst_minute(ProbeBudget::kTold);
  const unsigned seen = worst_minute(ProbeBudget::kSeen);
  EXPECT_GT(told, 48U);
  EXPECT_GT(seen, 32U);
  EXPECT_LE((told + seen) * (64 + 28), 10'000U);
}

TEST(ProbeBudget, TwoHundredInTheFirstHourAndEightyInEachLaterOne) {
  Budget budget;
  unsigned taken = 0;
  for (int second = 0; second < 3600; ++second) taken += take_all(budget, kStart + seconds(second));
  EXPECT_GE(taken, 198U);
  EXPECT_LE(taken, 200U);
  for (int second = 3600; second < 7200; ++second)
    taken += take_all(budget, kStart + seconds(second));
  EXPECT_LE(taken, 280U);
}

TEST(ProbeBudget, WhoTakesFromOneHalfLeavesTheOther) {
  Budget budget;
  EXPECT_EQ(take_all(budget, kStart, kAddress, Need::unlikely), 8U);
  EXPECT_EQ(take_all(budget, kStart), 4U);
  unsigned taken = 0;
  Budget hour;
  for (int second = 0; second < 600; ++second)
    taken += take_all(hour, kStart + seconds(second), kAddress, Need::unlikely);
  EXPECT_LE(taken, 60U + 14U);
  EXPECT_GE(take_all(hour, kStart + seconds(600)), 4U);
}

TEST(ProbeBudget, WhatIsUrgentIsBoundedByTheMinuteOnly) {
  Budget budget;
  for (int second = 0; second < 1200; ++second) take_all(budget, kStart + seconds(second));
  ASSERT_LE(take_all(budget, kStart + seconds(1240)), 1U) << "the hour is spent";
  EXPECT_EQ(take_all(budget, kStart + seconds(1240), kAddress, Need::urgent), 15U);
  EXPECT_EQ(take_all(budget, kStart + seconds(1240), kAddress, Need::urgent), 0U);
}

TEST(ProbeBudget, AddressesDoNotShare) {
  Budget budget;
  take_all(budget, kStart);
  EXPECT_EQ(take_all(budget, kStart, *IpAddress::parse("2001:db8::1")), 12U);
  EXPECT_EQ(take_all(budget, kStart), 0U);
}

TEST(ProbeBudget, AnAnswerGivesBothWindowsBack) {
  Budget budget;
  for (int i = 0; i < 200; ++i) take_all(budget, kStart + seconds(3 * i));
  ASSERT_LE(take_all(budget, kStart + seconds(610)), 1U) << "the hour is spent";
  budget.answered(kAddress);
  EXPECT_EQ(take_all(budget, kStart + seconds(610)), 12U);
}

TEST(ProbeBudget, AnAnswerFromElsewhereGivesNothing) {
  Budget budget;
  take_all(budget, kStart);
  budget.answered(IpAddress::v4({192, 0, 2, 2}));
  EXPECT_EQ(take_all(budget, kStart), 0U);
}

TEST(ProbeBudget, AFullTableOfYoungEntriesLetsNobodyNewIn) {
  Budget budget;
  for (std::uint32_t n = 0; n < ProbeBudget::kMaxAddresses; ++n)
    ASSERT_TRUE(budget.take(kStart, address(n)));
  EXPECT_FALSE(budget.take(kStart, address(0xffff0000)));
  EXPECT_FALSE(budget.take(kStart + minutes(59), address(0xffff0000)));
  EXPECT_TRUE(budget.take(kStart, address(7))) << "who has an entry keeps its budget";
}

TEST(ProbeBudget, AFullTableForgetsWhatIsOld) {
  Budget budget;
  for (std::uint32_t n = 0; n < ProbeBudget::kMaxAddresses; ++n) budget.take(kStart, address(n));
  EXPECT_TRUE(budget.take(kStart + hours(1), address(0xffff0000)));
}

TEST(ProbeBudget, AnAnswerMakesRoomInAFullTable) {
  Budget budget;
  for (std::uint32_t n = 0; n < ProbeBudget::kMaxAddresses; ++n) budget.take(kStart, address(n));
  budget.answered(address(5));
  EXPECT_TRUE(budget.take(kStart, address(0xffff0000)));
  EXPECT_FALSE(budget.take(kStart, address(0xffff0001)));
}

}  // namespace
}  // namespace meshnode::discovery
