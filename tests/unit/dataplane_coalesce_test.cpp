// Packets become super-frames, and super-frames are nothing but those packets.
#include "tests/unit/dataplane_coalesce_fixture.h"

namespace meshnode::dataplane {
namespace {

TEST_F(Coalesce, StreamIsOneFrameAndComesBack) {
  for (const bool v6 : {false, true})
    for (const bool tcp : {false, true}) {
      const auto packets = stream({.v6 = v6, .tcp = tcp}, 40, 1400);
      auto frames = frames_of(packets);
      ASSERT_EQ(frames.size(), 1U);
      const TunFrame& frame = frames[0].frame;
      EXPECT_EQ(frame.gso_type, !tcp ? kGsoUdpL4 : v6 ? kGsoTcpV6 : kGsoTcpV4);
      EXPECT_EQ(frame.gso_size, 1400);
      EXPECT_TRUE(frame.needs_csum);
      EXPECT_EQ(frame.csum_start, v6 ? 40 : 20);
      EXPECT_EQ(frame.csum_offset, tcp ? 16 : 6);
      EXPECT_EQ(slow(frames), packets);
      EXPECT_EQ(segmented(frames), packets);
    }
}

// The super-frame itself, and not only its parts, is a right packet.
TEST_F(Coalesce, FrameHasTheHeaderOfItsWhole) {
  for (const bool v6 : {false, true})
    for (const bool tcp : {false, true}) {
      InnerPacket packet{.v6 = v6, .tcp = tcp};
      std::vector<Bytes> packets;
      InnerPacket whole = packet;
      for (int i = 0; i < 9; ++i, packet = after(packet)) {
        packet.payload = filled(i == 8 ? 11 : 64);
        packet.flags = test::kAck | (i == 8 ? test::kPsh : 0);
        packets.push_back(build(packet));
        whole.payload.insert(whole.payload.end(), packet.payload.begin(), packet.payload.end());
      }
      whole.flags = packet.flags;
      auto frames = frames_of(packets);
      ASSERT_EQ(frames.size(), 1U);
      EXPECT_EQ(to_bytes(frames[0].frame.packet), build(whole, true));
    }
}

TEST_F(Coalesce, PayloadLiesInPlaceWhenTheGuessIsRight) {
  const auto packets = stream({}, 3, 500);
  offer(packets[0]);
  const std::uint8_t* end = coalescer.place_for(540).data() + 40;
  coalescer.reject();
  offer(packets[1]);
  EXPECT_EQ(coalescer.place_for(540).data() + 40, end + 500);
  coalescer.reject();
  // Another flow in between does not spoil the guess for long; an acknowledgement not at all.
  offer(build({.from = 9}));
  EXPECT_EQ(coalescer.place_for(540).data() + 40, end + 500);
  coalescer.reject();
}

TEST_F(Coalesce, UnlikelySizeIsNotGuessed) {
  offer(stream({}, 1, 500)[0]);
  const MutableBytes longer = coalescer.place_for(600);
  coalescer.reject();
  const MutableBytes shorter = coalescer.place_for(40);
  coalescer.reject();
  EXPECT_EQ(longer.data(), slots[1].data() + kFrameHeadroom);
  EXPECT_EQ(shorter.data(), slots[1].data() + kFrameHeadroom);
}

TEST_F(Coalesce, AFrameHasItsLimits) {
  // UDP: 64 segments. TCP: 65535 bytes, 46 × 1400 + 40 fit.
  EXPECT_EQ(counts(stream({.tcp = false}, 150, 10)), (std::vector<std::size_t>{64, 64, 22}));
  EXPECT_EQ(counts(stream({}, 50, 1400)), (std::vector<std::size_t>{46, 4}));
  EXPECT_EQ(counts(stream({.v6 = true, .tcp = false}, 4, 30000)), (std::vector<std::size_t>{2, 2}));
  // To the byte.
  EXPECT_EQ(counts(stream({}, 5, 13099)), (std::vector<std::size_t>{5}));
  EXPECT_EQ(counts(stream({}, 8, 8187)), (std::vector<std::size_t>{7, 1}));
}

TEST_F(Coalesce, ShorterPacketEndsAFrameAndLongerBeginsOne) {
  for (const bool tcp : {false, true}) {
    InnerPacket packet{.tcp = tcp};
    std::vector<Bytes> packets;
    for (const std::size_t size : {100U, 100U, 60U, 60U, 60U, 100U, 100U, 1U, 1U}) {
      packet.payload = filled(size);
      packets.push_back(build(packet));
      packet = after(packet);
    }
    auto frames = frames_of(packets);
    EXPECT_EQ(slow(frames), packets);
    EXPECT_EQ(counts(packets), (std::vector<std::size_t>{3, 2, 3, 1}));
  }
}

TEST_F(Coalesce, PushEndsAFrame) {
  InnerPacket packet{.payload = filled(100)};
  std::vector<Bytes> packets;
  for (const bool push : {false, true, false, false, true, true}) {
    packet.flags = test::kAck | (push ? test::kPsh : 0);
    packets.push_back(build(packet));
    packet = after(packet);
  }
  auto frames = frames_of(packets);
  EXPECT_EQ(slow(frames), packets);
  EXPECT_EQ(counts(packets), (std::vector<std::size_t>{2, 3, 1}));
}

// A pushed TCP frame leaves no trace in the object that the next frame uses.
TEST_F(Coalesce, PushOfAnEarlierBatchIsForgotten) {
  for (const bool tcp : {true, false}) {
    frames_of({build({.flags = test::kAck | test::kPsh, .payload = filled(50)})});
    const auto packets = stream({.tcp = tcp}, 3, 50);
    auto frames = frames_of(packets);
    EXPECT_EQ(slow(frames), packets);
  }
}

struct Change {
  const char* what;
  void (*make)(InnerPacket&);
};

TEST_F(Coalesce, WhatDiffersIsNotJoined) {
  const Change changes[] = {
      {"source", [](InnerPacket& p) { p.from = 7; }},
      {"destination", [](InnerPacket& p) { p.to = 7; }},
      {"source port", [](InnerPacket& p) { ++p.source_port; }},
      {"destination port", [](InnerPacket& p) { ++p.destination_port; }},
      {"DSCP", [](InnerPacket& p) { p.tos = 0x20; }},
      {"ECN", [](InnerPacket& p) { p.tos = 3; }},
      {"TTL", [](InnerPacket& p) { --p.hops; }},
  };
  for (const bool v6 : {false, true})
    for (const bool tcp : {false, true})
      for (const Change& change : changes) {
        InnerPacket first{.v6 = v6, .tcp = tcp, .payload = filled(100)};
        InnerPacket second = after(first);
        ASSERT_EQ(counts(first, second), (std::vector<std::size_t>{2}));
        change.make(second);
        EXPECT_EQ(counts(first, second), (std::vector<std::size_t>{1, 1})) << change.what;
      }
}

TEST_F(Coalesce, WhatDiffersInTcpOrIpIsNotJoined) {
  const Change changes[] = {
      {"acknowledged", [](InnerPacket& p) { ++p.ack; }},
      {"window", [](InnerPacket& p) { ++p.window; }},
      {"gap", [](InnerPacket& p) { ++p.sequence; }},
      {"retransmission", [](InnerPacket& p) { p.sequence -= 100; }},
      {"option", [](InnerPacket& p) { p.tcp_options[11] = 9; }},
      {"option's length", [](InnerPacket& p) { p.tcp_options.resize(16); }},
      {"reserved bits", [](InnerPacket& p) { p.reserved = 1; }},
      {"urgent pointer", [](InnerPacket& p) { p.urgent = 1; }},
      {"SYN", [](InnerPacket& p) { p.flags |= test::kSyn; }},
      {"FIN", [](InnerPacket& p) { p.flags |= test::kFin; }},
      {"RST", [](InnerPacket& p) { p.flags |= test::kRst; }},
      {"URG", [](InnerPacket& p) { p.flags |= test::kUrg; }},
      {"ECE", [](InnerPacket& p) { p.flags |= test::kEce; }},
      {"CWR", [](InnerPacket& p) { p.flags |= test::kCwr; }},
      {"no ACK", [](InnerPacket& p) { p.flags = 0; }},
      {"empty", [](InnerPacket& p) { p.payload.clear(); }},
  };
  for (const bool v6 : {false, true})
    for (const Change& change : changes) {
      InnerPacket first{.v6 = v6, .tcp_options = Bytes(12, 1), .payload = filled(100)};
      InnerPacket second = after(first);
      change.make(second);
      EXPECT_EQ(counts(first, second), (std::vector<std::size_t>{1, 1})) << change.what;
      // Nor is anything joined to it that would seem to continue it.
      const InnerPacket third = after(second);
      const bool may_start = (second.flags & ~test::kPsh) == test::kAck && !second.payload.empty();
      EXPECT_EQ(counts(second, third),
                (may_start ? std::vector<std::size_t>{2} : std::vector<std::size_t>{1, 1}))
          << change.what;
    }
  InnerPacket labelled{.v6 = true, .label = 5, .payload = filled(100)};
  InnerPacket other = after(labelled);
  ++other.label;
  EXPECT_EQ(counts(labelled, other), (std::vector<std::size_t>{1, 1}));
}

TEST_F(Coalesce, UncommonPacketsPassSinglyAndUnchanged) {
  const Change changes[] = {
      {"IP options",
       [](InnerPacket& p) { p.ip_options = p.v6 ? test::extension_before(p.tcp) : Bytes(4, 1); }},
      {"fragments",
       [](InnerPacket& p) {
         p.fragment = 0x2000;
         if (p.v6) p.ip_options = test::extension_before(p.tcp), p.first_extension = 44;
       }},
      {"no UDP checksum", [](InnerPacket& p) { p.tcp = false, p.zero_checksum = true; }},
  };
  for (const bool v6 : {false, true})
    for (const bool tcp : {false, true})
      for (const Change& change : changes) {
        InnerPacket packet{.v6 = v6, .tcp = tcp, .payload = filled(101)};
        change.make(packet);
        const std::vector<Bytes> packets = {build(packet), build(after(packet))};
        auto frames = frames_of(packets);
        ASSERT_EQ(frames.size(), 2U) << change.what;
        EXPECT_EQ(slow(frames), packets) << change.what;
        for (const Owned& owned : frames) EXPECT_FALSE(owned.frame.needs_csum);
      }
}

TEST_F(Coalesce, OddBytesPassUnchanged) {
  const Bytes whole = build({.payload = filled(30)});
  std::vector<Bytes> packets = {Bytes{0x45}, filled(3), Bytes(20, 0x45), Bytes(40, 0x60)};
  for (const std::size_t size : {20U, 39U, 69U})
    packets.emplace_back(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
  auto frames = frames_of(packets);
  EXPECT_EQ(slow(frames), packets);
}

TEST_F(Coalesce, DamagedPacketsAreNotGivenAGoodChecksum) {
  for (const bool v6 : {false, true})
    for (const bool tcp : {false, true})
      for (std::size_t damaged = 0; damaged < 3; ++damaged)
        for (int bit = 0; bit < 8; ++bit) {
          auto packets = stream({.v6 = v6, .tcp = tcp}, 3, 99);
          packets[damaged].back() = static_cast<std::uint8_t>(packets[damaged].back() ^ 1 << bit);
          auto frames = frames_of(packets);
          EXPECT_EQ(slow(frames), packets);
          EXPECT_GE(frames.size(), tcp || damaged != 1 ? 2U : 3U);
        }
}

TEST_F(Coalesce, WrongIpChecksumStaysWrong) {
  auto packets = stream({}, 3, 99);
  packets[1][11] ^= 1;
  auto frames = frames_of(packets);
  EXPECT_EQ(frames.size(), 3U);
  EXPECT_EQ(slow(frames), packets);
}

// Zero says that there is none, even where it happens to fit.
TEST_F(Coalesce, FittingZeroChecksumIsNoChecksum) {
  InnerPacket packet{.tcp = false, .payload = {0, 0}};
  const auto rest = load_be<std::uint16_t>(build(packet).data() + 26);
  store_be(packet.payload.data(), rest);
  const InnerPacket second = after(packet);
  EXPECT_EQ(counts(packet, second), (std::vector<std::size_t>{2}));
  packet.zero_checksum = true;
  EXPECT_EQ(counts(packet, second), (std::vector<std::size_t>{1, 1}));
}

TEST_F(Coalesce, BytesBehindAPacketKeepItSingle) {
  auto packets = stream({}, 3, 50);
  for (Bytes& packet : packets) packet.push_back(0);
  auto frames = frames_of(packets);
  EXPECT_EQ(slow(frames), packets);
  EXPECT_EQ(frames.size(), 3U);
}

TEST_F(Coalesce, UdpLengthThatDisagreesIsNotJoined) {
  auto packets = stream({.tcp = false}, 2, 50);
  for (Bytes& packet : packets) {
    test::put16(packet, 24, 57);  // one less, and the checksum goes with it
    test::put16(packet, 26, (load_be<std::uint16_t>(packet.data() + 26) + 1) & 0xffff);
  }
  auto frames = frames_of(packets);
  EXPECT_EQ(frames.size(), 2U);
  EXPECT_EQ(slow(frames), packets);
}

// With DF an ID means nothing (RFC 6864), and many senders leave it as it is.
TEST_F(Coalesce, IpIdsCountOnOrStandStillBesideDf) {
  const auto with_ids = [&](std::uint16_t fragment, std::vector<std::uint16_t> ids) {
    InnerPacket packet{.tcp = false, .fragment = fragment, .payload = filled(50)};
    std::vector<Bytes> packets;
    for (const std::uint16_t id : ids) {
      packet.id = id;
      packets.push_back(build(packet));
    }
    return counts(packets);
  };
  using Counts = std::vector<std::size_t>;
  EXPECT_EQ(with_ids(0x4000, {0xfffe, 0xffff, 0}), (Counts{3}));
  EXPECT_EQ(with_ids(0, {0xfffe, 0xffff, 0}), (Counts{3}));
  EXPECT_EQ(with_ids(0x4000, {0, 0, 0}), (Counts{3}));
  EXPECT_EQ(with_ids(0, {0, 0, 0}), (Counts{1, 1, 1}));
  EXPECT_EQ(with_ids(0x4000, {5, 6, 6}), (Counts{2, 1}));
  EXPECT_EQ(with_ids(0x4000, {5, 6, 5}), (Counts{2, 1}));
  EXPECT_EQ(with_ids(0x4000, {5, 5, 6}), (Counts{2, 1}));
  EXPECT_EQ(with_ids(0x4000, {5, 5, 7}), (Counts{2, 1}));
  EXPECT_EQ(with_ids(0x4000, {5, 4}), (Counts{1, 1}));
}

TEST_F(Coalesce, SwitchesWork) {
  coalescer.set({.tcp = false, .udp = true});
  EXPECT_EQ(counts(stream({}, 3, 50)).size(), 3U);
  EXPECT_EQ(counts(stream({.tcp = false}, 3, 50)).size(), 1U);
  coalescer.set({.tcp = true, .udp = false});
  EXPECT_EQ(counts(stream({}, 3, 50)).size(), 1U);
  EXPECT_EQ(counts(stream({.tcp = false}, 3, 50)).size(), 3U);
}

TEST_F(Coalesce, RejectionLeavesNoTrace) {
  const auto packets = stream({.tcp = false}, 60, 5);  // payload shorter than the header
  rejects_in_16 = 12;
  auto frames = frames_of(packets);
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(slow(frames), packets);
}

TEST_F(Coalesce, NothingIsHeldAfterFlush) {
  const auto packets = stream({}, 2, 100);
  EXPECT_TRUE(coalescer.flush().empty());
  offer(packets[0]);
  EXPECT_EQ(coalescer.flush().size(), 1U);
  EXPECT_TRUE(coalescer.flush().empty());
  offer(packets[1]);
  EXPECT_EQ(coalescer.flush().size(), 1U);
}

TEST_F(Coalesce, SaysWhenItsSlotsAreTaken) {
  for (std::size_t i = 0; i < kSlots; ++i) EXPECT_TRUE(offer(build({})));
  EXPECT_TRUE(coalescer.place_for(100).empty());
  EXPECT_EQ(coalescer.flush().size(), kSlots);
  EXPECT_FALSE(coalescer.place_for(Coalescer::kLargestFrame + kFrameTailroom).empty());
  coalescer.reject();
}

TEST_F(Coalesce, SixtyFourMixedFlowsEachBecomeOneFrame) {
  std::vector<std::vector<Bytes>> flows;
  for (std::size_t i = 0; i < kSlots - 1; ++i) {
    InnerPacket packet{.v6 = i % 2 == 0, .tcp = i % 3 == 0};
    packet.source_port = static_cast<std::uint16_t>(1000 + i);
    flows.push_back(stream(packet, 20, 300));
  }
  std::vector<Bytes> mixed;
  for (std::size_t at = 0; at < 20; ++at)
    for (const auto& flow : flows) mixed.push_back(flow[at]);
  auto frames = frames_of(mixed);
  ASSERT_EQ(frames.size(), flows.size());
  for (std::size_t i = 0; i < flows.size(); ++i)
    EXPECT_EQ(slow_segments(frames[i].frame), flows[i]);
}

TEST_F(Coalesce, FragmentKeepsItsPlaceAmongItsSourcesPackets) {
  for (const bool v6 : {false, true}) {
    auto packets = stream({.v6 = v6, .tcp = false}, 3, 100);
    InnerPacket fragment{.v6 = v6, .tcp = false, .fragment = 0x2001, .payload = filled(64)};
    if (v6) fragment.ip_options = test::extension_before(false), fragment.first_extension = 44;
    packets.insert(packets.begin() + 2, build(fragment));
    auto frames = frames_of(packets);
    EXPECT_EQ(slow(frames), packets);
    // Others are not disturbed.
    fragment.from = 77;
    packets[2] = build(fragment);
    EXPECT_EQ(counts(packets), (std::vector<std::size_t>{3, 1}));
  }
}

}  // namespace
}  // namespace meshnode::dataplane
