// What roaming costs (roaming_fixture.h): NAT rebinding, other addresses, two ways, sleep, and
// calm.
#include "roaming_fixture.h"

namespace meshnode::test {
namespace {

// ---- a NAT forgets us ----

TEST_F(Rebinding, IsFollowed) {
  round_trip(milliseconds(20));
  connect();
  std::uint8_t host = 7;
  for (const Flow flow : kFlows)
    EXPECT_LE(blackout(flow, [&] { nat->rebind(outside(++host)); }), milliseconds(300));
}

TEST_F(Rebinding, IsFollowedOverALongWay) {
  round_trip(milliseconds(100));
  connect();
  std::uint8_t host = 7;
  for (const Flow flow : kFlows)
    EXPECT_LE(blackout(flow, [&] { nat->rebind(outside(++host)); }), milliseconds(600));
}

TEST_F(Rebinding, IsFollowedUnderSlowFlows) {
  round_trip(milliseconds(40));
  connect();
  std::uint8_t host = 7;
  spacing = milliseconds(200);
  for (const Flow flow : kFlows)
    EXPECT_LE(blackout(flow, [&] { nat->rebind(outside(++host)); }), milliseconds(1500));
}

// ---- another address ----

TEST_F(Roaming, AnotherAddressOnTheLanIsFollowed) {
  round_trip(milliseconds(20));
  connect();
  std::uint8_t host = 70;
  for (const Flow flow : kFlows)
    EXPECT_LE(blackout(flow,
                       [&] {
                         beta.address_ = IpAddress::v4({10, 0, 0, ++host});
                         beta.addresses_changed();
                       }),
              milliseconds(300));
}

// ---- two ways ----

// Both have two LANs in common.
struct TwoWays : Roaming {
  bool first_is_cut = false;

  TwoWays() {
    alpha.more_addresses = {IpAddress::v4({10, 1, 0, 1})};
    beta.more_addresses = {IpAddress::v4({10, 1, 0, 2})};
    lan.route = [this](Datagram& d) { return !first_is_cut || in(d.from.ip, second()); };
  }
  const char* cut = "10.0.0.0/8";
  // The way that is not in use.
  const char* second() const {
    return in(cut_local, "10.0.0.0/24") ? "10.1.0.0/24" : "10.0.0.0/24";
  }
  IpAddress cut_local;
  void cut_the_best() {
    cut_local = alpha.peer(beta)->path->local;
    first_is_cut = true;
  }
};

TEST_F(TwoWays, TheSecondTakesOverWhenTheFirstDiesSilently) {
  round_trip(milliseconds(20));
  connect();
  for (const Flow flow : kFlows) {
    EXPECT_LE(blackout(flow, [&] { cut_the_best(); }), milliseconds(300));
    first_is_cut = false;
    lan.run_for(minutes(3));
    longest_gap(Flow::both, seconds(2));
  }
}

TEST_F(TwoWays, TheSecondTakesOverWhenAnInterfaceGoes) {
  round_trip(milliseconds(20));
  connect();
  for (const Flow flow : kFlows) {
    const auto addresses = std::pair(beta.address_, beta.more_addresses);
    EXPECT_LE(blackout(flow,
                       [&] {
                         cut_the_best();
                         beta.address_ =
                             in(beta.address_, second()) ? beta.address_ : beta.more_addresses[0];
                         beta.more_addresses.clear();
                         beta.addresses_changed();
                       }),
              milliseconds(200));
    first_is_cut = false;
    std::tie(beta.address_, beta.more_addresses) = addresses;
    beta.addresses_changed();
    lan.run_for(minutes(3));
    longest_gap(Flow::both, seconds(2));
  }
}

// A third LAN, where nothing gets through: only beta's record can tell alpha of it, over the edge.
TEST_F(TwoWays, ANewAddressIsToldOverTheSurvivingPathAtOnce) {
  round_trip(milliseconds(20));
  alpha.more_addresses.push_back(IpAddress::v4({10, 2, 0, 1}));
  lan.filter = [](const Datagram& d) { return !in(d.to.ip, "10.2.0.0/24"); };
  connect();
  longest_gap(Flow::both, seconds(1));
  const Endpoint added{IpAddress::v4({10, 2, 0, 2}), VirtualNode::kPort};
  const auto asked = [&] {
    return std::any_of(lan.history.begin(), lan.history.end(), [&](const Datagram& d) {
      return is_probe(d) && d.to == added && alpha.has(d.from);
    });
  };
  beta.more_addresses = {added.ip};  // in place of 10.1.0.2
  const bool used_first = in(beta.peer(alpha)->path->local, "10.0.0.0/24");
  if (!used_first) beta.address_ = IpAddress::v4({10, 0, 0, 3});
  beta.addresses_changed();
  ASSERT_FALSE(asked());
  EXPECT_TRUE(lan.run_until(asked, lan.latency + milliseconds(1)));
}

// ---- sleep ----

// Idle, and alpha has just asked: its next question is due in 110 s.
struct Sleep : Rebinding {
  std::size_t asked() const {
    return static_cast<std::size_t>(
        std::count_if(lan.history.begin(), lan.history.end(), [&](const Datagram& d) {
          return is_probe(d) && d.bytes[1] == 0 && d.from == alpha.endpoint();
        }));
  }
  void settle() {
    round_trip(milliseconds(20));
    connect();
    lan.run_for(minutes(20));
    lan.history.clear();
    ASSERT_TRUE(lan.run_until([&] { return asked() > 0; }, minutes(2)));
    lan.run_for(seconds(5));
    lan.history.clear();
  }
};

TEST_F(Sleep, AllIsAskedAfterIt) {
  settle();
  nat->rebind(outside(8));
  lan.time += seconds(100);
  lan.unix.ms += 100'000;
  lan.run_for(milliseconds(5));
  EXPECT_EQ(asked(), 1U);
  lan.run_for(milliseconds(200));
  EXPECT_EQ(alpha.peer(beta)->path->remote, outside(8));
}

TEST_F(Sleep, WhoIsAwakeAsksNobodyBeforeItsTime) {
  settle();
  lan.run_for(seconds(100));
  EXPECT_EQ(asked(), 0U);
}

// ---- what it costs where nothing is wrong ----

// Each step a round of packets, then some time. How many probes and path changes that made.
struct Calm : TwoWays {
  struct Cost {
    std::size_t probes = 0;  // questions and answers
    std::size_t changes = 0;
  };
  template <typename Step>
  Cost cost(std::size_t steps, Duration pause, Step step) {
    const auto path_of = [](VirtualNode& from, VirtualNode& to) {
      const auto entry = from.peer(to);
      return entry && entry->path ? entry->path->remote : Endpoint{};
    };
    Cost out;
    auto before = std::pair(path_of(alpha, beta), path_of(beta, alpha));
    const auto probes = count(is_probe);
    for (std::size_t i = 0; i < steps; ++i) {
      step();
      lan.run_for(pause);
      const auto after = std::pair(path_of(alpha, beta), path_of(beta, alpha));
      if (after != before) ++out.changes;
      before = after;
    }
    out.probes = count(is_probe) - probes;
    return out;
  }
  void send(Flow flow) {
    if (flow != Flow::back) alpha.send_inner(plain_packet(alpha, beta));
    if (flow != Flow::there) beta.send_inner(plain_packet(beta, alpha));
  }
};

TEST_F(Calm, PingsEachSecondCostNothing) {
  round_trip(milliseconds(20));
  connect();
  lan.run_for(minutes(15));
  const Cost idle = cost(600, seconds(1), [] {});
  const auto answered = alpha.answered_pings;
  const Cost used = cost(600, seconds(1), [&] { alpha.ping(beta); });
  EXPECT_EQ(alpha.answered_pings - answered, 600U);
  EXPECT_EQ(used.changes, 0U);
  // Each side keeps one spare path as warm as the best one, from its first keep-alive pause on.
  EXPECT_LE(used.probes, 2 * idle.probes + 8);
}

TEST_F(Calm, AFlowBothWaysCostsNothing) {
  round_trip(milliseconds(20));
  connect();
  const Cost both = cost(6000, milliseconds(10), [&] { send(Flow::both); });
  EXPECT_EQ(both.changes, 0U);
  EXPECT_LE(both.probes, 16U) << "in a minute";
}

TEST_F(Calm, AFlowOneWayCostsAQuestionEachEightTenthsOfASecond) {
  round_trip(milliseconds(20));
  connect();
  const Cost there = cost(6000, milliseconds(10), [&] { send(Flow::there); });
  EXPECT_EQ(there.changes, 0U);
  EXPECT_LE(there.probes, 2 * 60 / 0.8 + 16) << "in a minute";
}

TEST_F(Calm, TheEndOfEachBurstCostsOneQuestionOnEachPath) {
  round_trip(milliseconds(20));
  connect();
  const auto burst = [&] {
    for (int i = 0; i < 50; ++i) {
      send(Flow::there);
      lan.run_for(milliseconds(10));
    }
  };
  burst();
  lan.run_for(seconds(10));
  const Cost bursts = cost(20, seconds(9), burst);
  EXPECT_EQ(bursts.changes, 0U);
  // A one-way burst of 0.5 s: three questions of the sender's, two at the end of the receiver's.
  EXPECT_LE(bursts.probes, 20 * 2 * 5 + 16U);
}

TEST_F(Calm, LossMakesNoPathChangeAndHardlyAQuestion) {
  round_trip(milliseconds(20));
  connect();
  for (const unsigned percent : {2U, 5U})
    for (const Flow flow : kFlows) {
      SCOPED_TRACE(std::string(name_of(flow)) + ", loss " + std::to_string(percent) + " %");
      lan.loss_percent = percent;
      const Cost lossy = cost(12'000, milliseconds(10), [&] { send(flow); });
      lan.loss_percent = 0;
      std::printf("  flow %-5s loss %u %%: %zu changes of path, %zu probes in 2 minutes\n",
                  name_of(flow), percent, lossy.changes, lossy.probes);
      EXPECT_EQ(lossy.changes, 0U);
      EXPECT_LE(lossy.probes, flow == Flow::both ? 60U : 2 * 120 / 0.8 * 1.4 + 60);
      EXPECT_TRUE(connected());
    }
}

}  // namespace
}  // namespace meshnode::test
