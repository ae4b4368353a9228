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
    doors.returned = [this](const Endpoint& node) { returned_.push_back(node); };
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
  std::vector<Endpoint> returned_;
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

TEST_F(HubBootstraps, RetriesAfter1And2SecondsAndNeverLaterThanHalfAMinuteForEver) {
  static_assert(Bootstraps::kRetryMost == seconds(30));
  bootstraps_->start(now_, {});
  bootstraps_->resolved(now_, kName, {kFirst});
  Duration expected = seconds(1);
  for (std::size_t i = 1; i < 5000; ++i) {
    ASSERT_EQ(pings_.size(), i);
    bootstraps_->pinged(now_, kFirst, false);
    Duration passed{};
    while (pings_.size() == i) {
      passed += step();
      bootstraps_->resolved(now_, kName, {kFirst});  // look-ups go on meanwhile
    }
    ASSERT_GE(passed, expected);
    ASSERT_LE(passed, expected * 5 / 4);
    expected = std::min<Duration>(expected * 2, seconds(30));
  }
  bootstraps_->pinged(now_, kFirst, true);
  step();
  bootstraps_->pinged(now_, kFirst, false);
  EXPECT_LE(step(), milliseconds(1250)) << "an answer begins it anew";
}

TEST_F(HubBootstraps, TellsWhenANamedNodeAnswersThatDidNotBefore) {
  bootstraps_->start(now_, {});
  bootstraps_->resolved(now_, kName, {kFirst, kSecond});
  EXPECT_TRUE(returned_.empty());
  bootstraps_->pinged(now_, kFirst, true);
  EXPECT_EQ(returned_, std::vector{kFirst}) << "the first time";
  for (int i = 0; i < 5; ++i) {
    step();
    bootstraps_->pinged(now_, kFirst, true);
  }
  EXPECT_EQ(returned_.size(), 1U) << "that it is still there is no news";
  bootstraps_->pinged(now_, kFirst, false);
  EXPECT_EQ(returned_.size(), 1U);
  bootstraps_->pinged(now_, kFirst, true);
  EXPECT_EQ(returned_, (std::vector{kFirst, kFirst}));
  bootstraps_->pinged(now_, kSecond, true);
  EXPECT_EQ(returned_, (std::vector{kFirst, kFirst, kSecond}));
}

TEST_F(HubBootstraps, ARememberedNodeDoesNotReturnBeforeItIsNamed) {
  bootstraps_->start(now_, {kFirst});
  bootstraps_->pinged(now_, kFirst, true);
  EXPECT_TRUE(returned_.empty());
}

TEST_F(HubBootstraps, TheDoorForReturnsMayBeEmpty) {
  Bootstraps quiet({kName}, random_, {[](const HostPort&) {}, [](const Endpoint&, bool) {}});
  quiet.start(now_, {});
  quiet.resolved(now_, kName, {kFirst});
  quiet.pinged(now_, kFirst, true);
  EXPECT_TRUE(quiet.names().front().up);
}

TEST_F(HubBootstraps, NamesSayWhoIsUp) {
  const HostPort second{"second.example", 1};
  Bootstraps two({kName, second}, random_, {[](const HostPort&) {}, [](const Endpoint&, bool) {}});
  two.start(now_, {});
  const auto up = [&](std::size_t i) { return two.names()[i].up; };
  ASSERT_EQ(two.names().size(), 2U);
  EXPECT_EQ(two.names()[0].name, kName);
  EXPECT_EQ(two.names()[1].name, second);
  EXPECT_TRUE(two.names()[0].nodes.empty()) << "it does not resolve yet";
  EXPECT_FALSE(up(0));

  two.resolved(now_, kName, {kFirst, kSecond});
  EXPECT_EQ(two.names()[0].nodes, (std::vector{kFirst, kSecond}));
  EXPECT_FALSE(up(0)) << "a name that resolves is not yet up";
  two.pinged(now_, kFirst, false);
  EXPECT_FALSE(up(0));
  two.pinged(now_, kSecond, true);
  EXPECT_TRUE(up(0)) << "one of its nodes is enough";
  EXPECT_FALSE(up(1));
  two.pinged(now_, kSecond, false);
  EXPECT_FALSE(up(0));
  two.pinged(now_, kFirst, true);
  EXPECT_TRUE(up(0)) << "whichever it is";
  two.pinged(now_, kFirst, false);

  two.pinged(now_, kSecond, true);
  two.resolved(now_, kName, {});
  EXPECT_TRUE(up(0)) << "a look-up that fails takes nothing away";
  two.resolved(now_, kName, {kFirst});
  EXPECT_FALSE(up(0)) << "it stands for another node now";
}

TEST_F(HubBootstraps, TwoNamesOfOneNodeAreUpTogether) {
  const HostPort second{"second.example", 1};
  Bootstraps two({kName, second}, random_, {[](const HostPort&) {}, [](const Endpoint&, bool) {}});
  two.start(now_, {});
  two.resolved(now_, kName, {kFirst});
  two.resolved(now_, second, {kFirst});
  two.pinged(now_, kFirst, true);
  EXPECT_TRUE(two.names()[0].up);
  EXPECT_TRUE(two.names()[1].up);
  two.resolved(now_, kName, {kSecond});
  EXPECT_TRUE(two.names()[1].up) << "the other name still stands for it";
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

TEST_F(HubBootstraps, TellsWhenNoNameStandsForANodeAnyMore) {
  const HostPort second{"second.example", 1};
  std::vector<Endpoint> gone;
  Bootstraps two({kName, second}, random_,
                 {.resolve = [](const HostPort&) {},
                  .ping = [](const Endpoint&, bool) {},
                  .gone = [&](const Endpoint& node) { gone.push_back(node); }});
  two.start(now_, {});
  two.resolved(now_, kName, {kFirst, kSecond});
  two.resolved(now_, second, {kFirst});
  two.resolved(now_, kName, {kSecond, kFirst});
  EXPECT_TRUE(gone.empty()) << "another order is no news";
  two.resolved(now_, kName, {});
  EXPECT_TRUE(gone.empty()) << "nor is a look-up that fails";
  two.resolved(now_, kName, {kSecond});
  EXPECT_TRUE(gone.empty()) << "the other name still stands for it";
  two.resolved(now_, second, {kSecond});
  EXPECT_EQ(gone, std::vector{kFirst});
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

// ---- other names

TEST_F(HubBootstraps, NamesThatStayKeepTheirNodesAndOthersGo) {
  const HostPort second{"other.example", 3731};
  bootstraps_->start(now_, {});
  bootstraps_->resolved(now_, kName, {kFirst});
  bootstraps_->pinged(now_, kFirst, true);
  bootstraps_->rename(now_, {kName, second});
  EXPECT_EQ(lookups_, 2) << "the new one, at once; the known one not again";
  ASSERT_EQ(bootstraps_->names().size(), 2U);
  EXPECT_TRUE(bootstraps_->names()[0].up);
  bootstraps_->resolved(now_, second, {kFirst, kSecond});
  bootstraps_->rename(now_, {second});
  ASSERT_EQ(bootstraps_->names().size(), 1U);
  EXPECT_TRUE(bootstraps_->names()[0].up) << "the first node stands behind both names";
  pings_.clear();
  bootstraps_->rename(now_, {});
  EXPECT_TRUE(bootstraps_->names().empty());
  EXPECT_FALSE(bootstraps_->next_deadline()) << "nobody is asked any more";
}

TEST_F(HubBootstraps, AnAnswerForANameThatWentIsNobodys) {
  bootstraps_->start(now_, {});
  bootstraps_->rename(now_, {});
  bootstraps_->resolved(now_, kName, {kFirst});
  EXPECT_TRUE(pings_.empty());
}

}  // namespace
}  // namespace meshnode::discovery
