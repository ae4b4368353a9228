// What the TX pump makes of frames: datagrams, and which of them form a run.
#include "tests/unit/dataplane_pumps_fixture.h"

namespace meshnode::dataplane {
namespace {

struct Runs : Pumps {
  InnerPacket udp(std::size_t payload, std::uint8_t to = 2) {
    return {.tcp = false, .to = to, .payload = filled(payload)};
  }
  // The sizes of the datagrams of each run.
  static std::vector<std::vector<std::size_t>> sizes(const std::vector<Sent>& sent) {
    std::vector<std::vector<std::size_t>> out;
    for (const Sent& each : sent) {
      out.emplace_back();
      const std::size_t step = each.run.segment_size;
      for (std::size_t at = 0; at < each.bytes.size(); at += step)
        out.back().push_back(std::min(step, each.bytes.size() - at));
    }
    return out;
  }
  std::vector<std::vector<std::size_t>> sizes_of(const std::vector<Bytes>& packets) {
    std::vector<test::OwnedFrame> frames;
    for (const Bytes& packet : packets) frames.push_back(plain(packet));
    return sizes(send(frames));
  }
  static constexpr std::size_t datagram(std::size_t packet) {
    return wire::padded_size(packet, kTunnelMtu) + wire::kFrameOverhead;
  }
};
using Sizes = std::vector<std::vector<std::size_t>>;

TEST_F(Runs, ASuperFrameIsOneRunWithAShortTail) {
  InnerPacket packet{.payload = filled(20 * 1380 + 100)};
  const auto sent = send_one(open_frame(packet, 1380));
  std::vector<std::size_t> expected(20, datagram(1420));
  expected.push_back(datagram(140));
  EXPECT_EQ(sizes(sent), Sizes{expected});
  EXPECT_EQ(sent[0].run.path, path_to(1));
}

TEST_F(Runs, EveryDatagramOfASuperFrameHasItsOwnCounter) {
  auto sent = send_one(open_frame({.payload = filled(10 * 500)}, 500));
  ASSERT_EQ(sent.size(), 1U);
  for (std::size_t i = 0; i < 10; ++i)
    EXPECT_EQ(
        wire::parse_frame_header(sent[0].run.data.subspan(i * sent[0].run.segment_size))->counter,
        i);
}

TEST_F(Runs, AFloodOfEqualPacketsIsBatched) {
  EXPECT_EQ(sizes_of(std::vector<Bytes>(64, build(udp(64)))),
            Sizes{std::vector<std::size_t>(64, datagram(92))});
}

TEST_F(Runs, NoRunHasMoreThan64Datagrams) {
  EXPECT_EQ(
      sizes_of(std::vector<Bytes>(130, build(udp(64)))),
      (Sizes{std::vector<std::size_t>(64, datagram(92)), std::vector<std::size_t>(64, datagram(92)),
             std::vector<std::size_t>(2, datagram(92))}));
}

TEST_F(Runs, NoRunIsLargerThanADatagramMayBe) {
  const auto sent = send_one(open_frame({.payload = filled(47 * 1380)}, 1380));
  EXPECT_EQ(sizes(sent), (Sizes{std::vector<std::size_t>(45, datagram(1420)),
                                std::vector<std::size_t>(2, datagram(1420))}));
  EXPECT_LE(sent[0].bytes.size(), kMaxRunBytes);
}

TEST_F(Runs, AShorterDatagramEndsTheRunALongerOneBeginsAnother) {
  const Bytes small = build(udp(50));
  const Bytes middle = build(udp(150));
  const Bytes large = build(udp(250));
  EXPECT_EQ(sizes_of({middle, middle, small, small, large}),
            (Sizes{{datagram(178), datagram(178), datagram(78)}, {datagram(78)}, {datagram(278)}}));
  EXPECT_EQ(sizes_of({middle, small, middle}),
            (Sizes{{datagram(178), datagram(78)}, {datagram(178)}}))
      << "nothing comes behind the shorter one";
}

TEST_F(Runs, OtherPathsAreOtherRuns) {
  EXPECT_EQ(sizes_of({build(udp(64)), build(udp(64)), build(udp(64, 4)), build(udp(64))}),
            (Sizes{{datagram(92), datagram(92)}, {datagram(92)}, {datagram(92)}}));
}

TEST_F(Runs, DifferentMarksAreDifferentRuns) {
  for (const bool v6 : {false, true}) {
    std::vector<test::OwnedFrame> frames;
    for (const std::uint8_t tos : Bytes{0xb8, 0xb9, 0xb9, 0x01, 0x02, 0x03}) {
      InnerPacket packet = udp(64);
      packet.v6 = v6;
      packet.tos = tos;
      frames.push_back(plain(build(packet)));
    }
    const auto sent = send(frames);
    std::vector<std::uint8_t> marks;
    std::vector<std::size_t> counts;
    for (const Sent& each : sent) {
      marks.push_back(each.run.tos);
      counts.push_back(each.bytes.size() / each.run.segment_size);
    }
    EXPECT_EQ(marks, (std::vector<std::uint8_t>{0, 1, 2, 3})) << "the class stays inside";
    EXPECT_EQ(counts, (std::vector<std::size_t>{1, 3, 1, 1}));
  }
}

TEST_F(Runs, TheClassIsCopiedWhereThatIsWanted) {
  tx.set_copy_dscp(true);
  InnerPacket packet{.tos = 0xba, .payload = filled(5000)};
  const auto sent = send_one(open_frame(packet, 1000));
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].run.tos, 0xba);
}

TEST_F(Runs, AFrameThatContradictsItselfIsDroppedWhole) {
  test::OwnedFrame frame = open_frame({.payload = filled(5000)}, 1000);
  frame.frame.gso_type = kGsoTcpV6;
  EXPECT_TRUE(send_one(std::move(frame)).empty());
  frame = open_frame({.payload = filled(50)}, 0);
  frame.frame.csum_start = 65535;
  EXPECT_TRUE(send_one(std::move(frame)).empty());
  EXPECT_EQ(tx.drops()[Drop::bad_packet], 2U);
  EXPECT_TRUE(sealed.events.empty());
}

TEST_F(Runs, WhatCannotBeOneDatagramIsTooBig) {
  EXPECT_TRUE(send_one(plain(build({.payload = filled(65'480)}))).empty());
  EXPECT_EQ(tx.drops()[Drop::too_big], 1U);
}

TEST_F(Runs, SegmentsThatExceedAnyOutputAreRefused) {
  EXPECT_TRUE(send_one(open_frame({.payload = filled(60'000)}, 1)).empty());
  EXPECT_EQ(tx.drops()[Drop::bad_packet], 1U);
}

// The rest is untouched: the same as if it had been read later.
TEST_F(Runs, AFullOutputLeavesTheRestForTheNextCall) {
  std::vector<test::OwnedFrame> frames;
  std::vector<Bytes> expected;
  for (int i = 0; i < 60; ++i) {
    InnerPacket packet{.tcp = i % 3 != 0, .payload = filled(i % 2 == 0 ? 60'000 : 1000)};
    const std::size_t gso = i % 2 == 0 ? 1300 : 0;
    for (Bytes& each : slow(packet, gso)) expected.push_back(std::move(each));
    frames.push_back(open_frame(packet, gso));
  }
  auto all = send(frames);
  EXPECT_GT(calls, 1U);
  receive(all);
  EXPECT_EQ(delivered(), expected);
}

TEST_F(Runs, WhatCannotLeaveIsToldPacketByPacket) {
  tx.apply(SetPath{kOne, std::nullopt});
  InnerPacket packet{.payload = filled(20 * 1380 + 7)};
  EXPECT_TRUE(send_one(open_frame(packet, 1380)).empty());
  const auto expected = slow(packet, 1380);
  ASSERT_EQ(sealed.events.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(sealed.events[i].kind, PumpEvent::Kind::no_session);
    EXPECT_EQ(sealed.events[i].peer, kOne);
    EXPECT_EQ(to_bytes(sealed.events[i].bytes), expected[i]) << "complete, to be sent later";
  }
  packet.to = 9;
  send_one(open_frame(packet, 1380));
  ASSERT_EQ(sealed.events.size(), expected.size());
  EXPECT_EQ(sealed.events[3].kind, PumpEvent::Kind::no_route);
  EXPECT_EQ(sealed.events[3].peer, kNoPeer);
}

TEST_F(Runs, AKeyThatEndsInsideAFrameEndsBetweenTwoPackets) {
  tx.set_counter_for_test(1, TxPump::kLastCounter - 3);
  InnerPacket packet{.payload = filled(5 * 1000)};
  const auto sent = send_one(open_frame(packet, 1000));
  EXPECT_EQ(sizes(sent), Sizes{std::vector<std::size_t>(3, datagram(1040))});
  const auto expected = slow(packet, 1000);
  std::vector<Bytes> unsent;
  for (const PumpEvent& event : sealed.events)
    if (event.kind == PumpEvent::Kind::no_session) unsent.push_back(to_bytes(event.bytes));
  EXPECT_EQ(unsent, (std::vector<Bytes>{expected[3], expected[4]}));
  EXPECT_EQ(tx.traffic(kOne).packets, 3U);
  EXPECT_EQ(tx.traffic(kOne).bytes, 3U * 1040);
}

}  // namespace
}  // namespace meshnode::dataplane
