// Two and more whole nodes in virtual time: how edges come to be, and come back.
#include "support/pair.h"

namespace meshnode::test {
namespace {

using overlay::PeerState;

struct Pair : PairTest {
  Pair() : PairTest(1) {}
};

TEST_F(Pair, ConnectsWithinAFewRoundTrips) {
  alpha.start();
  beta.start();
  const TimePoint begin = lan.time;
  ASSERT_TRUE(lan.run_until([&] { return connected(); }, seconds(5)));
  // 1 ms one way: beacon, probe, answer, two handshake messages, and at most the politeness pause.
  EXPECT_LT(lan.time - begin, milliseconds(150));
  expect_pings();
}

TEST_F(Pair, LateComerIsAnsweredAtOnce) {
  alpha.start();
  lan.run_for(seconds(100));
  beta.start();
  const TimePoint begin = lan.time;
  ASSERT_TRUE(lan.run_until([&] { return connected(); }, seconds(5)));
  EXPECT_LT(lan.time - begin, milliseconds(250)) << "no waiting for the next periodic beacon";
}

TEST_F(Pair, ConnectsWithHeavyLossDuplicationAndReordering) {
  lan.loss_percent = 30;
  lan.duplicate_percent = 20;
  lan.jitter = milliseconds(50);
  alpha.start();
  beta.start();
  ASSERT_TRUE(lan.run_until([&] { return connected(); }, seconds(60)));
  lan.loss_percent = 0;
  lan.run_for(seconds(5));
  expect_pings();
}

// Glare. Waiting packets end the politeness of the larger id, equal delays do the rest: both first
// messages are under way at the same time.
TEST_F(Pair, BothBeginAtOnceAndTheSmallerIdWins) {
  alpha.start();
  beta.start();
  ASSERT_TRUE(lan.run_until([&] { return alpha.peer(beta) && beta.peer(alpha); }, seconds(1)));
  alpha.ping(beta);
  beta.ping(alpha);
  ASSERT_TRUE(lan.run_until([&] { return alpha.answered_pings == 1 && beta.answered_pings == 1; },
                            milliseconds(50)));
  const auto inits = std::count_if(lan.history.begin(), lan.history.end(),
                                   [](const Datagram& d) { return d.to.ip && d.bytes[0] == 0x40; });
  EXPECT_EQ(inits, 2) << "the test is about both";
  const VirtualNode& smaller = alpha.id() < beta.id() ? alpha : beta;
  VirtualNode& winner = &smaller == &alpha ? alpha : beta;
  VirtualNode& loser = &smaller == &alpha ? beta : alpha;
  EXPECT_EQ(winner.core().drops()[Drop::glare], 1U);
  EXPECT_EQ(loser.core().drops()[Drop::glare], 0U);
  lan.run_for(seconds(5));
  EXPECT_EQ(std::count_if(lan.history.begin(), lan.history.end(),
                          [](const Datagram& d) { return d.to.ip && d.bytes[0] == 0x41; }),
            1)
      << "one answer, one session";
  expect_pings();
}

TEST_F(Pair, FirstPacketWaitsForItsEdge) {
  alpha.start();
  beta.start();
  // As soon as alpha has heard of beta, it has a route.
  ASSERT_TRUE(lan.run_until([&] { return alpha.peer(beta).has_value(); }, seconds(1)));
  alpha.ping(beta);
  EXPECT_EQ(alpha.answered_pings, 0U);
  EXPECT_TRUE(lan.run_until([&] { return alpha.answered_pings == 1; }, seconds(1)));
}

TEST_F(Pair, TellsTheStoryOnce) {
  connect();
  lan.run_for(seconds(400));
  ASSERT_EQ(alpha.events.size(), 1U);
  const auto* event = std::get_if<overlay::PeerConnected>(&alpha.events[0]);
  ASSERT_NE(event, nullptr);
  EXPECT_EQ(event->name, "beta");
  EXPECT_GT(event->rtt, Duration{});
}

TEST_F(Pair, CleanStopIsSeenAtOnceAndRestartIsQuick) {
  connect();
  beta.stop_cleanly();
  ASSERT_TRUE(lan.run_until([&] { return alpha.state_of(beta) == PeerState::unreachable; },
                            milliseconds(10)));
  EXPECT_EQ(alpha.peer(beta)->reason, overlay::Reason::said_goodbye);
  lan.run_for(seconds(60));
  beta.start();
  const TimePoint begin = lan.time;
  ASSERT_TRUE(lan.run_until([&] { return connected(); }, seconds(5)));
  EXPECT_LT(lan.time - begin, milliseconds(300));
  expect_pings();
}

TEST_F(Pair, CleanStopOfAnIdleEdgeIsSeenAtOnceToo) {
  connect();
  // Gossip wakes it up in growing rounds.
  ASSERT_TRUE(lan.run_until([&] { return alpha.state_of(beta) == PeerState::idle; }, hours(1)));
  beta.stop_cleanly();
  ASSERT_TRUE(lan.run_until([&] { return alpha.state_of(beta) == PeerState::unreachable; },
                            milliseconds(10)));
  EXPECT_EQ(alpha.peer(beta)->reason, overlay::Reason::said_goodbye);
}

TEST_F(Pair, NothingIsDueInThePastAfterASleep) {
  // Use until just before the rekey, then sleep through it: no timer may spin (run_until()
  // asserts).
  for (const int sleep : {25, 35, 50, 70, 200, 4000}) {
    VirtualLan other(9);
    VirtualNode& a = other.add("a");
    VirtualNode& b = other.add("b");
    a.start();
    b.start();
    other.run_for(seconds(100));
    a.ping(b);
    other.run_for(seconds(10));
    other.time += seconds(sleep);
    b.kill();
    other.run_for(seconds(300));
  }
}

TEST_F(Pair, KilledPeerIsBackWithinASecondOfItsRestart) {
  connect();
  beta.kill();
  beta.start();
  const TimePoint begin = lan.time;
  const auto ping_works = [&] {
    const auto before = alpha.answered_pings;
    alpha.ping(beta);
    lan.run_for(milliseconds(20));
    return alpha.answered_pings > before;
  };
  while (!ping_works()) ASSERT_LT(lan.time - begin, seconds(1));
  expect_pings();
}

TEST_F(Pair, SilentPeerIsNoticedWithinTwoSecondsOfUse) {
  connect();
  expect_pings();
  lan.run_for(seconds(1));
  beta.kill();
  alpha.ping(beta);
  const TimePoint begin = lan.time;
  ASSERT_TRUE(lan.run_until([&] { return !alpha.peer(beta)->path.has_value(); }, seconds(10)));
  EXPECT_GE(lan.time - begin, seconds(1)) << "no sooner: it might only be slow";
  EXPECT_LE(lan.time - begin, seconds(2));
}

TEST_F(Pair, IdleEdgeStaysAliveForHoursWithoutKeys) {
  connect();
  lan.run_for(hours(6));
  EXPECT_EQ(alpha.state_of(beta), PeerState::idle);
  EXPECT_EQ(beta.state_of(alpha), PeerState::idle);
  const TimePoint begin = lan.time;
  expect_pings();
  EXPECT_LT(lan.time - begin, milliseconds(20)) << "the path is there, only keys are made";
}

TEST_F(Pair, IdleEdgeKeepsItsBudget) {
  connect();
  lan.run_for(minutes(10));
  lan.history.clear();
  lan.run_for(hours(24));
  std::size_t edge = 0;
  std::size_t gossip = 0;  // with the handshakes that it needs
  std::size_t beacons = 0;
  for (const Datagram& d : lan.history) {
    const bool probe = d.bytes[0] == 0x43;
    (!d.to.ip ? beacons : probe ? edge : gossip) += d.bytes.size() + 28;
  }
  RecordProperty("edge_bytes", std::to_string(edge));
  RecordProperty("gossip_bytes", std::to_string(gossip));
  RecordProperty("beacon_bytes", std::to_string(beacons));
  // DESIGN §8: 15 MB a day of keep-alive for a node with 50 edges, both ways with headers.
  EXPECT_LT(edge, 15'000'000U / 50);
  const std::size_t question_and_answer = 2 * (64 + 28);
  EXPECT_LE(edge, (hours(24) / seconds(100)) * question_and_answer)
      << "only one side asks at a time";
  // It does not grow with the number of edges: two nodes' share of 3 MB and 2 MB for keys.
  EXPECT_LT(gossip, 200'000U);
  EXPECT_LT(beacons, 2 * 600'000U) << "two nodes, one each 30 s";
}

TEST_F(Pair, MovedAddressIsFollowedAfterAProbe) {
  connect();
  expect_pings();
  // beta's address changes under it; nobody tells alpha but beta's own packets.
  beta.address_ = IpAddress::v4({10, 0, 0, 77});
  beta.core().interfaces_changed(beta.now(), beta.interfaces());
  const TimePoint begin = lan.time;
  ASSERT_TRUE(lan.run_until(
      [&] { return alpha.peer(beta)->path && alpha.peer(beta)->path->remote == beta.endpoint(); },
      seconds(5)));
  EXPECT_LE(lan.time - begin, milliseconds(1500));
  expect_pings();
}

TEST_F(Pair, WrongClocksDoNotMatter) {
  for (const milliseconds offset :
       {milliseconds(minutes(10)), milliseconds(-minutes(10)), milliseconds(hours(-24 * 20000))}) {
    VirtualLan other(7);
    VirtualNode& a = other.add("a");
    VirtualNode& b = other.add("b");
    b.clock_offset = offset;
    a.start();
    b.start();
    EXPECT_TRUE(other.run_until(
        [&] {
          return a.state_of(b) == PeerState::connected && b.state_of(a) == PeerState::connected;
        },
        seconds(5)))
        << "offset " << offset.count() << " ms";
  }
}

TEST_F(Pair, ClockJumpUnderALiveEdgeBreaksNothing) {
  connect();
  beta.clock_offset = milliseconds(hours(24 * 365));
  lan.run_for(minutes(5));
  expect_pings();
  beta.clock_offset = milliseconds(hours(-24 * 365));
  lan.run_for(minutes(5));
  expect_pings();
}

TEST_F(Pair, RestoredStateConnectsAgain) {
  connect();
  lan.run_for(seconds(10));
  const std::uint64_t old_number = beta.numbers.last - 5;
  lan.run_for(minutes(30));
  beta.kill();
  // An old backup and a clock in 1970: all its numbers have been seen.
  beta.numbers.last = old_number - 1'000'000;
  beta.clock_offset = milliseconds(hours(-24 * 20000));
  lan.run_for(seconds(30));
  beta.start();
  EXPECT_TRUE(lan.run_until([&] { return connected(); }, seconds(40)));
  expect_pings();
}

TEST_F(Pair, ChachaWhereOneSideWantsIt) {
  VirtualLan other(3);
  NodeOptions options;
  options.name = "old";
  options.identity_seed.fill(9);
  options.network.seed.fill(1);
  VirtualNode& a = other.add(options);
  options.identity_seed.fill(10);
  options.ciphers = {crypto::Cipher::chacha20_poly1305};
  VirtualNode& b = other.add(options);
  a.start();
  b.start();
  ASSERT_TRUE(other.run_until([&] { return b.state_of(a) == PeerState::connected; }, seconds(5)));
  a.ping(b);
  EXPECT_TRUE(other.run_until([&] { return a.answered_pings == 1; }, seconds(2)));
}

TEST(Mesh, TwelveNodesMakeAllEdges) {
  VirtualLan lan(5);
  for (int i = 0; i < 12; ++i) lan.add("n" + std::to_string(i));
  for (auto& node : lan.nodes()) node->start();
  const auto all = [&] {
    for (auto& a : lan.nodes())
      for (auto& b : lan.nodes())
        if (a != b && a->state_of(*b) != PeerState::connected) return false;
    return true;
  };
  EXPECT_TRUE(lan.run_until(all, seconds(5)));
}

TEST(Mesh, Ipv4ClaimsGetRoutesAndConflictsAreTold) {
  VirtualLan lan(6);
  NodeOptions options;
  const auto node = [&](const char* name, std::uint8_t id, std::uint8_t host) -> VirtualNode& {
    options.name = name;
    options.identity_seed.fill(id);
    options.claims = {IpAddress::v4({10, 77, 0, host})};
    return lan.add(options);
  };
  VirtualNode& a = node("a", 1, 1);
  VirtualNode& b = node("b", 2, 2);
  VirtualNode& c = node("c", 3, 2);  // wants b's address
  a.start();
  b.start();
  ASSERT_TRUE(lan.run_until([&] { return a.state_of(b) == PeerState::connected; }, seconds(5)));
  lan.run_for(seconds(1));
  c.start();
  ASSERT_TRUE(lan.run_until([&] { return a.state_of(c) == PeerState::connected; }, seconds(5)));
  EXPECT_EQ(a.peer(c)->reason, overlay::Reason::address_conflict);
  EXPECT_EQ(a.peer(b)->reason, overlay::Reason::none) << "who held it first keeps it";
  const auto request =
      echo_request(IpAddress::v4({10, 77, 0, 1}), IpAddress::v4({10, 77, 0, 2}), 1);
  a.send_inner(request);
  ASSERT_TRUE(lan.run_until([&] { return a.answered_pings == 1; }, seconds(1)));
  EXPECT_TRUE(std::any_of(b.delivered.begin(), b.delivered.end(),
                          [&](const Bytes& p) { return p == request; }));
  EXPECT_TRUE(c.delivered.empty());
}

}  // namespace
}  // namespace meshnode::test
