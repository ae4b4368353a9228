// STUN servers that nobody named: asked and believed only while no other one answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "discovery/stun_client.h"
#include "tests/support/seeded_random.h"

namespace meshnode::discovery {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using wire::NatMapping;

Endpoint at(std::string_view text) {
  return Endpoint::parse(text).value();
}

const Endpoint kHub = at("198.51.100.1:3731");
const Endpoint kHubOther = at("198.51.100.1:3733");
const Endpoint kMember = at("198.51.100.7:40000");
const Endpoint kUs = at("203.0.113.7:40000");
const Endpoint kUsLater = at("203.0.113.7:41000");

struct StunSubstitutes : ::testing::Test {
  test::SeededRandom random{1};
  StunClient client{random};
  TimePoint now{hours(1)};
  std::map<Endpoint, Endpoint> mapped;  // who answers, and what it says
  Endpoint other;                       // what the hub says of its other port
  std::map<Endpoint, int> asked;
  DropCounters drops;

  void add(const Endpoint& server, StunClient::Rank rank) {
    client.add_server(now, server, rank);
    pump();
  }
  void pump() {
    client.handle_timeout(now);
    while (auto out = client.poll()) {
      ++asked[out->to];
      const auto server = mapped.find(out->to);
      if (server == mapped.end()) continue;
      const auto request = wire::parse_stun_request(out->datagram);
      const Bytes answer = wire::stun_response(*request, server->second, 1,
                                               out->to == kHub ? other : Endpoint{}, {});
      EXPECT_TRUE(client.handle_datagram(now, out->to, answer, drops));
      client.handle_timeout(now);
    }
  }
  void run_for(Duration span) {
    const TimePoint end = now + span;
    for (auto due = client.next_deadline(); due && *due <= end; due = client.next_deadline()) {
      ASSERT_GE(*due, now);
      now = *due;
      pump();
    }
    now = end;
  }
};

TEST_F(StunSubstitutes, AreAskedWhenThereIsNobodyElse) {
  mapped[kMember] = kUs;
  add(kMember, StunClient::Rank::substitute);
  EXPECT_THAT(client.reflexive(now), ElementsAre(kUs));
}

TEST_F(StunSubstitutes, RestWhileANamedServerAnswers) {
  mapped = {{kHub, kUs}, {kMember, kUsLater}};
  add(kHub, StunClient::Rank::named);
  add(kMember, StunClient::Rank::substitute);
  run_for(hours(1));
  EXPECT_EQ(asked[kMember], 0);
  EXPECT_THAT(client.reflexive(now), ElementsAre(kUs));
}

TEST_F(StunSubstitutes, AreNotBelievedAgainstANamedServer) {
  mapped = {{kHub, kUs}, {kMember, kUsLater}};
  add(kMember, StunClient::Rank::substitute);
  EXPECT_THAT(client.reflexive(now), ElementsAre(kUsLater));
  add(kHub, StunClient::Rank::named);
  EXPECT_THAT(client.reflexive(now), ElementsAre(kUs));
  EXPECT_EQ(client.mapping(now, {}), NatMapping::unknown) << "one witness, not two that disagree";
  EXPECT_EQ(client.mapping(now, {kUs}), NatMapping::none);
}

TEST_F(StunSubstitutes, TakeOverWhenTheNamedServerFallsSilent) {
  mapped = {{kHub, kUs}, {kMember, kUsLater}};
  add(kHub, StunClient::Rank::named);
  add(kMember, StunClient::Rank::substitute);
  run_for(minutes(5));
  mapped.erase(kHub);
  run_for(StunClient::kRefresh * 6 / 5 + seconds(15));
  EXPECT_THAT(client.reflexive(now), ElementsAre(kUsLater)) << "well before kLife is over";
  mapped[kHub] = kUs;
  run_for(seconds(11));
  EXPECT_THAT(client.reflexive(now), ElementsAre(kUs)) << "and the hub when it is back";
}

TEST_F(StunSubstitutes, WhatTheHubSaidStaysIfNobodyElseAnswersEither) {
  mapped = {{kHub, kUs}};
  add(kHub, StunClient::Rank::named);
  add(kMember, StunClient::Rank::substitute);
  run_for(minutes(5));
  mapped.clear();
  run_for(minutes(1));
  EXPECT_THAT(client.reflexive(now), ElementsAre(kUs));
}

TEST_F(StunSubstitutes, NobodyWaitsForThem) {
  add(kMember, StunClient::Rank::substitute);
  EXPECT_TRUE(client.settled(now, seconds(1)));
  add(kHub, StunClient::Rank::named);
  EXPECT_FALSE(client.settled(now, seconds(1)));
}

TEST_F(StunSubstitutes, TakeNoPlaceOfANamedServer) {
  for (std::uint16_t port = 1; port <= 100; ++port)
    add({kMember.ip, port}, StunClient::Rank::substitute);
  for (std::uint16_t port = 1; port <= StunClient::kMaxServers; ++port)
    add({kHub.ip, port}, StunClient::Rank::named);
  for (std::uint16_t port = 1; port <= StunClient::kMaxServers; ++port)
    EXPECT_GT((asked[{kHub.ip, port}]), 0) << port;
}

TEST_F(StunSubstitutes, ANamedServerStaysNamed) {
  mapped = {{kHub, kUs}};
  add(kHub, StunClient::Rank::substitute);
  add(kHub, StunClient::Rank::named);
  add(kHub, StunClient::Rank::substitute);
  EXPECT_FALSE(StunClient(random).next_deadline());
  mapped.clear();
  StunClient fresh(random);
  fresh.add_server(now, kHub, StunClient::Rank::substitute);
  fresh.add_server(now, kHub, StunClient::Rank::named);
  EXPECT_FALSE(fresh.settled(now, seconds(1))) << "it is waited for";
}

TEST_F(StunSubstitutes, NoSecondPortIsAskedForAMember) {
  const Endpoint second{kMember.ip, 9};
  mapped = {{kMember, kUs}};
  client.add_server(now, kMember, StunClient::Rank::substitute);
  client.handle_timeout(now);
  const auto out = client.poll();
  ASSERT_TRUE(out);
  const auto request = wire::parse_stun_request(out->datagram);
  EXPECT_TRUE(client.handle_datagram(now, kMember,
                                     wire::stun_response(*request, kUs, 1, second, {}), drops));
  run_for(minutes(5));
  EXPECT_EQ(asked[second], 0);
}

// Its second port is the one from which a hub tests whether strangers reach us.
TEST_F(StunSubstitutes, WhoIsSeenAtItsOwnAddressDoesNotSpeakToTheSecondPort) {
  mapped = {{kHub, kUs}, {kHubOther, kUs}};
  other = kHubOther;
  client.set_own({kUs});
  add(kHub, StunClient::Rank::named);
  run_for(minutes(5));
  EXPECT_EQ(asked[kHubOther], 0);
  EXPECT_EQ(client.mapping(now, {kUs}), NatMapping::none);
}

TEST_F(StunSubstitutes, ButBehindANatItDoes) {
  mapped = {{kHub, kUs}, {kHubOther, kUs}};
  other = kHubOther;
  client.set_own({at("192.168.1.5:40000")});
  add(kHub, StunClient::Rank::named);
  run_for(seconds(1));
  EXPECT_EQ(asked[kHubOther], 1);
  EXPECT_EQ(client.mapping(now, {at("192.168.1.5:40000")}), NatMapping::endpoint_independent);
}

}  // namespace
}  // namespace meshnode::discovery
