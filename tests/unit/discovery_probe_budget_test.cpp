// How many unanswered probes may go to one address.
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

unsigned take_all(ProbeBudget& budget, TimePoint now, const IpAddress& to = kAddress) {
  unsigned taken = 0;
  while (taken < 10'000 && budget.take(now, to)) ++taken;
  return taken;
}

TEST(ProbeBudget, TwentyInTenSeconds) {
  ProbeBudget budget;
  EXPECT_EQ(take_all(budget, kStart), 20U);
  EXPECT_EQ(take_all(budget, kStart + milliseconds(9999)), 0U);
  EXPECT_EQ(take_all(budget, kStart + seconds(10)), 20U);
}

TEST(ProbeBudget, TwoHundredInOneHour) {
  ProbeBudget budget;
  unsigned taken = 0;
  for (int second = 0; second < 3600; ++second) taken += take_all(budget, kStart + seconds(second));
  EXPECT_EQ(taken, 200U);
  EXPECT_EQ(take_all(budget, kStart + hours(1)), 20U) << "then the next hour begins";
}

TEST(ProbeBudget, AddressesDoNotShare) {
  ProbeBudget budget;
  take_all(budget, kStart);
  EXPECT_EQ(take_all(budget, kStart, *IpAddress::parse("2001:db8::1")), 20U);
  EXPECT_EQ(take_all(budget, kStart), 0U);
}

TEST(ProbeBudget, AnAnswerGivesBothWindowsBack) {
  ProbeBudget budget;
  for (int i = 0; i < 10; ++i) take_all(budget, kStart + seconds(10 * i));
  ASSERT_EQ(take_all(budget, kStart + seconds(100)), 0U) << "the hour is spent";
  budget.answered(kAddress);
  EXPECT_EQ(take_all(budget, kStart + seconds(100)), 20U);
}

TEST(ProbeBudget, AnAnswerFromElsewhereGivesNothing) {
  ProbeBudget budget;
  take_all(budget, kStart);
  budget.answered(IpAddress::v4({192, 0, 2, 2}));
  EXPECT_EQ(take_all(budget, kStart), 0U);
}

TEST(ProbeBudget, AFullTableOfYoungEntriesLetsNobodyNewIn) {
  ProbeBudget budget;
  for (std::uint32_t n = 0; n < ProbeBudget::kMaxAddresses; ++n)
    ASSERT_TRUE(budget.take(kStart, address(n)));
  EXPECT_FALSE(budget.take(kStart, address(0xffff0000)));
  EXPECT_FALSE(budget.take(kStart + minutes(59), address(0xffff0000)));
  EXPECT_TRUE(budget.take(kStart, address(7))) << "who has an entry keeps its budget";
}

TEST(ProbeBudget, AFullTableForgetsWhatIsOld) {
  ProbeBudget budget;
  for (std::uint32_t n = 0; n < ProbeBudget::kMaxAddresses; ++n) budget.take(kStart, address(n));
  EXPECT_TRUE(budget.take(kStart + hours(1), address(0xffff0000)));
}

TEST(ProbeBudget, AnAnswerMakesRoomInAFullTable) {
  ProbeBudget budget;
  for (std::uint32_t n = 0; n < ProbeBudget::kMaxAddresses; ++n) budget.take(kStart, address(n));
  budget.answered(address(5));
  EXPECT_TRUE(budget.take(kStart, address(0xffff0000)));
  EXPECT_FALSE(budget.take(kStart, address(0xffff0001)));
}

}  // namespace
}  // namespace meshnode::discovery
