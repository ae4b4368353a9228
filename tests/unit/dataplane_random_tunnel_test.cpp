// Random super-frames through both pumps: the receiving machine sees what a machine without
// offloads would have sent.
#include <map>

#include "tests/unit/dataplane_pumps_fixture.h"

namespace meshnode::dataplane {
namespace {

// Addresses, protocol and ports.
Bytes flow_of(ByteView packet) {
  const bool v6 = packet[0] >> 4 == 6;
  const std::size_t ip = v6 ? 40 : static_cast<std::size_t>(packet[0] & 15) * 4;
  Bytes out = to_bytes(v6 ? packet.subspan(8, 32) : packet.subspan(12, 8));
  out.push_back(packet[v6 ? 6 : 9]);
  Writer(out).bytes(packet.subspan(ip, 4));
  return out;
}

std::map<Bytes, std::vector<Bytes>> by_flow(const std::vector<Bytes>& packets) {
  std::map<Bytes, std::vector<Bytes>> out;
  for (const Bytes& packet : packets) out[flow_of(packet)].push_back(packet);
  return out;
}

struct RandomTunnel : Pumps {
  std::vector<InnerPacket> flows;

  bool chance(unsigned percent) { return random.below(100) < percent; }

  void make_flows() {
    flows.clear();
    for (std::size_t i = 0; i < 1 + random.below(6); ++i) {
      InnerPacket flow{.v6 = chance(50), .tcp = chance(60)};
      flow.from = chance(80) ? 1 : 3;
      flow.to = chance(70) ? 2 : 4;
      flow.source_port = static_cast<std::uint16_t>(1000 + i);
      flow.tos = static_cast<std::uint8_t>(random.below(256));
      flow.fragment = chance(70) ? 0x4000 : 0;
      if (chance(50)) flow.tcp_options = Bytes(4 * random.below(11), 1);
      flows.push_back(flow);
    }
  }
  // A packet, or a super-frame; appends what it is on the wire.
  test::OwnedFrame next(std::vector<Bytes>& expected) {
    InnerPacket& flow = flows[random.below(flows.size())];
    const bool super = chance(60);
    const std::size_t gso = super ? 1 + random.below(chance(30) ? 200 : 1380) : 0;
    const std::size_t count = random.below(chance(20) ? 64 : 8);
    flow.payload = filled(super ? std::min<std::size_t>(gso * count + random.below(gso), 65'000)
                                : random.below(1300));
    InnerPacket packet = flow;
    if (chance(20)) packet.flags = static_cast<std::uint8_t>(random.below(256));
    if (!super && !packet.v6 && chance(10)) packet.ip_options = Bytes(8, 1);
    const auto wire = slow(packet, gso);
    flow.sequence += static_cast<std::uint32_t>(flow.payload.size());
    flow.id = static_cast<std::uint16_t>(flow.id + wire.size());
    expected.insert(expected.end(), wire.begin(), wire.end());
    return !super && chance(50) ? plain(build(packet)) : open_frame(packet, gso);
  }
  // Runs as another kernel might hand them over: cut at any datagram.
  std::vector<Sent> recut(const std::vector<Sent>& sent) {
    std::vector<Sent> out;
    for (const Sent& each : sent) {
      std::size_t at = 0;
      while (at < each.bytes.size()) {
        const std::size_t some = (1 + random.below(64)) * each.run.segment_size;
        const std::size_t size = std::min(some, each.bytes.size() - at);
        out.push_back({to_bytes(ByteView(each.bytes).subspan(at, size)), each.run});
        out.back().run.data = out.back().bytes;
        at += size;
      }
    }
    return out;
  }
};

TEST_F(RandomTunnel, DeliversWhatAPlainPathWould) {
  std::size_t joined = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    random = test::SeededRandom(seed);
    const bool coalescing = seed % 2 == 0;
    rx.set_coalescing({.tcp = coalescing, .udp = coalescing});
    make_flows();
    std::vector<Bytes> expected;
    std::vector<test::OwnedFrame> frames;
    for (int i = 0; i < 40; ++i) frames.push_back(next(expected));
    auto sent = send(frames);
    for (const Sent& each : sent) {
      ASSERT_LE(each.bytes.size(), kMaxRunBytes);
      ASSERT_LE(each.bytes.size(), kMaxRunSegments * each.run.segment_size);
    }
    auto arrived = recut(sent);
    receive(arrived);
    const auto got = delivered();
    ASSERT_EQ(got.size(), expected.size());
    joined += got.size() - tun.frames.size();
    if (coalescing)
      ASSERT_EQ(by_flow(got), by_flow(expected));
    else
      ASSERT_EQ(got, expected);
  }
  EXPECT_GT(joined, 5000U);
  EXPECT_EQ(rx.drops().total() + tx.drops().total(), 0U);
}

}  // namespace
}  // namespace meshnode::dataplane
