// What does not fit the path: refused, or carried in pieces, from pump to pump.
#include "tests/unit/dataplane_pumps_fixture.h"

namespace meshnode::dataplane {
namespace {

constexpr std::size_t kSmall = 544;  // links of 576

struct Pieces : Pumps {
  void limit(std::size_t datagram, bool settled, std::size_t message = 0) {
    tx.apply(SetLimit{kOne, datagram, message == 0 ? datagram : message, settled});
  }
  static InnerPacket udp(bool v6, std::size_t size, std::uint16_t fragment = 0) {
    InnerPacket packet{.v6 = v6, .tcp = false};
    packet.fragment = fragment;
    packet.payload = Bytes(size - packet.ip_size() - 8, 0x5a);
    return packet;
  }
  std::size_t largest_sent(const std::vector<Sent>& sent) const {
    std::size_t out = 0;
    for (const Sent& each : sent) out = std::max(out, each.run.segment_size);
    return out;
  }
  std::vector<PumpEvent> events(PumpEvent::Kind kind) const {
    std::vector<PumpEvent> out;
    for (const PumpEvent& event : sealed.events)
      if (event.kind == kind) out.push_back(event);
    return out;
  }
};

TEST_F(Pieces, PacketsOfEverySizeArriveOverEveryLimit) {
  for (const std::size_t datagram : {496U, 544U, 1104U, 1248U, 1452U})
    for (std::size_t size = 60; size <= kTunnelMtu; size += 85)
      for (const bool v6 : {false, true}) {
        limit(datagram, false);
        const Bytes packet = build(udp(v6, size));
        auto sent = send_one(plain(packet));
        ASSERT_LE(largest_sent(sent), datagram);
        receive(sent);
        ASSERT_EQ(delivered(), std::vector<Bytes>{packet}) << size << " over " << datagram;
      }
  EXPECT_EQ(tx.drops().total() + rx.drops().total(), 0U);
}

TEST_F(Pieces, WhatFitsIsNotCut) {
  for (std::size_t size = 400; size <= 512; ++size) {
    limit(kSmall, true);
    const auto sent = send_one(plain(build(udp(false, size))));
    ASSERT_EQ(sent.size(), 1U);
    ASSERT_EQ(sent[0].run.data.size(), sent[0].run.segment_size) << size;
  }
}

TEST_F(Pieces, WithoutALimitNothingIsCut) {
  EXPECT_EQ(largest_sent(send_one(plain(build(udp(true, 1420))))), 1452U);
}

TEST_F(Pieces, ASettledLimitRefusesWhoeverCanBeTold) {
  limit(1248, true);
  struct Case {
    bool v6;
    std::size_t size;
    std::uint16_t fragment;
    bool refused;
  };
  for (const Case& c :
       {Case{true, 1420, 0, true}, Case{true, 1280, 0, false}, Case{false, 1420, 0x4000, true},
        Case{false, 1420, 0, false}, Case{false, 1200, 0x4000, false}}) {
    const Bytes packet = build(udp(c.v6, c.size, c.fragment));
    auto sent = send_one(plain(packet));
    EXPECT_EQ(sent.empty(), c.refused);
    const auto told = events(PumpEvent::Kind::too_big);
    ASSERT_EQ(told.size(), c.refused ? 1U : 0U);
    if (c.refused) {
      EXPECT_EQ(told[0].size, 1248U - wire::kFrameOverhead);
      EXPECT_EQ(to_bytes(told[0].bytes), packet);
    }
    receive(sent);
    EXPECT_EQ(delivered().size(), c.refused ? 0U : 1U);
  }
  EXPECT_EQ(tx.drops()[Drop::too_big], 2U);
}

TEST_F(Pieces, WhatEveryLinkMustCarryIsCarriedOverTheSmallest) {
  limit(kSmall, true);
  for (const auto& [v6, size] : {std::pair{true, 1280U}, std::pair{false, 576U}}) {
    auto sent = send_one(plain(build(udp(v6, size, 0x4000))));
    EXPECT_TRUE(events(PumpEvent::Kind::too_big).empty());
    receive(sent);
    EXPECT_EQ(delivered().size(), 1U) << size;
  }
}

TEST_F(Pieces, AnUnsettledLimitRefusesNothing) {
  limit(kSmall, false);
  auto sent = send_one(plain(build(udp(true, 1420))));
  EXPECT_TRUE(events(PumpEvent::Kind::too_big).empty());
  receive(sent);
  EXPECT_EQ(delivered().size(), 1U);
}

TEST_F(Pieces, ASuperFrameIsToldOnceAndCarried) {
  limit(1248, true);
  for (const bool v6 : {false, true}) {
    InnerPacket packet{.v6 = v6};
    packet.payload = filled(30000);
    const std::size_t segment = 1420 - packet.ip_size() - packet.transport_size();
    auto sent = send_one(open_frame(packet, segment));
    EXPECT_LE(largest_sent(sent), 1248U);
    EXPECT_EQ(events(PumpEvent::Kind::too_big).size(), 1U);
    receive(sent);
    EXPECT_EQ(delivered(), slow(packet, segment));
  }
}

TEST_F(Pieces, ManySmallSegmentsInPiecesStillFitTheOutput) {
  limit(496, false);
  InnerPacket packet;
  packet.payload = filled(65000);
  for (const std::size_t segment : {430U, 500U, 1380U}) {
    auto sent = send_one(open_frame(packet, segment));
    receive(sent);
    EXPECT_EQ(delivered(), slow(packet, segment)) << segment;
  }
}

TEST_F(Pieces, OneLostPieceCostsOnePacket) {
  limit(kSmall, false);
  std::size_t arrived = 0;
  for (int i = 0; i < 30; ++i) {
    auto sent = send_one(plain(build(udp(true, 1400))));
    if (i % 3 == 0) {
      const std::size_t cut = sent[0].run.segment_size;
      sent[0].run.data = sent[0].run.data.first(sent[0].run.data.size() - cut);
    }
    receive(sent);
    arrived += delivered().size();
  }
  EXPECT_EQ(arrived, 20U);
}

// RFC 3168 §5.3.
TEST_F(Pieces, AMarkOnAnyPieceMarksTheWhole) {
  limit(kSmall, false);
  InnerPacket packet = udp(true, 1400);
  packet.tos = 0x02;
  InnerPacket marked = packet;
  marked.tos = 0x03;
  const auto whole = send_one(plain(build(packet)));
  ASSERT_EQ(whole.size(), 1U);
  const std::size_t piece = whole[0].run.segment_size;
  const std::size_t pieces = (whole[0].bytes.size() + piece - 1) / piece;
  ASSERT_EQ(pieces, 3U);
  for (std::size_t which = 0; which <= pieces; ++which) {  // the last time none
    const Bytes bytes = send_one(plain(build(packet)))[0].bytes;
    std::vector<Sent> sent;
    for (std::size_t i = 0; i < pieces; ++i) {
      const auto part =
          ByteView(bytes).subspan(i * piece).first(std::min(piece, bytes.size() - i * piece));
      const auto tos = static_cast<std::uint8_t>(i == which ? 0x03 : 0x02);
      sent.push_back({to_bytes(part), {whole[0].run.path, {}, part.size(), tos}});
    }
    for (Sent& each : sent) each.run.data = each.bytes;
    receive(sent);
    EXPECT_EQ(delivered(), std::vector<Bytes>{build(which < pieces ? marked : packet)}) << which;
  }
}

TEST_F(Pieces, TheSourceIsCheckedOfTheWhole) {
  limit(kSmall, false);
  InnerPacket forged = udp(false, 1400);
  forged.from = 9;
  auto sent = send_one(plain(build(forged)));
  receive(sent);
  EXPECT_TRUE(delivered().empty());
  EXPECT_EQ(rx.drops()[Drop::spoofed_source], 1U);
}

TEST_F(Pieces, TheEngineHearsHowLargeDatagramsAreWanted) {
  limit(kSmall, false);
  send_one(plain(build(udp(true, 1400))));
  const auto told = events(PumpEvent::Kind::sent);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].size, 1408U + wire::kFrameOverhead);
}

TEST_F(Pieces, WhatIsRefusedIsNotToldAsSent) {
  limit(kSmall, true);
  send_one(plain(build(udp(true, 1400))));
  EXPECT_EQ(events(PumpEvent::Kind::too_big).size(), 1U);
  EXPECT_TRUE(events(PumpEvent::Kind::sent).empty()) << "no answer is to be expected";
}

TEST_F(Pieces, LargeMessagesComeInPiecesAndWholeOnesNever) {
  limit(496, false, kSmall);
  const std::size_t size = 1100;
  Bytes buffer(size + wire::kFrameOverhead + wire::kMaxPadding);
  std::fill(buffer.begin() + wire::kFrameHeaderSize, buffer.end(), std::uint8_t{7});
  const Bytes text(size, 7);
  for (const bool whole : {false, true}) {
    sealed.clear();
    Bytes copy = buffer;
    ASSERT_TRUE(tx.seal_control(kOne, copy, size, sealed, whole));
    std::vector<Sent> sent;
    for (const DatagramRun& run : sealed.runs) {
      sent.push_back({to_bytes(run.data), run});
      sent.back().run.data = sent.back().bytes;
    }
    for (Sent& each : sent) each.run.data = each.bytes;
    EXPECT_EQ(largest_sent(sent) > kSmall, whole);
    receive(sent);
    std::vector<Bytes> messages;
    for (const PumpEvent& event : opened.events)
      if (event.kind == PumpEvent::Kind::control) messages.push_back(to_bytes(event.bytes));
    ASSERT_EQ(messages.size(), 1U);
    messages[0].resize(size);
    EXPECT_EQ(messages[0], text);
  }
}

TEST_F(Pieces, ADroppedPeerLeavesNoPieces) {
  limit(kSmall, false);
  auto sent = send_one(plain(build(udp(true, 1400))));
  const std::size_t step = sent[0].run.segment_size;
  std::vector<Sent> rest = sent;
  sent[0].run.data = MutableBytes(sent[0].bytes).first(step);
  rest[0].run.data = MutableBytes(rest[0].bytes).subspan(step);
  receive(sent);
  rx.apply(DropPeer{kOne});
  rx.apply(SetSources{kOne, addresses({1})});
  receive(rest);
  EXPECT_TRUE(delivered().empty());
}

}  // namespace
}  // namespace meshnode::dataplane
