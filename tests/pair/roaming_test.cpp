// How long an edge in use carries nothing when the network under it changes, in virtual time.
// Bounds are tight: each run is the same. `Blackout` figures are those of docs/testing.md.
#include <algorithm>

#include <gtest/gtest.h>

#include "support/virtual_lan.h"
#include "support/virtual_nat.h"

namespace meshnode::test {
namespace {

using overlay::PeerState;

enum class Flow { there, back, both };

const char* name_of(Flow flow) {
  return flow == Flow::there ? "there" : flow == Flow::back ? "back" : "both";
}

// A packet that its receiver's kernel does not answer.
Bytes plain_packet(const VirtualNode& from, const VirtualNode& to) {
  Bytes packet = echo_request(from.overlay_address(), to.overlay_address(), 1);
  packet[40] = 200;
  return packet;
}

struct Roaming : ::testing::Test {
  VirtualLan lan{11};
  VirtualNode& alpha = lan.add(options("alpha", 1));
  VirtualNode& beta = lan.add(options("beta", 2));

  static NodeOptions options(const std::string& name, std::uint8_t identity) {
    NodeOptions out;
    out.name = name;
    out.identity_seed.fill(identity);
    out.network.seed.fill(0x61);
    Block<32> secret;
    secret.fill(0x62);
    out.network.secret = Secret32(secret);
    out.directory = true;
    return out;
  }
  bool connected() const {
    return alpha.state_of(beta) == PeerState::connected &&
           beta.state_of(alpha) == PeerState::connected;
  }
  void connect() {
    alpha.start();
    beta.start();
    ASSERT_TRUE(lan.run_until([&] { return connected(); }, seconds(10)));
    lan.run_for(seconds(5));
  }
  void round_trip(milliseconds rtt) { lan.latency = rtt / 2; }
  static bool in(const IpAddress& ip, const char* prefix) {
    return Cidr::parse(prefix)->contains(ip);
  }

  Duration spacing = milliseconds(10);

  static bool is_probe(const Datagram& d) { return !d.bytes.empty() && d.bytes[0] == 0x43; }
  static bool is_init(const Datagram& d) { return !d.bytes.empty() && d.bytes[0] == 0x40; }
  std::size_t count(bool (*what)(const Datagram&)) const {
    return static_cast<std::size_t>(std::count_if(lan.history.begin(), lan.history.end(), what));
  }

  // Packets each `spacing` for that long; the longest time without one arriving, of the directions
  // that flow, less the spacing.
  Duration longest_gap(Flow flow, Duration span) {
    TimePoint heard_a = lan.time;
    TimePoint heard_b = lan.time;
    Duration gap{};
    const auto look = [&](VirtualNode& node, TimePoint& heard) {
      gap = std::max(gap, lan.time - heard);
      if (node.delivered.empty()) return;
      node.delivered.clear();
      heard = lan.time;
    };
    alpha.delivered.clear();
    beta.delivered.clear();
    TimePoint next = lan.time;
    for (const TimePoint end = lan.time + span; lan.time < end; lan.run_for(milliseconds(1))) {
      if (flow != Flow::back) look(beta, heard_b);
      if (flow != Flow::there) look(alpha, heard_a);
      if (lan.time < next) continue;
      next += spacing;
      if (flow != Flow::back) alpha.send_inner(plain_packet(alpha, beta));
      if (flow != Flow::there) beta.send_inner(plain_packet(beta, alpha));
    }
    return std::max(Duration{}, gap - spacing - lan.latency);
  }
  // The longest gap of a flow that runs before, during and after `event`, which must not cost a
  // handshake.
  template <typename Event>
  Duration blackout(Flow flow, Event event) {
    longest_gap(flow, seconds(12));
    const auto inits = count(is_init);
    event();
    const Duration gap = longest_gap(flow, seconds(8));
    EXPECT_EQ(count(is_init), inits) << "keys are alive: no handshake";
    std::printf("  flow %-5s RTT %3lld ms: %lld ms\n", name_of(flow),
                static_cast<long long>(2 * lan.latency / milliseconds(1)),
                static_cast<long long>(gap / milliseconds(1)));
    return gap;
  }
};

constexpr Flow kFlows[] = {Flow::there, Flow::back, Flow::both};

// ---- a NAT forgets us ----

// alpha has a public address, beta is behind a NAT.
struct Rebinding : Roaming {
  std::unique_ptr<VirtualNat> nat;

  Rebinding() {
    alpha.address_ = IpAddress::v4({198, 51, 100, 1});
    nat = std::make_unique<VirtualNat>(beta, outside(7));
    lan.route = [this](Datagram& d) { return d.to.ip && nat->pass(d); };
  }
  static Endpoint outside(std::uint8_t host) {
    return {IpAddress::v4({203, 0, 113, host}), static_cast<std::uint16_t>(20000 + host)};
  }
};

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
