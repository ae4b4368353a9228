#include "wire/ip.h"

namespace meshnode::wire {
namespace {

std::optional<IpHeader> parse_v4(ByteView bytes) {
  if (bytes.size() < 20) return std::nullopt;
  IpHeader out;
  out.header_size = static_cast<std::size_t>(bytes[0] & 15) * 4;
  out.total_size = load_be<std::uint16_t>(bytes.data() + 2);
  if (out.header_size < 20 || out.total_size < out.header_size || out.total_size > bytes.size())
    return std::nullopt;
  out.tos = bytes[1];
  out.fragment_offset = load_be<std::uint16_t>(bytes.data() + 6) & 0x1fff;
  out.protocol = bytes[9];
  out.source = IpAddress::from_bytes(bytes.subspan(12, 4));
  out.destination = IpAddress::from_bytes(bytes.subspan(16, 4));
  return out;
}

std::optional<IpHeader> parse_v6(ByteView bytes) {
  if (bytes.size() < 40) return std::nullopt;
  IpHeader out;
  out.header_size = 40;
  out.total_size = 40U + load_be<std::uint16_t>(bytes.data() + 4);
  if (out.total_size > bytes.size()) return std::nullopt;
  out.tos = static_cast<std::uint8_t>(bytes[0] << 4 | bytes[1] >> 4);
  out.protocol = bytes[6];
  out.source = IpAddress::from_bytes(bytes.subspan(8, 16));
  out.destination = IpAddress::from_bytes(bytes.subspan(24, 16));
  return out;
}

}  // namespace

std::optional<IpHeader> parse_ip(ByteView bytes) {
  if (bytes.empty()) return std::nullopt;
  if (bytes[0] >> 4 == 4) return parse_v4(bytes);
  if (bytes[0] >> 4 == 6) return parse_v6(bytes);
  return std::nullopt;
}

}  // namespace meshnode::wire
