#include "tun/vnet_header.h"

#include <algorithm>

namespace meshnode::tun {
namespace {

std::uint16_t load(const std::uint8_t* from) {
  std::uint16_t value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

void store(std::uint8_t* to, std::uint16_t value) {
  std::memcpy(to, &value, sizeof value);
}

bool known_type(std::uint8_t type) {
  return type == kGsoNone || type == kGsoTcpV4 || type == kGsoTcpV6 || type == kGsoUdpL4;
}

// Only where a transport header really begins at csum_start.
std::size_t transport_header(const TunFrame& frame) {
  if (frame.gso_type == kGsoUdpL4) return 8;
  const std::size_t offset_byte = std::size_t{frame.csum_start} + 12;
  if (offset_byte >= frame.packet.size()) return 0;
  return static_cast<std::size_t>(frame.packet[offset_byte] >> 4) * 4;
}

}  // namespace

VnetHeader parse_vnet(const std::uint8_t* from) {
  VnetHeader out;
  out.flags = from[0];
  out.gso_type = from[1];
  out.hdr_len = load(from + 2);
  out.gso_size = load(from + 4);
  out.csum_start = load(from + 6);
  out.csum_offset = load(from + 8);
  return out;
}

void write_vnet(std::uint8_t* to, const VnetHeader& header) {
  to[0] = header.flags;
  to[1] = header.gso_type;
  store(to + 2, header.hdr_len);
  store(to + 4, header.gso_size);
  store(to + 6, header.csum_start);
  store(to + 8, header.csum_offset);
}

bool describe(const VnetHeader& header, MutableBytes packet, TunFrame& out) {
  const auto type = static_cast<std::uint8_t>(header.gso_type & ~VnetHeader::kEcn);
  const bool needs_csum = (header.flags & VnetHeader::kNeedsCsum) != 0;
  if (packet.empty() || !known_type(type)) return false;
  if (type != kGsoNone && header.gso_size == 0) return false;
  if (needs_csum &&
      std::size_t{header.csum_start} + header.csum_offset + sizeof(std::uint16_t) > packet.size())
    return false;
  out = {.packet = packet, .gso_type = type, .needs_csum = needs_csum};
  if (type != kGsoNone) out.gso_size = header.gso_size;
  if (!needs_csum) return true;
  out.csum_start = header.csum_start;
  out.csum_offset = header.csum_offset;
  return true;
}

VnetHeader vnet_header_for(const TunFrame& frame) {
  VnetHeader out;
  if (frame.needs_csum) {
    out.flags = VnetHeader::kNeedsCsum;
    out.csum_start = frame.csum_start;
    out.csum_offset = frame.csum_offset;
  }
  if (frame.gso_type == kGsoNone) return out;
  out.gso_type = static_cast<std::uint8_t>(frame.gso_type);
  out.gso_size = frame.gso_size;
  out.hdr_len = static_cast<std::uint16_t>(
      std::min(frame.packet.size(), frame.csum_start + transport_header(frame)));
  return out;
}

}  // namespace meshnode::tun
