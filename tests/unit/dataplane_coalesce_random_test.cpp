// Random traffic through the coalescer is what a plain path would have delivered.
#include <map>

#include "tests/unit/dataplane_coalesce_fixture.h"

namespace meshnode::dataplane {
namespace {

// Several senders with their moods; each packet has a payload of its own.
struct Traffic {
  test::SeededRandom random;
  std::vector<InnerPacket> flows{};
  std::vector<std::size_t> sizes{};

  explicit Traffic(std::uint64_t seed) : random(seed) {
    for (std::size_t i = 0; i < 1 + random.below(8); ++i) {
      InnerPacket flow{.v6 = chance(50), .tcp = chance(60)};
      flow.from = static_cast<std::uint8_t>(1 + random.below(2));
      flow.source_port = static_cast<std::uint16_t>(1 + random.below(3));
      flow.label = static_cast<std::uint32_t>(random.below(2));
      flow.tos = static_cast<std::uint8_t>(random.below(4));
      flow.fragment = chance(70) ? 0x4000 : 0;
      flow.sequence = static_cast<std::uint32_t>(0U - random.below(5000));
      flow.id = static_cast<std::uint16_t>(0U - random.below(50));
      if (chance(50)) flow.tcp_options = Bytes(4 * random.below(11), 1);
      flows.push_back(flow);
      sizes.push_back(1 + random.below(chance(30) ? 40 : 1460));
    }
  }
  bool chance(unsigned percent) { return random.below(100) < percent; }

  Bytes next() {
    const std::size_t which = random.below(flows.size());
    InnerPacket& flow = flows[which];
    flow.payload.resize(chance(92) ? sizes[which] : random.below(2 * sizes[which]));
    random.fill(flow.payload);
    InnerPacket packet = flow;
    flow.sequence += static_cast<std::uint32_t>(flow.payload.size());
    ++flow.id;
    if (chance(10)) packet.flags |= test::kPsh;
    if (chance(80)) return build(packet);
    return odd(packet, flow);
  }
  Bytes odd(InnerPacket& packet, InnerPacket& flow) {
    switch (random.below(10)) {
      case 0:
        packet.flags = static_cast<std::uint8_t>(random.below(256));
        break;
      case 1:
        packet.tos = static_cast<std::uint8_t>(random.below(4));
        break;
      case 2:
        packet.zero_checksum = true;
        break;
      case 3:
        packet.sequence += static_cast<std::uint32_t>(random.below(3));
        break;
      case 4:
        packet.urgent = 5;
        break;
      case 5:
        packet.ip_options = packet.v6 ? test::extension_before(packet.tcp) : Bytes(8, 1);
        break;
      case 6: {
        packet.fragment = 0x2000;
        packet.first_extension = 44;
        if (packet.v6) packet.ip_options = test::extension_before(packet.tcp);
        break;
      }
      case 7:
        flow.ack += 100;
        break;
      case 8:
        flow.window ^= 1;
        break;
      default: {
        Bytes damaged = build(packet);
        damaged[20 + random.below(damaged.size() - 20)] ^= 0x10;
        return damaged;
      }
    }
    return build(packet);
  }
};

// Addresses, protocol and ports; only the source where the ports cannot be known.
struct FlowName {
  Bytes source, rest;
  bool known = false;
  bool meets(const FlowName& other) const {
    return source == other.source && (!known || !other.known || rest == other.rest);
  }
};

FlowName flow_of(const Bytes& packet) {
  const bool v6 = packet[0] >> 4 == 6;
  const std::ptrdiff_t at = v6 ? 8 : 12, size = v6 ? 16 : 4;
  FlowName out;
  out.source = {packet.begin() + at, packet.begin() + at + size};
  const bool extended = v6 && packet[6] == 60;
  const std::uint8_t protocol = packet[extended ? 40 : v6 ? 6 : 9];
  out.known = v6 ? protocol != 44 : (packet[6] & 0x3f) == 0 && packet[7] == 0;
  if (!out.known) return out;
  const std::ptrdiff_t ports = extended ? 48 : v6 ? 40 : (packet[0] & 15) * 4;
  out.rest = {packet.begin() + at + size, packet.begin() + at + 2 * size};
  out.rest.push_back(protocol);
  out.rest.insert(out.rest.end(), packet.begin() + ports, packet.begin() + ports + 4);
  return out;
}

// Everything once, and in order where order means something.
void expect_same_traffic(const std::vector<Bytes>& sent, const std::vector<Bytes>& delivered) {
  ASSERT_EQ(sent.size(), delivered.size());
  std::map<Bytes, std::vector<std::size_t>> places;
  for (std::size_t i = delivered.size(); i-- > 0;) places[delivered[i]].push_back(i);
  std::vector<std::size_t> place;
  std::vector<FlowName> flows;
  for (const Bytes& packet : sent) {
    auto& left = places[packet];
    ASSERT_FALSE(left.empty()) << "packet " << place.size() << " was changed or lost";
    place.push_back(left.back());
    left.pop_back();
    flows.push_back(flow_of(packet));
  }
  for (std::size_t i = 0; i < sent.size(); ++i)
    for (std::size_t j = i + 1; j < sent.size(); ++j) {
      const bool in_order = place[i] < place[j] || !flows[i].meets(flows[j]);
      ASSERT_TRUE(in_order) << i << " and " << j;
    }
}

TEST_F(Coalesce, RandomTrafficIsWhatAPlainPathWouldHaveDelivered) {
  std::size_t joined = 0;
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    Traffic traffic(seed);
    rejects_in_16 = seed % 3 == 0 ? 4 : 0;
    std::vector<Bytes> packets(20 + seed * 2);
    for (Bytes& packet : packets) packet = traffic.next();
    auto frames = frames_of(packets);
    joined += packets.size() - frames.size();
    ASSERT_NO_FATAL_FAILURE(expect_same_traffic(packets, slow(frames)));
    ASSERT_NO_FATAL_FAILURE(expect_same_traffic(packets, segmented(frames)));
  }
  EXPECT_GT(joined, 3000U);
}

}  // namespace
}  // namespace meshnode::dataplane
