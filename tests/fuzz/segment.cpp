// A frame as the TUN device might give it, with any virtio-net header. What comes out is what the
// slow reference makes of it, or nothing, and not a byte around the frame is touched.
#include "dataplane/segment.h"

#include "fuzz/fuzz.h"
#include "support/inner_packets.h"

namespace meshnode::fuzz {
namespace {

constexpr std::uint16_t kTypes[] = {kGsoNone, kGsoTcpV4, kGsoTcpV6, kGsoUdpL4, 3, 0x81};

// The frame's own bytes are all the memory there is.
void check(TunFrame frame, const Bytes& packet) {
  Bytes buffer = exact(packet);
  frame.packet = buffer;
  dataplane::Segmenter segmenter;
  if (!segmenter.begin(frame)) {
    MESH_ASSERT(same(buffer, packet) && segmenter.next().empty());
    return;
  }
  const auto view = dataplane::view_packet(packet);
  const bool super = frame.gso_type != kGsoNone;
  MESH_ASSERT(!super || (view && view->transport));
  std::vector<Bytes> expected;
  if (super && !view->routed)
    expected = test::slow_segments(packet, view->ip_size, view->tcp(), frame.gso_size);
  std::size_t count = 0;
  for (MutableBytes out = segmenter.next(); !out.empty(); out = segmenter.next()) {
    MESH_ASSERT(out.data() >= buffer.data());
    MESH_ASSERT(out.data() + out.size() <= buffer.data() + buffer.size());
    MESH_ASSERT(out.size() <= segmenter.largest());
    if (!expected.empty()) MESH_ASSERT(count < expected.size() && same(out, expected[count]));
    ++count;
    // What is behind it may be overwritten, up to the end of the frame.
    const std::size_t end = static_cast<std::size_t>(out.data() + out.size() - buffer.data());
    std::fill_n(out.data() + out.size(), std::min(kFrameTailroom, buffer.size() - end),
                std::uint8_t{0xee});
  }
  MESH_ASSERT(count == segmenter.count() && count > 0);
  if (!expected.empty()) MESH_ASSERT(count == expected.size());
}

}  // namespace

void one_input(ByteView input) {
  Script script(input);
  TunFrame frame;
  const std::uint8_t type = script.u8();
  frame.gso_type = kTypes[type % std::size(kTypes)];
  frame.needs_csum = (type & 0x80) != 0;
  frame.gso_size = script.u16();
  frame.csum_start = script.u16();
  frame.csum_offset = script.u16();
  const Bytes packet = to_bytes(script.rest());
  check(frame, packet);
  // The same with fields that fit, so that more inputs get past the first questions.
  const auto view = dataplane::view_packet(packet);
  if (!view || !view->transport) return;
  frame.gso_type = !view->tcp() ? kGsoUdpL4 : view->v6 ? kGsoTcpV6 : kGsoTcpV4;
  frame.gso_size = static_cast<std::uint16_t>(std::max<int>(1, frame.gso_size % 64));
  frame.csum_start = static_cast<std::uint16_t>(view->ip_size);
  frame.csum_offset = view->tcp() ? kTcpChecksumOffset : kUdpChecksumOffset;
  check(frame, {packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(view->total_size)});
}

}  // namespace meshnode::fuzz
