// What the RX pump makes of runs: super-frames, whatever forged, replayed and garbled datagrams
// come between; and the underlay's congestion marks.
#include "tests/unit/dataplane_pumps_fixture.h"

namespace meshnode::dataplane {
namespace {

struct RxFrames : Pumps {
  void SetUp() override {
    Pumps::SetUp();
    rx.set_coalescing({});
  }
  std::vector<Sent> send_stream(const InnerPacket& packet, std::size_t gso_size) {
    return send_one(open_frame(packet, gso_size));
  }
  // Cuts a run into its datagrams, and joins datagrams into a run.
  static std::vector<Bytes> datagrams(const std::vector<Sent>& sent) {
    std::vector<Bytes> out;
    for (const Sent& each : sent)
      for (std::size_t at = 0; at < each.bytes.size(); at += each.run.segment_size) {
        const ByteView rest = ByteView(each.bytes).subspan(at);
        out.push_back(to_bytes(rest.first(std::min(each.run.segment_size, rest.size()))));
      }
    return out;
  }
  void receive_run(const std::vector<Bytes>& datagrams, std::uint8_t tos = 0) {
    arrived.clear();
    for (const Bytes& each : datagrams) Writer(arrived).bytes(each);
    receive_bytes(arrived, datagrams[0].size(), tos);
  }
  Bytes arrived;  // what was passed on points into it
  void receive_bytes(Bytes& bytes, std::size_t segment_size, std::uint8_t tos = 0) {
    const DatagramRun run{path_to(1), bytes, segment_size, tos};
    opened.clear();
    tun.clear();
    rx.pump({&run, 1}, kNow, opened, tun);
  }
};

TEST_F(RxFrames, ARunBecomesOneSuperFrame) {
  for (const bool tcp : {true, false})
    for (const bool v6 : {true, false}) {
      const InnerPacket packet{.v6 = v6, .tcp = tcp, .payload = filled(30 * 1300 + 77)};
      auto sent = send_stream(packet, 1300);
      receive(sent);
      ASSERT_EQ(tun.frames.size(), 1U);
      EXPECT_EQ(tun.frames[0].frame.gso_size, 1300);
      EXPECT_EQ(delivered(), slow(packet, 1300));
    }
  EXPECT_EQ(rx.drops().total(), 0U);
  EXPECT_EQ(rx.traffic(kOne).packets, 4U * 31);
}

TEST_F(RxFrames, WithoutCoalescingPacketsStayAlone) {
  for (const bool tcp : {true, false}) {
    rx.set_coalescing({.tcp = !tcp, .udp = tcp});
    const InnerPacket packet{.tcp = tcp, .payload = filled(10 * 1300)};
    auto sent = send_stream(packet, 1300);
    receive(sent);
    EXPECT_EQ(tun.packets(), slow(packet, 1300));
  }
}

TEST_F(RxFrames, ForgeriesInARunHarmNoNeighbour) {
  const InnerPacket packet{.payload = filled(20 * 500)};
  for (std::size_t round = 0; round < 40; ++round) {
    const auto genuine = datagrams(send_stream(packet, 500));
    std::vector<Bytes> run;
    std::size_t forged = 0;
    for (const Bytes& each : genuine) {
      while (random.below(2) == 0) {
        Bytes forgery = each;
        forgery[wire::kFrameHeaderSize + random.below(each.size() - wire::kFrameHeaderSize)] ^= 4;
        run.push_back(std::move(forgery));
        ++forged;
      }
      run.push_back(each);
    }
    const std::uint64_t before = rx.drops()[Drop::auth_failed];
    receive_run(run);
    EXPECT_EQ(rx.drops()[Drop::auth_failed] - before, forged);
    EXPECT_EQ(tun.frames.size(), 1U);
    EXPECT_EQ(delivered(), slow(packet, 500));
  }
}

TEST_F(RxFrames, ReplaysInARunAreDeliveredOnce) {
  const InnerPacket packet{.payload = filled(10 * 500)};
  std::vector<Bytes> run;
  for (const Bytes& each : datagrams(send_stream(packet, 500)))
    run.insert(run.end(), 1 + random.below(4), each);
  receive_run(run);
  EXPECT_EQ(delivered(), slow(packet, 500));
  EXPECT_EQ(rx.drops()[Drop::replayed], run.size() - 10);
  receive_run(run);
  EXPECT_TRUE(tun.frames.empty());
  EXPECT_EQ(tun.calls, 0U) << "nothing to write, no call";
}

TEST_F(RxFrames, ATruncatedTailIsNoPartOfTheFrame) {
  const InnerPacket packet{.payload = filled(5 * 500)};
  const auto expected = slow(packet, 500);
  for (const std::size_t cut : {1U, 100U, 500U, 540U, 571U}) {
    auto sent = send_stream(packet, 500);
    ASSERT_EQ(sent.size(), 1U);
    sent[0].run.data = sent[0].run.data.first(sent[0].bytes.size() - cut);
    receive(sent);
    EXPECT_EQ(delivered(), std::vector<Bytes>(expected.begin(), expected.end() - 1)) << cut;
  }
}

TEST_F(RxFrames, SegmentsOfOneByteAreNothing) {
  Bytes bytes = datagrams(send_stream({.payload = filled(100)}, 100))[0];
  const std::size_t size = bytes.size();
  receive_bytes(bytes, 1);
  EXPECT_TRUE(tun.frames.empty());
  EXPECT_EQ(rx.drops().total() + opened.passed.size(), size);
  receive_bytes(bytes, 0);
  EXPECT_EQ(tun.frames.size(), 1U) << "no segment size: one datagram";
  Bytes none;
  receive_bytes(none, 0);
  receive_bytes(none, 100);
  EXPECT_TRUE(tun.frames.empty());
}

TEST_F(RxFrames, WhatDeceivesInsideIsDroppedOutOfTheMiddle) {
  const InnerPacket packet{.payload = filled(3 * 500)};
  const auto expected = slow(packet, 500);
  const InnerPacket spoofed{.from = 2, .payload = filled(500)};
  const auto middle = datagrams(send_stream(spoofed, 0))[0];
  auto run = datagrams(send_stream(packet, 500));
  run.insert(run.begin() + 1, middle);
  receive_run(run);
  EXPECT_EQ(rx.drops()[Drop::spoofed_source], 1U);
  EXPECT_EQ(tun.frames.size(), 1U);
  EXPECT_EQ(delivered(), expected);
}

TEST_F(RxFrames, AddressesAreCheckedAnewWhenTheyChange) {
  std::vector<test::OwnedFrame> frames;
  for (const std::uint8_t from : Bytes{1, 3, 2, 1}) frames.push_back(plain(build({.from = from})));
  auto sent = send(frames);
  receive(sent);
  EXPECT_EQ(tun.frames.size(), 3U);
  EXPECT_EQ(rx.drops()[Drop::spoofed_source], 1U);
  rx.apply(SetSources{kOne, addresses({9})});
  frames.clear();
  frames.push_back(plain(build({.from = 1})));
  sent = send(frames);
  receive(sent);
  EXPECT_TRUE(tun.frames.empty()) << "nothing is remembered from one call to the next";
}

TEST_F(RxFrames, DestinationsAreCheckedAnewWhenTheyChange) {
  std::vector<test::OwnedFrame> frames;
  for (const std::uint8_t to : Bytes{2, 4, 2}) frames.push_back(plain(build({.to = to})));
  tx.apply(SetRoutes{std::make_shared<RouteTable>(RouteTable{{v4(2), kOne}, {v4(4), kOne}})});
  rx.apply(SetOwnAddresses{addresses({2})});
  auto sent = send(frames);
  receive(sent);
  EXPECT_EQ(tun.frames.size(), 2U);
  EXPECT_EQ(rx.drops()[Drop::foreign_destination], 1U);
}

TEST_F(RxFrames, MoreFramesThanAreHeldComeInSeveralParts) {
  std::vector<test::OwnedFrame> frames;
  std::vector<Bytes> expected;
  for (std::uint16_t i = 0; i < 200; ++i) {
    expected.push_back(
        build({.source_port = static_cast<std::uint16_t>(1000 + i), .payload = filled(40)}));
    frames.push_back(plain(expected.back()));
  }
  auto sent = send(frames);
  receive(sent);
  EXPECT_EQ(tun.calls, 4U);
  EXPECT_EQ(tun.packets(), expected);
}

TEST_F(RxFrames, MessagesBetweenDataKeepTheirOrder) {
  const InnerPacket packet{.payload = filled(4 * 100)};
  auto run = datagrams(send_stream(packet, 100));
  const std::size_t size = run[0].size();
  for (std::uint8_t i = 0; i < 3; ++i) {
    Bytes message(size, i);
    message[0] = 0x43;
    run.insert(run.begin() + 2 * i + 1, message);
  }
  receive_run(run);
  EXPECT_EQ(delivered(), slow(packet, 100));
  ASSERT_EQ(opened.passed.size(), 3U);
  for (std::uint8_t i = 0; i < 3; ++i) EXPECT_EQ(opened.passed[i].datagram[1], i);
}

TEST_F(RxFrames, TheUnderlaysCongestionMarkReachesTheReceiver) {
  InnerPacket packet{.tos = 0x02, .payload = filled(5 * 500)};
  const auto run = datagrams(send_stream(packet, 500));
  receive_run(run, 0x03);
  EXPECT_EQ(tun.frames.size(), 1U);
  packet.tos = 0x03;
  EXPECT_EQ(delivered(), slow(packet, 500));
}

TEST_F(RxFrames, MarkedAndUnmarkedPacketsAreNotJoined) {
  InnerPacket packet{.tos = 0x02, .payload = filled(4 * 500)};
  const auto run = datagrams(send_stream(packet, 500));
  std::vector<Sent> sent;
  for (std::size_t i = 0; i < 4; ++i) {
    const auto tos = static_cast<std::uint8_t>(i < 2 ? 0x02 : 0x03);
    sent.push_back({run[i], {path_to(1), {}, run[i].size(), tos}});
  }
  for (Sent& each : sent) each.run.data = each.bytes;
  receive(sent);
  EXPECT_EQ(tun.frames.size(), 2U);
  EXPECT_EQ(delivered().size(), 4U);
}

TEST_F(RxFrames, WhoKnowsNoMarksLosesTheMarkedPacket) {
  const InnerPacket packet{.payload = filled(3 * 500)};
  receive_run(datagrams(send_stream(packet, 500)), 0x03);
  EXPECT_TRUE(tun.frames.empty());
  EXPECT_EQ(rx.drops()[Drop::congested], 3U);
  EXPECT_EQ(rx.traffic(kOne).packets, 0U);
  receive_run(datagrams(send_stream(packet, 500)), 0x02);
  EXPECT_EQ(delivered(), slow(packet, 500));
}

}  // namespace
}  // namespace meshnode::dataplane
