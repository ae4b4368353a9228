#include "dataplane/packet_view.h"

namespace meshnode::dataplane {
namespace {

constexpr std::size_t kSizeV4 = 20;
constexpr std::size_t kSizeV6 = 40;
constexpr std::size_t kSizeTcp = 20;
constexpr std::size_t kSizeUdp = 8;
// More than any sane packet has; what comes behind is an unknown protocol.
constexpr int kMaxExtensions = 8;

enum Extension : std::uint8_t {
  hop_by_hop = 0,
  routing = 43,
  fragmented = 44,
  ah = 51,
  options = 60
};

bool view_v4(ByteView packet, PacketView& out) {
  if (packet.size() < kSizeV4) return false;
  out.ip_size = static_cast<std::size_t>(packet[0] & 15) * 4;
  out.total_size = load_be<std::uint16_t>(packet.data() + 2);
  if (out.ip_size < kSizeV4 || out.total_size < out.ip_size || out.total_size > packet.size())
    return false;
  out.plain = out.ip_size == kSizeV4;
  out.fragment = (load_be<std::uint16_t>(packet.data() + 6) & 0x3fff) != 0;  // offset, more
  out.protocol = packet[9];
  return true;
}

bool is_extension(std::uint8_t protocol) {
  return protocol == hop_by_hop || protocol == routing || protocol == fragmented ||
         protocol == ah || protocol == options;
}

bool view_v6(ByteView packet, PacketView& out) {
  if (packet.size() < kSizeV6) return false;
  out.v6 = true;
  out.ip_size = kSizeV6;
  out.total_size = kSizeV6 + load_be<std::uint16_t>(packet.data() + 4);
  if (out.total_size > packet.size()) return false;
  out.protocol = packet[6];
  out.plain = !is_extension(out.protocol);
  for (int i = 0; i < kMaxExtensions && is_extension(out.protocol); ++i) {
    if (out.total_size - out.ip_size < 8) return true;
    const std::uint8_t* at = packet.data() + out.ip_size;
    std::size_t size = (std::size_t{at[1]} + 1) * 8;
    if (out.protocol == fragmented) size = 8;
    if (out.protocol == ah) size = (std::size_t{at[1]} + 2) * 4;
    if (size > out.total_size - out.ip_size) return true;
    out.fragment = out.fragment || out.protocol == fragmented;
    out.routed = out.routed || out.protocol == routing;
    out.protocol = at[0];
    out.ip_size += size;
  }
  return true;
}

// The transport header's size, or 0 if it is none of ours or not all there.
std::size_t transport_size(ByteView packet, const PacketView& view) {
  const std::size_t there = view.total_size - view.ip_size;
  if (view.protocol == wire::udp) return there >= kSizeUdp ? kSizeUdp : 0;
  if (view.protocol != wire::tcp || there < kSizeTcp) return 0;
  const std::size_t size = static_cast<std::size_t>(packet[view.ip_size + 12] >> 4) * 4;
  return size >= kSizeTcp && size <= there ? size : 0;
}

}  // namespace

std::optional<PacketView> view_packet(ByteView packet) {
  PacketView out;
  if (packet.empty()) return std::nullopt;
  const int version = packet[0] >> 4;
  if (!(version == 4 && view_v4(packet, out)) && !(version == 6 && view_v6(packet, out)))
    return std::nullopt;
  const std::size_t transport = out.fragment ? 0 : transport_size(packet, out);
  out.transport = transport > 0;
  out.header_size = out.ip_size + transport;
  return out;
}

}  // namespace meshnode::dataplane
