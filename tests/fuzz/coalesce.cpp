// The script: packets of four flows, bent at any place, with checksums that fit or not; rejections,
// odd bytes and flushes between them. What comes out is what went in, in order for each flow.
#include "dataplane/coalesce.h"

#include <map>

#include "dataplane/segment.h"
#include "fuzz/fuzz.h"
#include "support/inner_packets.h"

namespace meshnode::fuzz {
namespace {

using dataplane::Coalescer;

constexpr std::size_t kSlots = 4;

// Without what means nothing: IDs beside DF, and 0xffff for a TCP checksum of 0.
Bytes plain_meaning(Bytes packet) {
  const auto view = dataplane::view_packet(packet);
  if (!view || !view->transport || !view->plain) return packet;
  if (!view->v6 && (packet[6] & 0x40) != 0) test::put16(packet, 4, 0), test::put16(packet, 10, 0);
  if (!view->v6 && packet[10] == 0xff && packet[11] == 0xff) test::put16(packet, 10, 0);
  std::uint8_t* field = packet.data() + view->ip_size + kTcpChecksumOffset;
  if (view->tcp() && field[0] == 0xff && field[1] == 0xff) field[0] = field[1] = 0;
  return packet;
}

// Addresses, protocol and ports of the packets whose order is looked at.
Bytes flow_of(ByteView packet) {
  const auto view = dataplane::view_packet(packet);
  if (!view || view->total_size != packet.size() || !view->transport || !view->plain) return {};
  Bytes out = to_bytes(packet.subspan(view->v6 ? 8 : 12, view->v6 ? 32 : 8));
  out.push_back(view->protocol);
  return std::move(out) + packet.subspan(view->ip_size, 4);
}

using Flows = std::map<Bytes, std::vector<Bytes>>;

void note(Flows& flows, ByteView packet) {
  const Bytes flow = flow_of(packet);
  flows[flow].push_back(plain_meaning(to_bytes(packet)));
}

void flush(Coalescer& coalescer, Flows& sent) {
  Flows delivered;
  for (const TunFrame& frame : coalescer.flush()) {
    for (const Bytes& packet : test::slow_segments(frame)) note(delivered, packet);
    // Ours makes the same of it as the slow reference.
    const auto expected = test::slow_segments(frame);
    dataplane::Segmenter segmenter;
    MESH_ASSERT(segmenter.begin(frame) && segmenter.count() == expected.size());
    for (const Bytes& packet : expected) MESH_ASSERT(same(segmenter.next(), packet));
  }
  MESH_ASSERT(delivered == sent);
  sent.clear();
}

Bytes bent(Script& script, std::uint8_t what, test::InnerPacket& flow) {
  const ByteView payload = script.bytes(script.u8() % 64);
  flow.payload = to_bytes(payload);
  Bytes packet = build(flow);
  flow.sequence += static_cast<std::uint32_t>(payload.size());
  ++flow.id;
  for (int i = (what >> 2) % 4; i > 0; --i) {
    const std::size_t at = script.u8();
    packet[at % packet.size()] ^= script.u8();
  }
  const auto view = dataplane::view_packet(packet);
  if ((what & 0x10) != 0 && view && view->transport && view->total_size == packet.size())
    test::slow_finish(packet, view->ip_size, view->tcp());
  return packet;
}

}  // namespace

void one_input(ByteView input) {
  static std::vector<Bytes> memory(kSlots, Bytes(Coalescer::kSlotSize));
  const std::vector<MutableBytes> slots(memory.begin(), memory.end());
  Coalescer coalescer(slots, {});
  test::InnerPacket flows[4] = {
      {}, {.tcp = false}, {.v6 = true, .tcp_options = Bytes(12, 1)}, {.v6 = true, .tcp = false}};
  Script script(input);
  Flows sent;
  while (!script.over()) {
    const std::uint8_t what = script.u8();
    const int kind = what >> 5;
    if (kind == 0) flush(coalescer, sent);
    Bytes packet = kind == 1 ? to_bytes(script.bytes(1U + script.u8() % 100U))
                             : bent(script, what, flows[what % 4]);
    if (packet.empty()) packet = {0};
    const std::size_t padding = kind % 2 == 0 ? 15 : 0;
    MutableBytes place = coalescer.place_for(packet.size() + padding);
    if (place.empty()) {
      flush(coalescer, sent);
      place = coalescer.place_for(packet.size() + padding);
    }
    std::fill(place.begin(), place.end(), std::uint8_t{0xdd});
    std::copy(packet.begin(), packet.end(), place.begin());
    if (kind == 2) {
      coalescer.reject();
    } else {
      coalescer.accept(packet.size());
      note(sent, packet);
    }
  }
  flush(coalescer, sent);
}

}  // namespace meshnode::fuzz
