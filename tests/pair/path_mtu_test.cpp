// Two nodes over a link that silently drops what is larger than its MTU.
#include "support/pair.h"
#include "wire/data_frame.h"
#include "wire/ip.h"

namespace meshnode::test {
namespace {

constexpr std::size_t kIpAndUdp = 28;

struct PathMtuPair : PairTest {
  PathMtuPair() : PairTest(3) {
    lan.filter = [this](const Datagram& datagram) {
      largest = std::max(largest, datagram.bytes.size());
      return datagram.bytes.size() + kIpAndUdp <= link;
    };
  }

  std::size_t link = 1500;
  std::size_t largest = 0;  // datagram that was sent, arrived or not
  std::uint16_t sequence = 0;

  static IpAddress v4(std::uint8_t host) { return IpAddress::v4({10, 77, 0, host}); }
  // `size` bytes in all. IPv4 has no DF set, IPv6 never allows fragments.
  Bytes packet(bool v6, std::size_t size) {
    const std::size_t header = v6 ? 48 : 28;
    return v6 ? echo_request(alpha.overlay_address(), beta.overlay_address(), ++sequence,
                             size - header)
              : echo_request(v4(1), v4(2), ++sequence, size - header);
  }
  static bool is_ptb(ByteView bytes) {
    const auto header = wire::parse_ip(bytes);
    if (!header) return false;
    const ByteView icmp = bytes.subspan(header->header_size);
    return header->protocol == wire::icmpv6 ? icmp[0] == 2 : icmp[0] == 3 && icmp[1] == 4;
  }
  static std::size_t told_mtu(ByteView bytes) {
    const auto header = wire::parse_ip(bytes);
    const ByteView icmp = bytes.subspan(header->header_size);
    return header->protocol == wire::icmpv6 ? load_be<std::uint32_t>(icmp.data() + 4)
                                            : load_be<std::uint16_t>(icmp.data() + 6);
  }
  // How many of `sent` (their sequence is in them) arrived at beta.
  std::size_t arrived(std::size_t since) const { return beta.delivered.size() - since; }
  // A packet each 10 ms; the longest time in which none arrived.
  Duration flow(bool v6, std::size_t size, Duration span) {
    const TimePoint end = lan.time + span;
    TimePoint last = lan.time;
    Duration gap{};
    while (lan.time < end) {
      const std::size_t before = beta.delivered.size();
      alpha.send_inner(packet(v6, size));
      lan.run_for(milliseconds(10));
      gap = std::max<Duration>(gap, lan.time - last);
      if (beta.delivered.size() > before) last = lan.time;
    }
    return gap;
  }
  std::size_t limit() const { return alpha.peer(beta)->datagram; }
};

NodeOptions member(std::uint8_t number, std::size_t mtu) {
  NodeOptions options;
  options.name = std::to_string(number);
  options.identity_seed.fill(number);
  options.network = default_network();
  options.claims = {IpAddress::v4({10, 77, 0, number})};
  options.mtu = mtu;
  return options;
}

// Two members with IPv4 addresses of the overlay and a tunnel MTU of their own.
struct WithV4 : PathMtuPair {
  VirtualNode* first = nullptr;
  VirtualNode* second = nullptr;

  void connect_with(std::size_t mtu) {
    first = &lan.add(member(11, mtu));
    second = &lan.add(member(12, mtu));
    first->start();
    second->start();
    ASSERT_TRUE(lan.run_until(
        [&] {
          return first->state_of(*second) == overlay::PeerState::connected &&
                 second->state_of(*first) == overlay::PeerState::connected;
        },
        seconds(5)));
  }
  Bytes v4_packet(std::size_t size, bool dont_fragment) {
    Bytes out = echo_request(v4(11), v4(12), ++sequence, size - 28);
    if (dont_fragment) out[6] = 0x40;
    return out;
  }
  std::size_t deliver(std::size_t size, bool dont_fragment) {
    const std::size_t before = second->delivered.size();
    first->send_inner(v4_packet(size, dont_fragment));
    lan.run_for(milliseconds(10));
    return second->delivered.size() - before;
  }
};

TEST_F(PathMtuPair, LargePacketsArriveFromTheFirstOnOverEveryLink) {
  for (const std::size_t mtu : {576U, 1124U, 1280U, 1400U, 1500U, 9000U}) {
    link = mtu;
    if (alpha.running()) {
      alpha.kill();
      beta.kill();
      lan.run_for(minutes(1));
    }
    connect();
    for (int i = 0; i < 200; ++i) {
      const std::size_t before = beta.delivered.size();
      alpha.send_inner(packet(true, 1280));
      lan.run_for(milliseconds(20));
      ASSERT_EQ(arrived(before), 1U) << i << " over " << mtu;
    }
  }
}

TEST_F(WithV4, PacketsThatMayBeFragmentedAlwaysArrive) {
  for (const std::size_t mtu : {576U, 1124U, 1280U, 1500U}) {
    link = mtu;
    if (first == nullptr) {
      connect_with(1420);
    } else {
      for (VirtualNode* node : {first, second}) node->kill();
      lan.run_for(minutes(1));
      for (VirtualNode* node : {first, second}) node->start();
      ASSERT_TRUE(lan.run_until(
          [&] { return first->state_of(*second) == overlay::PeerState::connected; }, seconds(5)));
      lan.run_for(seconds(1));
    }
    for (int i = 0; i < 200; ++i) ASSERT_EQ(deliver(1420, false), 1U) << i << " over " << mtu;
  }
}

TEST_F(PathMtuPair, TheLinkIsUsedAsFarAsItGoes) {
  connect();
  flow(true, 1420, milliseconds(100));
  EXPECT_EQ(limit(), 1420 + wire::kFrameOverhead);
  link = 1280;
  flow(true, 1420, seconds(5));
  EXPECT_EQ(limit(), 1248U);
}

TEST_F(PathMtuPair, AnIdleEdgeIsNotProbed) {
  connect();
  lan.run_for(minutes(30));
  expect_pings();
  lan.run_for(minutes(30));
  EXPECT_LT(largest, 1000U);
}

TEST_F(PathMtuPair, ALinkThatShrinksInMidFlowCostsLessThanThreeSeconds) {
  for (const std::size_t after : {1400U, 1280U, 1124U, 576U}) {
    link = 1500;
    if (!alpha.running()) connect();
    lan.run_for(minutes(11));
    flow(true, 1420, seconds(3));  // what fits makes nobody look for more
    ASSERT_EQ(limit(), 1420 + wire::kFrameOverhead);
    link = after;
    // What never fits is refused as soon as it is known; until then everything is carried.
    EXPECT_LE(flow(true, 1280, seconds(10)), seconds(3)) << after;
    EXPECT_LE(limit() + kIpAndUdp, after);
  }
}

TEST_F(PathMtuPair, LossDoesNotStopLargePackets) {
  link = 1124;
  connect();
  lan.loss_percent = 5;
  EXPECT_LE(flow(true, 1280, minutes(2)), seconds(1));
}

TEST_F(PathMtuPair, TheSenderIsToldWhatFitsAndThenItFits) {
  for (const std::size_t mtu : {1400U, 1280U}) {
    link = mtu;
    if (!alpha.running()) connect();
    flow(true, 1420, seconds(5));
    ASSERT_TRUE(std::any_of(alpha.delivered.begin(), alpha.delivered.end(), is_ptb));
    const Bytes last = *std::find_if(alpha.delivered.rbegin(), alpha.delivered.rend(), is_ptb);
    EXPECT_EQ(told_mtu(last), std::max<std::size_t>(limit() - wire::kFrameOverhead, 1280));
    const std::size_t before = beta.delivered.size();
    alpha.send_inner(packet(true, told_mtu(last)));
    lan.run_for(milliseconds(10));
    EXPECT_EQ(arrived(before), 1U);
    alpha.delivered.clear();
  }
}

TEST_F(WithV4, WithDontFragmentTheSenderIsTold) {
  link = 1124;
  connect_with(1420);
  for (int i = 0; i < 300; ++i) deliver(1420, true);
  EXPECT_EQ(deliver(1420, true), 0U);
  const auto told = std::find_if(first->delivered.rbegin(), first->delivered.rend(), is_ptb);
  ASSERT_NE(told, first->delivered.rend());
  EXPECT_EQ(told_mtu(*told), 1088 - wire::kFrameOverhead);
  EXPECT_EQ(wire::parse_ip(*told)->source, v4(12)) << "a kernel drops what comes from itself";
  EXPECT_EQ(wire::parse_ip(*told)->destination, v4(11));
  EXPECT_EQ(deliver(told_mtu(*told), true), 1U);
  EXPECT_EQ(deliver(1420, false), 1U);
  EXPECT_EQ(deliver(576, true), 1U);
}

TEST_F(WithV4, PacketTooBigIsToldOnlySoOften) {
  link = 1124;
  connect_with(1420);
  for (int i = 0; i < 300; ++i) deliver(1420, true);
  first->delivered.clear();
  lan.run_for(seconds(5));
  for (int i = 0; i < 1000; ++i) first->send_inner(v4_packet(1420, true));
  const auto told = std::count_if(first->delivered.begin(), first->delivered.end(), is_ptb);
  EXPECT_GE(told, 1);
  EXPECT_LE(told, 100);
}

TEST_F(WithV4, JumboFramesAreUsedWhereTunnelAndLinkHaveThem) {
  link = 9000;
  connect_with(8900);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(deliver(8900, false), 1U) << i;
  EXPECT_EQ(first->peer(*second)->datagram, 8900 + wire::kFrameOverhead);
  EXPECT_EQ(largest, 8900 + wire::kFrameOverhead);
}

TEST_F(WithV4, AJumboTunnelWorksOverAnUsualLink) {
  link = 1500;
  connect_with(8900);
  for (int i = 0; i < 300; ++i) ASSERT_EQ(deliver(8900, false), 1U) << i;
  EXPECT_EQ(first->peer(*second)->datagram, 1472U);
}

TEST_F(PathMtuPair, WhatOurOwnInterfaceRefusesIsGivenUpAtOnce) {
  connect();
  flow(true, 1420, seconds(1));
  alpha.core().too_big(alpha.now(), *alpha.peer(beta)->path, 1420 + wire::kFrameOverhead);
  EXPECT_LT(limit(), 1420 + wire::kFrameOverhead);
}

}  // namespace
}  // namespace meshnode::test
