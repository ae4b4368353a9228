#include <gtest/gtest.h>

#include "discovery/bootstraps.h"
#include "tests/support/seeded_random.h"

namespace meshnode::discovery {
namespace {

const HostPort kName{"hub.example", 3731};
const Endpoint kFirst = *Endpoint::parse("192.0.2.1:3731");
const Endpoint kSecond = *Endpoint::parse("192.0.2.2:3731");

class HubBootstraps : public testing::Test {
 protected:
  HubBootstraps() {
    Bootstraps::Doors doors;
    doors.resolve = [this](const HostPort&) { ++lookups_; };
    doors.ping = [this](const Endpoint& node, bool) { pings_.push_back(node); };
    bootstraps_.emplace(std::vector{kName}, random_, std::move(doors));
  }
  // On to the next deadline; how long that took.
  Duration step() {
    const auto due = bootstraps_->next_deadline();
    if (!due) return Duration::max();
    const Duration passed = *due - now_;
    now_ = *due;
    bootstraps_->timeout(now_);
    return passed;
  }

  TimePoint now_{seconds(100)};
  test::SeededRandom random_{1};
  int lookups_ = 0;
  std::vector<Endpoint> pings_;
  std::optional<Bootstraps> bootstraps_;
};

TEST_F(HubBootstraps, ResolvesForEverWithBackOff) {
  bootstraps_->start(now_, {});
  EXPECT_EQ(lookups_, 1);
  EXPECT_FALSE(bootstraps_->next_deadline()) << "one look-up at a time";
  Duration last{};
  for (int i = 2; i < 100; ++i) {
    bootstraps_->resolved(now_, kName, {});
    last = step();
    EXPECT_LE(last, Bootstraps::kRetryMost * 5 / 4);
    ASSERT_EQ(lookups_, i);
  }
  EXPECT_GE(last, Bootstraps::kRetryMost);
}

TEST_F(HubBootstraps, PingsEveryHalfToOneMinuteWhileAnswered) {
  bootstraps_->start(now_, {});
  bootstraps_->resolved(now_, kName, {kFirst});
  for (std::size_t i = 1; i < 10; ++i) {
    ASSERT_EQ(pings_.size(), i);
    bootstraps_->pinged(now_, kFirst, true);
    const Duration passed = step();
    EXPECT_GE(passed, Bootstraps::kPingLeast);
    EXPECT_LE(passed, Bootstraps::kPingMost);
  }
}

TEST_F(HubBootstraps, GoesOnAskingASilentOne) {
  bootstraps_->start(now_, {});
  bootstraps_->resolved(now_, kName, {kFirst});
  for (std::size_t i = 1; i < 8; ++i) {
    ASSERT_EQ(pings_.size(), i);
    bootstraps_->pinged(now_, kFirst, false);
    EXPECT_LE(step(), Bootstraps::kRetryMost * 5 / 4);
  }
}

TEST_F(HubBootstraps, FollowsANameToItsNewAddress) {
  bootstraps_->start(now_, {});
  bootstraps_->resolved(now_, kName, {kFirst});
  bootstraps_->pinged(now_, kFirst, true);
  const TimePoint end = now_ + Bootstraps::kResolveAgain;
  while (now_ < end && lookups_ == 1) {
    step();
    bootstraps_->pinged(now_, kFirst, true);
  }
  EXPECT_EQ(lookups_, 2);
  bootstraps_->resolved(now_, kName, {kSecond});
  pings_.clear();
  bootstraps_->pinged(now_, kSecond, true);
  step();
  EXPECT_EQ(pings_, std::vector{kSecond});
}

TEST_F(HubBootstraps, ForgetsAMemoryThatDoesNotAnswer) {
  bootstraps_->start(now_, {kSecond});
  EXPECT_EQ(pings_, std::vector{kSecond});
  bootstraps_->resolved(now_, kName, {});
  bootstraps_->pinged(now_, kSecond, false);
  pings_.clear();
  step();
  EXPECT_TRUE(pings_.empty());
}

}  // namespace
}  // namespace meshnode::discovery
