// The STUN client against servers of a model: loss, forgery, NATs that change, servers that
// restart.
#include <functional>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "discovery/stun_client.h"
#include "tests/support/seeded_random.h"

namespace meshnode::discovery {
namespace {

using ::testing::ElementsAre;
using wire::NatMapping;

constexpr TimePoint kStart{hours(1)};
constexpr Duration kRtt = milliseconds(20);

Endpoint at(std::string_view text) {
  return Endpoint::parse(text).value();
}

const Endpoint kHub = at("198.51.100.1:3731");
const Endpoint kHubOther = at("198.51.100.1:3733");
const Endpoint kSecondHub = at("198.51.100.2:3731");
const Endpoint kThirdHub = at("198.51.100.3:3731");
const Endpoint kHub6 = at("[2001:db8:5::1]:3731");
const Endpoint kSecondHub6 = at("[2001:db8:5::2]:3731");
const Endpoint kUs = at("203.0.113.7:40000");
const Endpoint kUsLater = at("203.0.113.7:41000");
const Endpoint kUs6 = at("[2001:db8:7::1]:40000");

struct Server {
  std::function<Endpoint()> mapped;
  Endpoint other{};
  std::uint64_t start_id = 1;
  bool up = true;
  Duration rtt = kRtt;
};

struct StunClientLife : ::testing::Test {
  test::SeededRandom random{1};
  StunClient client{random};
  TimePoint now = kStart;
  std::map<Endpoint, Server> servers;
  DropCounters drops;
  struct Question {
    TimePoint when;
    Endpoint to;
    Bytes bytes;
  };
  std::vector<Question> questions;
  // Questions and answers are numbered in the order in which they are sent.
  std::function<bool(std::size_t)> lost = [](std::size_t) { return false; };
  std::size_t datagrams = 0;
  std::multimap<TimePoint, std::pair<Endpoint, Bytes>> on_the_way;

  void serve(const Endpoint& server, const Endpoint& mapped, const Endpoint& other = {}) {
    servers[server] = {.mapped = [mapped] { return mapped; }, .other = other};
  }
  void ask(const Endpoint& server) {
    client.add_server(now, server);
    pump();
  }
  static Bytes answer_to(const Bytes& question, const Server& server) {
    const auto request = wire::parse_stun_request(question);
    return wire::stun_response(*request, server.mapped(), server.start_id, server.other, {});
  }
  void pump() {
    client.handle_timeout(now);
    while (auto out = client.poll()) {
      questions.push_back({now, out->to, out->datagram});
      const bool arrives = !lost(datagrams++);
      const auto server = servers.find(out->to);
      if (!arrives || server == servers.end() || !server->second.up) continue;
      Bytes answer = answer_to(out->datagram, server->second);
      if (!lost(datagrams++))
        on_the_way.emplace(now + server->second.rtt, std::pair(out->to, std::move(answer)));
    }
  }
  void run_until(TimePoint end) {
    for (;;) {
      auto next = client.next_deadline();
      if (!on_the_way.empty() && (!next || on_the_way.begin()->first < *next))
        next = on_the_way.begin()->first;
      if (!next || *next > end) break;
      ASSERT_GE(*next, now) << "a deadline in the past";
      now = *next;
      while (!on_the_way.empty() && on_the_way.begin()->first <= now) {
        const auto [from, bytes] = on_the_way.extract(on_the_way.begin()).mapped();
        EXPECT_TRUE(client.handle_datagram(now, from, bytes, drops));
      }
      pump();
    }
    now = end;
  }
  void run_for(Duration duration) { run_until(now + duration); }

  std::vector<double> asked(const Endpoint& server) const {
    std::vector<double> out;
    for (const Question& question : questions)
      if (question.to == server)
        out.push_back(std::chrono::duration<double>(question.when - kStart).count());
    return out;
  }
  std::vector<Endpoint> seen() const { return client.reflexive(now); }
};

TEST_F(StunClientLife, NobodyToAsk) {
  EXPECT_FALSE(client.next_deadline());
  client.handle_timeout(now);
  EXPECT_FALSE(client.poll());
  EXPECT_TRUE(seen().empty());
  EXPECT_EQ(client.mapping(now, {}), NatMapping::unknown);
  EXPECT_TRUE(client.settled(now, seconds(1)));
  EXPECT_FALSE(client.take_restarted());
}

TEST_F(StunClientLife, OneRoundTripToTheFirstResult) {
  serve(kHub, kUs);
  ask(kHub);
  run_for(kRtt);
  EXPECT_THAT(seen(), ElementsAre(kUs));
  EXPECT_EQ(client.rtt(now, kHub), kRtt);
  EXPECT_EQ(questions.size(), 1U);
}

TEST_F(StunClientLife, NoSingleLossDelaysAServerByMoreThanATenthOfASecond) {
  for (std::size_t which = 0; which < 8; ++which) {
    client.remove_server(kHub);
    client.remove_server(kSecondHub);
    serve(kHub, kUs);
    serve(kSecondHub, kUs);
    const std::size_t first = datagrams;
    lost = [&](std::size_t number) { return number == first + which; };
    ask(kHub);
    ask(kSecondHub);
    run_for(kRtt + milliseconds(100));
    EXPECT_TRUE(client.rtt(now, kHub)) << which;
    EXPECT_TRUE(client.rtt(now, kSecondHub)) << which;
    on_the_way.clear();
  }
}

TEST_F(StunClientLife, ASilentServerIsAskedSixTimesAndThenEachTenSeconds) {
  ask(kHub);
  run_for(seconds(34));
  EXPECT_THAT(asked(kHub), ElementsAre(0, 0.1, 0.3, 0.7, 1.5, 3.1, 13.1, 23.1, 33.1));
}

TEST_F(StunClientLife, ServersSilentForEverCostOneDatagramEachTenSeconds) {
  ask(kHub);
  run_for(minutes(1));
  questions.clear();
  run_for(hours(24));
  EXPECT_LE(questions.size(), 24U * 360);
  EXPECT_GE(questions.size(), 24U * 360 - 1) << "and they are never given up";
}

TEST_F(StunClientLife, AServerThatWasThereIsLookedForLikeANewOne) {
  serve(kHub, kUs);
  ask(kHub);
  run_for(seconds(1));
  servers[kHub].up = false;
  questions.clear();
  run_for(StunClient::kRefresh * 6 / 5 + seconds(14));
  ASSERT_GE(questions.size(), 7U);
  EXPECT_EQ(questions[1].when - questions[0].when, milliseconds(100));
  EXPECT_EQ(questions[5].when - questions[0].when, milliseconds(3100));
  EXPECT_EQ(questions[6].when - questions[5].when, StunClient::kRetry);
}

TEST_F(StunClientLife, AnAnsweredOneIsRefreshedAfter25SecondsMoreOrLess) {
  serve(kHub, kUs);
  ask(kHub);
  run_for(hours(1));
  ASSERT_GT(questions.size(), 100U);
  std::set<Duration> pauses;
  for (std::size_t i = 1; i < questions.size(); ++i) {
    const Duration pause = questions[i].when - questions[i - 1].when - kRtt;
    EXPECT_GE(pause, StunClient::kRefresh * 4 / 5);
    EXPECT_LE(pause, StunClient::kRefresh * 6 / 5);
    pauses.insert(pause);
  }
  EXPECT_GT(pauses.size(), 50U) << "members must not ask in step";
}

TEST_F(StunClientLife, EachQuestionHasATransactionOfItsOwn) {
  ask(kHub);
  run_for(minutes(10));
  std::set<Bytes> different;
  for (const Question& question : questions) different.insert(question.bytes);
  EXPECT_EQ(different.size(), questions.size());
}

TEST_F(StunClientLife, ALateAnswerMeasuresItsOwnQuestion) {
  serve(kHub, kUs);
  servers[kHub].rtt = milliseconds(250);  // the question of 0.1 s is on its way by then
  ask(kHub);
  run_for(milliseconds(250));
  EXPECT_EQ(client.rtt(now, kHub), milliseconds(250));
  run_for(milliseconds(100));
  EXPECT_EQ(client.rtt(now, kHub), milliseconds(250));
  EXPECT_EQ(drops.total(), 0U) << "the later ones are harmless";
}

// ---- what may answer ----

TEST_F(StunClientLife, OnlyWhoWasAskedMayAnswer) {
  serve(kHub, kUs);
  servers[kHub].up = false;
  ask(kHub);
  ask(kSecondHub);
  const Bytes good = answer_to(questions[0].bytes, servers[kHub]);
  Endpoint other_port = kHub;
  ++other_port.port;
  const Endpoint forgers[] = {kSecondHub, kThirdHub, kHub6, other_port};
  for (const Endpoint& forger : forgers)
    EXPECT_TRUE(client.handle_datagram(now, forger, good, drops));
  EXPECT_EQ(drops[Drop::unsolicited], std::size(forgers));
  EXPECT_TRUE(seen().empty());
  EXPECT_TRUE(client.handle_datagram(now, kHub, good, drops));
  EXPECT_THAT(seen(), ElementsAre(kUs));
  EXPECT_EQ(drops.total(), std::size(forgers));
}

TEST_F(StunClientLife, OnlyTheTransactionsThatAreOutstandingCount) {
  serve(kHub, kUs);
  servers[kHub].up = false;
  ask(kHub);
  const Bytes good = answer_to(questions[0].bytes, servers[kHub]);
  std::uint64_t dropped = 0;
  for (std::size_t i = 0; i < good.size(); ++i) {
    EXPECT_TRUE(client.handle_datagram(now, kHub, ByteView(good).first(i), drops));
    EXPECT_EQ(drops[Drop::unsolicited], ++dropped);
  }
  for (std::size_t i = 8; i < 20; ++i) {
    Bytes other = good;
    other[i] ^= 1;
    EXPECT_TRUE(client.handle_datagram(now, kHub, other, drops));
    EXPECT_EQ(drops[Drop::unsolicited], ++dropped);
  }
  // What empty places hold is no transaction.
  const wire::StunRequest empty{.transaction = {}, .size = 200};
  client.handle_datagram(now, kHub, wire::stun_response(empty, kUs, 1, {}, {}), drops);
  EXPECT_EQ(drops[Drop::unsolicited], ++dropped);
  EXPECT_TRUE(seen().empty());
}

TEST_F(StunClientLife, AnAnswerCountsOnce) {
  serve(kHub, kUs);
  ask(kHub);
  run_for(kRtt);
  const Bytes again = answer_to(questions[0].bytes, {.mapped = [] { return kUsLater; }});
  EXPECT_TRUE(client.handle_datagram(now, kHub, again, drops));
  EXPECT_EQ(drops[Drop::unsolicited], 1U);
  EXPECT_THAT(seen(), ElementsAre(kUs));
}

TEST_F(StunClientLife, AForgeryPutsNothingOff) {
  serve(kHub, kUs);
  servers[kHub].up = false;
  ask(kHub);
  const auto before = client.next_deadline();
  client.handle_datagram(now, kSecondHub, answer_to(questions[0].bytes, servers[kHub]), drops);
  client.handle_datagram(now, kHub, Bytes(32, 1), drops);
  EXPECT_EQ(client.next_deadline(), before);
  EXPECT_FALSE(client.poll());
}

TEST_F(StunClientLife, ARequestIsSomebodyElses) {
  ask(kHub);
  EXPECT_FALSE(client.handle_datagram(now, kHub, questions[0].bytes, drops));
  EXPECT_FALSE(client.handle_datagram(now, kSecondHub, questions[0].bytes, drops));
  EXPECT_EQ(drops.total(), 0U);
}

// ---- who is asked ----

TEST_F(StunClientLife, AServerIsAskedOnceHoweverOftenItIsNamed) {
  for (int i = 0; i < 5; ++i) ask(kHub);
  EXPECT_EQ(questions.size(), 1U);
}

TEST_F(StunClientLife, AtMost32Servers) {
  Endpoint server = kHub;
  for (std::size_t i = 0; i < 100; ++i) {
    ++server.port;
    ask(server);
  }
  EXPECT_EQ(questions.size(), StunClient::kMaxServers);
}

TEST_F(StunClientLife, NobodyCanBeAskedAtPortZeroOrNowhere) {
  ask({kHub.ip, 0});
  ask({{}, 3731});
  EXPECT_TRUE(questions.empty());
  EXPECT_FALSE(client.next_deadline());
}

TEST_F(StunClientLife, ARemovedServerIsForgotten) {
  serve(kHub, kUs);
  ask(kHub);
  run_for(seconds(1));
  client.remove_server(kHub);
  EXPECT_TRUE(seen().empty());
  EXPECT_FALSE(client.rtt(now, kHub));
  EXPECT_FALSE(client.next_deadline());
}

TEST_F(StunClientLife, AskingAgainAsksAllAndForgetsNothing) {
  serve(kHub, kUs);
  ask(kHub);
  ask(kSecondHub);  // silent
  run_for(minutes(1));
  questions.clear();
  client.ask_again(now);
  EXPECT_EQ(client.next_deadline(), now);
  EXPECT_THAT(seen(), ElementsAre(kUs));
  servers[kHub].up = false;
  const TimePoint again = now;
  run_for(milliseconds(300));
  ASSERT_EQ(questions.size(), 6U) << "both at 0, 0.1 and 0.3 s";
  EXPECT_EQ(questions[1].when, again);
  EXPECT_EQ(questions[5].when, again + milliseconds(300));
  EXPECT_THAT(seen(), ElementsAre(kUs));
}

TEST_F(StunClientLife, TheOtherPortIsAskedAtTheServersOwnAddress) {
  // A server behind a 1:1 NAT knows its private address only.
  serve(kHub, kUs, at("10.0.0.1:3733"));
  serve(kHubOther, kUs);
  ask(kHub);
  run_for(2 * kRtt);
  ASSERT_EQ(questions.size(), 2U);
  EXPECT_EQ(questions[1].to, kHubOther);
  EXPECT_EQ(questions[1].when, kStart + kRtt);
}

TEST_F(StunClientLife, TheOtherPortOfTheOtherPortIsNotAsked) {
  serve(kHub, kUs, kHubOther);
  serve(kHubOther, kUs, at("198.51.100.1:3735"));
  ask(kHub);
  run_for(minutes(5));
  for (const Question& question : questions)
    EXPECT_TRUE(question.to == kHub || question.to == kHubOther);
}

TEST_F(StunClientLife, TheSamePortIsNoOtherPort) {
  serve(kHub, kUs, at("10.0.0.1:3731"));
  ask(kHub);
  run_for(seconds(10));
  EXPECT_EQ(questions.size(), 1U);
}

TEST_F(StunClientLife, OtherPortsCountAsServers) {
  Endpoint server = kHub;
  for (std::size_t i = 0; i < StunClient::kMaxServers; ++i) {
    serve(server, kUs, {server.ip, static_cast<std::uint16_t>(server.port + 1000)});
    ask(server);
    ++server.port;
  }
  run_for(seconds(10));
  std::set<Endpoint> everybody;
  for (const Question& question : questions) everybody.insert(question.to);
  EXPECT_EQ(everybody.size(), StunClient::kMaxServers);
}

TEST_F(StunClientLife, TheOtherPortIsAskedOnceAfterEachChange) {
  serve(kHub, kUs, kHubOther);
  serve(kHubOther, kUs);
  ask(kHub);
  run_for(minutes(10));
  EXPECT_EQ(asked(kHubOther).size(), 1U);
  serve(kHub, kUsLater, kHubOther);
  serve(kHubOther, kUsLater);
  run_for(minutes(10));
  EXPECT_EQ(asked(kHubOther).size(), 2U);
}

TEST_F(StunClientLife, WithAServerGoesItsOtherPort) {
  serve(kHub, kUs, kHubOther);
  serve(kHubOther, kUs);
  ask(kHub);
  run_for(seconds(1));
  client.remove_server(kHub);
  questions.clear();
  run_for(minutes(5));
  EXPECT_TRUE(questions.empty());
  EXPECT_TRUE(seen().empty());
}

// ---- what changes ----

TEST_F(StunClientLife, ARestartIsNoticedAtTheNextRefresh) {
  serve(kHub, kUs);
  ask(kHub);
  run_for(minutes(5));
  EXPECT_FALSE(client.take_restarted()) << "neither the first word nor the same again is a restart";
  servers[kHub].start_id = 2;
  run_for(StunClient::kRefresh * 6 / 5 + kRtt);
  EXPECT_TRUE(client.take_restarted());
  EXPECT_FALSE(client.take_restarted()) << "told once";
  run_for(minutes(5));
  EXPECT_FALSE(client.take_restarted());
}

TEST_F(StunClientLife, ServersAreToldApart) {
  serve(kHub, kUs);
  serve(kSecondHub, kUs);
  servers[kSecondHub].start_id = 7;
  ask(kHub);
  ask(kSecondHub);
  run_for(minutes(5));
  EXPECT_FALSE(client.take_restarted());
}

TEST_F(StunClientLife, AServerThatSaysNoStartIdNeverRestarts) {
  servers[kHub] = {.mapped = [] { return kUs; }};
  servers[kHub].up = false;
  ask(kHub);
  // The mapped address alone, as other people's servers say it.
  const auto request = wire::parse_stun_request(questions[0].bytes);
  const wire::StunRequest poor{.transaction = request->transaction, .size = 20};
  client.handle_datagram(now, kHub, wire::stun_response(poor, kUs, 1, {}, {}), drops);
  EXPECT_THAT(seen(), ElementsAre(kUs));
  servers[kHub].up = true;
  servers[kHub].start_id = 2;
  run_for(minutes(1));
  EXPECT_FALSE(client.take_restarted()) << "the first id that it says";
}

TEST_F(StunClientLife, ANewMappingIsNoticedAtTheNextRefreshAndByAllAtOnce) {
  for (const Endpoint& hub : {kHub, kSecondHub, kThirdHub}) {
    serve(hub, kUs);
    ask(hub);
  }
  run_for(minutes(5));
  for (const Endpoint& hub : {kHub, kSecondHub, kThirdHub}) serve(hub, kUsLater);
  questions.clear();
  const TimePoint change = now;
  while (seen().front() == kUs && now < change + minutes(5)) run_for(milliseconds(1));
  EXPECT_LE(now - change, StunClient::kRefresh * 6 / 5 + kRtt);
  run_for(2 * kRtt);
  EXPECT_THAT(seen(), ElementsAre(kUsLater)) << "nobody still says the old one";
  EXPECT_LE(questions.size(), 9U);
}

// Hostile servers, or honest ones behind a router of ours that balances its uplinks.
struct Contradiction : StunClientLife {
  std::uint16_t port = 1000;
  Server never_twice(const Endpoint& other = {}) {
    return {.mapped = [this] { return Endpoint{kUs.ip, ++port}; }, .other = other};
  }
  void nobody_is_asked_more_than_once_a_second() {
    run_for(minutes(1));
    for (const auto& [server, how] : servers)
      EXPECT_LE(asked(server).size(), 60U) << server.to_string();
  }
};

TEST_F(Contradiction, OfTwoPortsMakesNobodyAskFaster) {
  servers[kHub] = never_twice(kHubOther);
  servers[kHubOther] = never_twice();
  serve(kSecondHub, kUs);
  ask(kHub);
  ask(kSecondHub);
  nobody_is_asked_more_than_once_a_second();
}

TEST_F(Contradiction, OfTwoServersMakesNobodyAskFaster) {
  servers[kHub] = never_twice();
  servers[kSecondHub] = never_twice();
  serve(kThirdHub, kUs);
  for (const Endpoint& hub : {kHub, kSecondHub, kThirdHub}) ask(hub);
  nobody_is_asked_more_than_once_a_second();
}

TEST_F(StunClientLife, TheMostCommonIsTheFirst) {
  serve(kHub, kUsLater);
  serve(kSecondHub, kUs);
  serve(kThirdHub, kUs);
  serve(kHub6, kUs6);
  for (const Endpoint& hub : {kHub, kSecondHub, kThirdHub, kHub6}) ask(hub);
  run_for(seconds(1));
  ASSERT_EQ(seen().size(), 3U) << "each once";
  EXPECT_EQ(seen().front(), kUs);
}

TEST_F(StunClientLife, WhatASilentServerSaidCountsForThreeMinutes) {
  serve(kHub, kUs);
  ask(kHub);
  run_for(kRtt);
  servers[kHub].up = false;
  run_for(StunClient::kLife - milliseconds(1));
  EXPECT_THAT(seen(), ElementsAre(kUs));
  EXPECT_TRUE(client.rtt(now, kHub));
  run_for(milliseconds(1));
  EXPECT_TRUE(seen().empty());
  EXPECT_FALSE(client.rtt(now, kHub));
}

TEST_F(StunClientLife, WhatItsOtherPortSaidLivesNoLonger) {
  serve(kHub, kUs, kHubOther);
  serve(kHubOther, kUs);
  ask(kHub);
  run_for(minutes(1));
  servers[kHub].up = servers[kHubOther].up = false;
  run_for(StunClient::kLife + StunClient::kRefresh);
  EXPECT_TRUE(seen().empty());
}

TEST_F(StunClientLife, TheVerdictOfTwoPortsLastsAsLongAsTheServer) {
  serve(kHub, kUs, kHubOther);
  serve(kHubOther, kUs);
  ask(kHub);
  run_for(hours(1));
  EXPECT_EQ(client.mapping(now, {}), NatMapping::endpoint_independent);
}

TEST_F(StunClientLife, AChangedMappingIsJudgedAnew) {
  serve(kHub, kUs, kHubOther);
  serve(kHubOther, kUs);
  ask(kHub);
  run_for(minutes(10));
  serve(kHub, kUsLater, kHubOther);
  serve(kHubOther, kUsLater);
  run_for(minutes(1));
  EXPECT_THAT(seen(), ElementsAre(kUsLater));
  EXPECT_EQ(client.mapping(now, {}), NatMapping::endpoint_independent);
}

TEST_F(StunClientLife, SettledWhenAllHaveAnsweredOrPatienceIsOver) {
  constexpr Duration kPatience = milliseconds(250);
  serve(kHub, kUs);
  ask(kHub);
  ask(kSecondHub);
  EXPECT_FALSE(client.settled(now, kPatience));
  run_for(kRtt);
  EXPECT_FALSE(client.settled(now, kPatience)) << "one has not";
  run_until(kStart + kPatience - milliseconds(1));
  EXPECT_FALSE(client.settled(now, kPatience));
  run_for(milliseconds(1));
  EXPECT_TRUE(client.settled(now, kPatience));
}

TEST_F(StunClientLife, SettledWithoutTheOtherPort) {
  serve(kHub, kUs, kHubOther);
  ask(kHub);
  run_for(kRtt);
  EXPECT_TRUE(client.settled(now, milliseconds(250))) << "it was not asked at the start";
}

// ---- the verdict ----

struct Verdict {
  const char* title;
  std::vector<std::pair<Endpoint, Endpoint>> seen;  // by whom, as what
  std::vector<Endpoint> own;
  NatMapping expected;
};

// A server of kHub and kHubOther in the table names the other one.
TEST(StunClientMapping, Table) {
  const Endpoint us_elsewhere = at("203.0.113.8:40000");
  const Verdict table[] = {
      {"nobody answered", {}, {}, NatMapping::unknown},
      {"one witness", {{kHub, kUs}}, {}, NatMapping::unknown},
      {"two servers, the same",
       {{kHub, kUs}, {kSecondHub, kUs}},
       {},
       NatMapping::endpoint_independent},
      {"two ports of one, the same",
       {{kHub, kUs}, {kHubOther, kUs}},
       {},
       NatMapping::endpoint_independent},
      {"two servers, another port",
       {{kHub, kUs}, {kSecondHub, kUsLater}},
       {},
       NatMapping::dependent},
      {"two servers, another address",
       {{kHub, kUs}, {kSecondHub, us_elsewhere}},
       {},
       NatMapping::dependent},
      {"two ports of one, another port",
       {{kHub, kUs}, {kHubOther, kUsLater}},
       {},
       NatMapping::dependent},
      {"two agree, the third does not",
       {{kHub, kUs}, {kSecondHub, kUs}, {kThirdHub, kUsLater}},
       {},
       NatMapping::dependent},
      {"our own, by one", {{kHub, kUs}}, {kUs}, NatMapping::none},
      {"our own, by two", {{kHub, kUs}, {kSecondHub, kUs}}, {kUs}, NatMapping::none},
      {"two of our own",
       {{kHub, kUs}, {kSecondHub, us_elsewhere}},
       {kUs, us_elsewhere},
       NatMapping::none},
      {"our own address, another port", {{kHub, kUsLater}}, {kUs}, NatMapping::unknown},
      {"our own and another",
       {{kHub, kUs}, {kSecondHub, us_elsewhere}},
       {kUs},
       NatMapping::dependent},
      {"IPv6 alone, our own", {{kHub6, kUs6}}, {kUs6}, NatMapping::none},
      {"IPv4 behind a NAT decides, whatever IPv6 is",
       {{kHub, kUs}, {kSecondHub, kUs}, {kHub6, kUs6}},
       {kUs6},
       NatMapping::endpoint_independent},
      {"one witness in IPv4, two in IPv6",
       {{kHub, kUs}, {kHub6, kUs6}, {kSecondHub6, kUs6}},
       {},
       NatMapping::endpoint_independent},
      {"one witness in IPv4, a contradiction in IPv6",
       {{kHub, kUs}, {kHub6, kUs6}, {kSecondHub6, at("[2001:db8:7::1]:41000")}},
       {},
       NatMapping::dependent},
      {"two families are no contradiction", {{kHub, kUs}, {kHub6, kUs6}}, {}, NatMapping::unknown},
  };
  for (const Verdict& row : table) {
    test::SeededRandom random(1);
    StunClient client(random);
    DropCounters drops;
    std::map<Endpoint, Endpoint> mapped(row.seen.begin(), row.seen.end());
    for (const auto& [server, as] : row.seen)
      if (server != kHubOther) client.add_server(kStart, server);
    for (int round = 0; round < 2; ++round) {
      client.handle_timeout(kStart);
      while (const auto out = client.poll()) {
        const auto request = wire::parse_stun_request(out->datagram);
        const Endpoint other = mapped.contains(kHubOther) ? kHubOther : Endpoint{};
        client.handle_datagram(kStart, out->to,
                               wire::stun_response(*request, mapped.at(out->to), 1, other, {}),
                               drops);
      }
    }
    EXPECT_EQ(drops.total(), 0U) << row.title;
    EXPECT_EQ(client.mapping(kStart, row.own), row.expected) << row.title;
    EXPECT_EQ(client.mapping(kStart + StunClient::kLife, row.own), NatMapping::unknown)
        << row.title << ", long ago";
  }
}

// Its one port leaves the IPv4 NAT unknown, and our own IPv6 is no proof that there is none.
TEST_F(StunClientLife, OurOwnIpv6DoesNotHideAnIpv4Nat) {
  const Endpoint hub6 = *Endpoint::parse("[2001:db8:5::1]:3731");
  const Endpoint us6 = *Endpoint::parse("[2001:db8:7::1]:40000");
  serve(kHub, kUs);
  serve(hub6, us6);
  ask(kHub);
  ask(hub6);
  run_for(seconds(1));
  EXPECT_EQ(client.mapping(now, {us6}), wire::NatMapping::unknown);
}

TEST(StunClientTimes, NamedServersTellTheTimeWhileTheyAnswer) {
  test::SeededRandom random(3);
  StunClient client(random);
  DropCounters drops;
  TimePoint now{seconds(1000)};
  const Endpoint named = *Endpoint::parse("192.0.2.1:3731");
  const Endpoint quiet = *Endpoint::parse("192.0.2.2:3731");
  client.add_server(now, named);
  client.add_server(now, quiet);
  client.handle_timeout(now);
  while (const auto out = client.poll()) {
    const auto request = wire::parse_stun_request(out->datagram);
    const auto time = out->to == named ? std::optional(UnixTime{5'000'000}) : std::nullopt;
    client.handle_datagram(
        now, out->to,
        wire::stun_response(*request, *Endpoint::parse("198.51.100.1:1"), 1, {}, {}, time), drops);
  }
  now += seconds(2);
  const auto times = client.times(now);
  ASSERT_EQ(times.size(), 1U) << "an older one does not tell";
  EXPECT_EQ(times[0].server, named);
  EXPECT_EQ(times[0].time.ms, 5'002'000) << "it goes on";
  EXPECT_TRUE(client.times(now + StunClient::kLife).empty());
}

}  // namespace
}  // namespace meshnode::discovery
