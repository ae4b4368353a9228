// Super-frames become what a machine without offloads would have sent.
#include <gtest/gtest.h>

#include "dataplane/segment.h"
#include "tests/support/inner_packets.h"
#include "tests/support/seeded_random.h"

namespace meshnode::dataplane {
namespace {

using test::build;
using test::InnerPacket;
using test::slow_segments;

struct Segment : ::testing::Test {
  test::SeededRandom random{7};
  Segmenter segmenter;
  Bytes buffer;
  TunFrame frame;

  Bytes filled(std::size_t size) {
    Bytes out(size);
    random.fill(out);
    return out;
  }

  // As it would be read from the device.
  void lend(const Bytes& packet) {
    buffer = filled(kFrameHeadroom + packet.size() + kFrameTailroom);
    std::copy(packet.begin(), packet.end(), buffer.begin() + kFrameHeadroom);
    frame.packet = MutableBytes(buffer).subspan(kFrameHeadroom, packet.size());
  }
  void lend_super(const InnerPacket& packet, std::size_t gso_size) {
    frame = {};
    lend(build(packet, true));
    frame.gso_type = !packet.tcp ? kGsoUdpL4 : packet.v6 ? kGsoTcpV6 : kGsoTcpV4;
    frame.gso_size = static_cast<std::uint16_t>(gso_size);
    frame.csum_start = static_cast<std::uint16_t>(packet.ip_size());
    frame.csum_offset = packet.tcp ? 16 : 6;
    frame.needs_csum = true;
  }
  // All that the segmenter gives; around each packet everything that it may touch is overwritten.
  std::vector<Bytes> segments() {
    std::vector<Bytes> out;
    if (!segmenter.begin(frame)) return out;
    const std::size_t count = segmenter.count();
    std::size_t largest = 0;
    for (MutableBytes packet = segmenter.next(); !packet.empty(); packet = segmenter.next()) {
      out.push_back(to_bytes(packet));
      largest = std::max(largest, packet.size());
      random.fill({packet.data() - kFrameHeadroom, kFrameHeadroom + packet.size()});
      random.fill({packet.data() + packet.size(), kFrameTailroom});
    }
    EXPECT_EQ(out.size(), count);
    EXPECT_EQ(largest, segmenter.largest());
    return out;
  }
  void expect_like_reference() {
    const std::vector<Bytes> expected = slow_segments(frame);
    ASSERT_EQ(segments(), expected);
  }
  InnerPacket any_packet() {
    InnerPacket out{.v6 = random.below(2) == 0, .tcp = random.below(2) == 0};
    out.tos = static_cast<std::uint8_t>(random.below(256));
    out.label = static_cast<std::uint32_t>(random.below(1 << 20));
    out.id = static_cast<std::uint16_t>(random.below(0x10000));
    out.sequence = static_cast<std::uint32_t>(0U - random.below(100000));
    out.flags = static_cast<std::uint8_t>(random.below(256));
    out.fragment = random.below(2) == 0 ? 0x4000 : 0;
    out.tcp_options = filled(random.below(11) * 4);
    if (random.below(4) == 0)
      out.ip_options = out.v6 ? test::extension_before(out.tcp) : Bytes(4, 1);
    return out;
  }
};

TEST_F(Segment, RandomSuperFramesAreLikeTheReference) {
  for (int i = 0; i < 400; ++i) {
    InnerPacket packet = any_packet();
    packet.payload = filled(random.below(i % 10 == 0 ? 65000 : 6000));
    lend_super(packet, i % 4 == 0 ? 1 + random.below(60) : 1 + random.below(2000));
    expect_like_reference();
  }
}

TEST_F(Segment, LargestSuperFrame) {
  for (const bool v6 : {false, true})
    for (const bool tcp : {false, true}) {
      InnerPacket packet{.v6 = v6, .tcp = tcp};
      packet.payload = filled(65535 - packet.ip_size() - packet.transport_size());
      lend_super(packet, 1380);
      expect_like_reference();
    }
}

TEST_F(Segment, FlagsOfFirstAndLast) {
  InnerPacket packet;
  packet.flags = test::kAck | test::kPsh | test::kFin | test::kCwr | test::kEce;
  packet.payload = filled(250);
  lend_super(packet, 100);
  std::vector<int> flags;
  for (const Bytes& segment : segments()) flags.push_back(segment[33]);
  const int middle = test::kAck | test::kEce;
  EXPECT_EQ(flags,
            (std::vector<int>{middle | test::kCwr, middle, middle | test::kPsh | test::kFin}));
}

TEST_F(Segment, PlainFramePassesUntouched) {
  frame = {};
  for (const Bytes& packet : {build({}), filled(33), Bytes{1}}) {
    lend(packet);
    EXPECT_EQ(segments(), std::vector<Bytes>{packet});
  }
}

// An acknowledgement, say: no super-frame, and yet the machine left its checksum to the device.
TEST_F(Segment, PlainFrameGetsItsChecksum) {
  for (const bool v6 : {false, true})
    for (const bool tcp : {false, true})
      for (const std::size_t size : {0U, 77U}) {
        InnerPacket packet{.v6 = v6, .tcp = tcp, .payload = filled(size)};
        lend_super(packet, 0);
        frame.gso_type = kGsoNone;
        EXPECT_EQ(segments(), std::vector<Bytes>{build(packet)});
      }
}

TEST_F(Segment, FrameWithoutOpenChecksumGetsOneAllTheSame) {
  InnerPacket packet{.payload = filled(500)};
  lend_super(packet, 200);
  lend(build(packet));
  frame.csum_start = 20;
  const auto expected = slow_segments(frame);
  frame.needs_csum = false;
  frame.csum_start = frame.csum_offset = 0;
  EXPECT_EQ(segments(), expected);
}

// The pseudo header is made with the last destination, which is not in the IPv6 header.
TEST_F(Segment, RoutingHeaderKeepsTheSendersPseudoHeader) {
  InnerPacket packet{.v6 = true, .payload = filled(500)};
  packet.ip_options = test::extension_before(true);
  packet.first_extension = 43;
  const auto with_last_destination = [&](bool partial) {
    packet.to = 99;
    Bytes out = build(packet, partial);
    out[39] = 2;
    return out;
  };
  lend_super(packet, 500);
  lend(with_last_destination(true));
  EXPECT_EQ(segments(), std::vector<Bytes>{with_last_destination(false)});

  lend(with_last_destination(true));
  frame.needs_csum = false;
  EXPECT_FALSE(segmenter.begin(frame));
}

TEST_F(Segment, FramesThatContradictThemselvesAreRefusedUnchanged) {
  using Spoil = void (*)(TunFrame&);
  const std::vector<Spoil> spoils = {
      [](TunFrame& f) { f.gso_size = 0; },
      [](TunFrame& f) { f.gso_type = kGsoTcpV6; },
      [](TunFrame& f) { f.gso_type = kGsoUdpL4; },
      [](TunFrame& f) { f.gso_type = 3; },
      [](TunFrame& f) { f.gso_type = 0x81; },
      [](TunFrame& f) { f.csum_start = 24; },
      [](TunFrame& f) { f.csum_offset = 6; },
      [](TunFrame& f) { f.packet = f.packet.first(f.packet.size() - 1); },
      [](TunFrame& f) { f.packet = f.packet.first(19); },
      [](TunFrame& f) { f.packet = {}; },
      [](TunFrame& f) { f.packet[0] = 0x44; },   // IP header of 16 bytes
      [](TunFrame& f) { f.packet[0] = 0x55; },   // version
      [](TunFrame& f) { --f.packet[3]; },        // bytes behind the packet
      [](TunFrame& f) { f.packet[2] = 0; },      // total length
      [](TunFrame& f) { f.packet[6] = 0x20; },   // more fragments
      [](TunFrame& f) { f.packet[7] = 1; },      // fragment offset
      [](TunFrame& f) { f.packet[9] = 17; },     // protocol
      [](TunFrame& f) { f.packet[32] = 0x40; },  // TCP header of 16 bytes
  };
  for (std::size_t i = 0; i < spoils.size(); ++i) {
    lend_super({.payload = filled(1000)}, 300);
    spoils[i](frame);
    const Bytes before = buffer;
    EXPECT_FALSE(segmenter.begin(frame)) << i;
    EXPECT_TRUE(segmenter.next().empty()) << i;
    EXPECT_EQ(buffer, before) << i;
  }
}

TEST_F(Segment, AuthenticationHeaderIsPassedOver) {
  InnerPacket packet{.v6 = true, .payload = filled(500)};
  packet.ip_options = Bytes(16, 0);
  packet.ip_options[0] = 6;
  packet.ip_options[1] = 2;  // in words of 4 bytes, less 2
  packet.first_extension = 51;
  lend_super(packet, 200);
  expect_like_reference();
}

TEST_F(Segment, ExtensionHeaderLongerThanTheFrameIsRefused) {
  InnerPacket packet{.v6 = true, .payload = filled(60)};
  packet.ip_options = test::extension_before(true);
  lend_super(packet, 20);
  ASSERT_TRUE(segmenter.begin(frame));
  frame.packet[41] = 200;
  EXPECT_FALSE(segmenter.begin(frame));
  frame.packet[41] = 12;  // ends 4 bytes behind the frame's end
  EXPECT_FALSE(segmenter.begin(frame));
}

TEST_F(Segment, TcpHeaderLongerThanTheFrameIsRefused) {
  lend_super({.payload = filled(8)}, 4);
  frame.packet[32] = 0xf0;
  EXPECT_FALSE(segmenter.begin(frame));
}

TEST_F(Segment, OpenChecksumOutsideAPlainFrameIsRefused) {
  lend_super({}, 0);
  frame.gso_type = kGsoNone;
  for (const std::uint16_t start : std::vector<std::uint16_t>{39, 40, 65535}) {
    frame.csum_start = start;
    EXPECT_FALSE(segmenter.begin(frame)) << start;
  }
}

TEST_F(Segment, ObjectServesAnotherFrameBeforeTheFirstIsDone) {
  lend_super({.payload = filled(1000)}, 100);
  ASSERT_TRUE(segmenter.begin(frame));
  segmenter.next();
  lend_super({.v6 = true, .tcp = false, .payload = filled(1000)}, 300);
  expect_like_reference();
}

}  // namespace
}  // namespace meshnode::dataplane
