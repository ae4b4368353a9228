// How long an edge in use carries nothing when the network under it changes, in virtual time.
// Bounds are tight: each run is the same. `Blackout` figures are those of docs/testing.md.
#pragma once

#include <algorithm>
#include <cstdio>

#include <gtest/gtest.h>

#include "support/virtual_lan.h"
#include "support/virtual_nat.h"

namespace meshnode::test {

using overlay::PeerState;

enum class Flow { there, back, both };

inline const char* name_of(Flow flow) {
  return flow == Flow::there ? "there" : flow == Flow::back ? "back" : "both";
}

// A packet that its receiver's kernel does not answer.
inline Bytes plain_packet(const VirtualNode& from, const VirtualNode& to) {
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
    out.network = network_of(0x61, 0x62);
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
  // A member that is only asked for help: what it says and hears does not count.
  Endpoint helper{};
  std::size_t count(bool (*what)(const Datagram&)) const {
    return static_cast<std::size_t>(
        std::count_if(lan.history.begin(), lan.history.end(), [&](const Datagram& d) {
          return what(d) && (!helper.ip || (d.from != helper && d.to != helper));
        }));
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

inline constexpr Flow kFlows[] = {Flow::there, Flow::back, Flow::both};

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

}  // namespace meshnode::test
