// Bootstraps that nobody named: members that serve.
#include <algorithm>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "discovery/bootstraps.h"
#include "tests/support/seeded_random.h"

namespace meshnode::discovery {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const HostPort kName{"hub.example", 3731};
const Endpoint kHub = *Endpoint::parse("192.0.2.1:3731");

Endpoint server(int number) {
  return {IpAddress::v4({198, 51, 100, static_cast<std::uint8_t>(number)}), 3731};
}
std::vector<ServerOffer> servers(int from, int to, bool alive = false) {
  std::vector<ServerOffer> out;
  for (int i = from; i <= to; ++i) out.push_back({server(i), alive});
  return out;
}

// Nodes that answer at once, or never.
struct BootstrapOffers : ::testing::Test {
  BootstrapOffers() {
    Bootstraps::Doors doors;
    doors.resolve = [this](const HostPort&) { resolving = true; };
    doors.ping = [this](const Endpoint& node, bool named) {
      pings.push_back({now, node});
      if (named) named_pings.push_back(node);
      waiting.push_back(node);
    };
    doors.returned = [this](const Endpoint& node) { returned.push_back(node); };
    doors.joined = [this](const Endpoint& node) { joined.push_back(node); };
    doors.gone = [this](const Endpoint& node) { gone.push_back(node); };
    bootstraps.emplace(std::vector{kName}, random, std::move(doors));
  }
  void settle() {
    while (resolving || !waiting.empty()) {
      if (std::exchange(resolving, false)) bootstraps->resolved(now, kName, {kHub});
      for (const Endpoint& node : std::exchange(waiting, {}))
        bootstraps->pinged(now, node, up.contains(node));
    }
  }
  void start() {
    bootstraps->start(now, {});
    settle();
  }
  void offer(std::vector<ServerOffer> offers) {
    bootstraps->offer(now, std::move(offers));
    settle();
  }
  void run_for(Duration span) {
    const TimePoint end = now + span;
    for (;;) {
      const auto due = bootstraps->next_deadline();
      if (!due || *due > end) break;
      ASSERT_GE(*due, now);
      ASSERT_LT(pings.size(), 100'000U) << "it asks without end";
      now = *due;
      bootstraps->timeout(now);
      settle();
    }
    now = end;
  }
  std::size_t pings_to(const Endpoint& node) const {
    return static_cast<std::size_t>(std::count_if(
        pings.begin(), pings.end(), [&](const auto& ping) { return ping.second == node; }));
  }
  std::size_t pings_to(const IpAddress& ip) const {
    return static_cast<std::size_t>(std::count_if(
        pings.begin(), pings.end(), [&](const auto& ping) { return ping.second.ip == ip; }));
  }

  TimePoint now{seconds(100)};
  test::SeededRandom random{1};
  std::set<Endpoint> up;
  bool resolving = false;
  std::vector<Endpoint> waiting;
  std::vector<std::pair<TimePoint, Endpoint>> pings;
  std::vector<Endpoint> named_pings, returned, joined, gone;
  std::optional<Bootstraps> bootstraps;
};

TEST_F(BootstrapOffers, TheBestOneIsAskedBesideAHubThatAnswers) {
  up = {kHub, server(1), server(2)};
  start();
  offer(servers(1, 2));
  EXPECT_THAT(bootstraps->taken(), ElementsAre(server(1)));
  EXPECT_THAT(joined, ElementsAre(server(1)));
  EXPECT_THAT(returned, ElementsAre(kHub));
  const std::size_t before = pings.size();
  run_for(minutes(10));
  EXPECT_EQ(pings_to(server(2)), 0U);
  EXPECT_GE(pings.size() - before, 2U * 10) << "on a timer, also while all answer";
}

TEST_F(BootstrapOffers, MoreWhileNoNamedOneAnswers) {
  for (int i = 1; i <= 16; ++i) up.insert(server(i));
  start();
  offer(servers(1, 16));
  EXPECT_EQ(bootstraps->taken().size(), Bootstraps::kWithoutNamed);
  up.insert(kHub);
  run_for(minutes(1));
  EXPECT_THAT(bootstraps->taken(), ElementsAre(server(1)));
  EXPECT_EQ(gone.size(), Bootstraps::kWithoutNamed - 1) << "the others are let go when it answers";
  up.erase(kHub);
  run_for(minutes(1) + seconds(10));
  EXPECT_EQ(bootstraps->taken().size(), Bootstraps::kWithoutNamed);
}

TEST_F(BootstrapOffers, WhatIsOfferedFirstIsAskedBeforeAnyNameAnswers) {
  up = {server(1)};
  bootstraps->offer(now, servers(1, 1));
  settle();
  EXPECT_THAT(joined, ElementsAre(server(1)));
  start();
  EXPECT_THAT(bootstraps->taken(), ElementsAre(server(1)));
}

TEST_F(BootstrapOffers, ADeadOneMakesRoomForTheNext) {
  up = {kHub, server(1), server(2)};
  start();
  offer(servers(1, 3));
  up.erase(server(1));
  run_for(minutes(1) + seconds(10));
  EXPECT_THAT(bootstraps->taken(), ElementsAre(server(2)));
  EXPECT_THAT(gone, ElementsAre(server(1)));
}

TEST_F(BootstrapOffers, OneThatComesBackIsFoundAgain) {
  up = {server(1)};
  start();
  offer(servers(1, 1));
  up.clear();
  run_for(hours(1));
  up = {server(1)};
  joined.clear();
  run_for(Bootstraps::kRestMost * 5 / 4 + seconds(10));
  EXPECT_THAT(joined, ElementsAre(server(1)));
}

TEST_F(BootstrapOffers, AnAnswerBeginsThePausesAnew) {
  start();
  offer(servers(1, 1));
  run_for(hours(2));
  up = {server(1)};
  run_for(minutes(15));
  ASSERT_THAT(bootstraps->taken(), ElementsAre(server(1)));
  up.clear();
  for (int i = 0; i < 70 && !bootstraps->taken().empty(); ++i) run_for(seconds(1));
  ASSERT_THAT(bootstraps->taken(), IsEmpty());
  up = {server(1)};
  run_for(Bootstraps::kRestFirst * 5 / 4);
  EXPECT_THAT(bootstraps->taken(), ElementsAre(server(1)));
}

TEST_F(BootstrapOffers, AtOnceIfThereIsASignOfItsLife) {
  up = {server(1)};
  start();
  offer(servers(1, 1));
  up.clear();
  run_for(hours(1));
  ASSERT_THAT(bootstraps->taken(), IsEmpty());
  up = {server(1)};
  offer(servers(1, 1, true));
  EXPECT_THAT(bootstraps->taken(), ElementsAre(server(1)));
  EXPECT_EQ(joined.size(), 2U);
}

TEST_F(BootstrapOffers, OneThatIsNotOfferedAnyMoreIsLetGo) {
  up = {kHub, server(1), server(2)};
  start();
  offer(servers(1, 1));
  offer(servers(2, 2));
  EXPECT_THAT(bootstraps->taken(), ElementsAre(server(2)));
  EXPECT_THAT(gone, ElementsAre(server(1)));
}

TEST_F(BootstrapOffers, ANamedOneIsNeverLetGoForAnOffer) {
  up = {kHub, server(1)};
  start();
  offer({{kHub, true}, {server(1), true}});
  EXPECT_THAT(bootstraps->taken(), ElementsAre(server(1)));
  offer({});
  run_for(minutes(10));
  EXPECT_EQ(std::count(gone.begin(), gone.end(), kHub), 0);
  EXPECT_TRUE(bootstraps->names()[0].up);
  EXPECT_GE(pings_to(kHub), 10U);
}

TEST_F(BootstrapOffers, AServerThatANameComesToStandForIsNamed) {
  up = {kHub};
  bootstraps->offer(now, {{kHub, false}, {server(1), false}});
  bootstraps->resolved(now, kName, {kHub});  // while an answer is awaited
  settle();
  EXPECT_THAT(bootstraps->taken(), ElementsAre(server(1)));
  EXPECT_THAT(returned, ElementsAre(kHub));
  EXPECT_THAT(joined, IsEmpty());
}

TEST_F(BootstrapOffers, ThePingSaysWhoIsNamed) {
  up = {kHub, server(1)};
  start();
  offer(servers(1, 1));
  EXPECT_THAT(named_pings, ElementsAre(kHub));
  EXPECT_EQ(pings.size(), 2U);
}

// What an offer of a victim's address costs the victim.
TEST_F(BootstrapOffers, AnAddressThatNeverAnswersIsAskedLessAndLess) {
  start();
  offer(servers(1, 1));
  run_for(minutes(1));
  EXPECT_LE(pings_to(server(1)), 6U);
  pings.clear();
  run_for(hours(2));
  EXPECT_LE(pings_to(server(1)), 60U);
  EXPECT_GE(pings_to(server(1)), 30U) << "but it is not given up";
}

TEST_F(BootstrapOffers, AnotherPortOfASilentAddressDoesNotMakeUsAskMore) {
  start();
  for (std::uint16_t turn = 0; turn < 360; ++turn) {
    offer({{{server(1).ip, static_cast<std::uint16_t>(1000 + turn)}, turn % 2 == 0}});
    run_for(seconds(10));
  }
  EXPECT_LE(pings_to(server(1).ip), 60U);
}

}  // namespace
}  // namespace meshnode::discovery
