// The inner packet's IP header: as much of it as routing and checking need (RFC 791, RFC 8200).
#pragma once

#include <optional>

#include "base/bytes.h"
#include "base/endpoint.h"

namespace meshnode::wire {

enum IpProtocol : std::uint8_t { icmp = 1, tcp = 6, udp = 17, icmpv6 = 58 };

struct IpHeader {
  IpAddress source;
  IpAddress destination;
  std::size_t header_size = 0;        // IPv4 with options; IPv6 the fixed 40
  std::size_t total_size = 0;         // ≤ the bytes given
  std::uint8_t tos = 0;               // TOS or traffic class
  std::uint8_t protocol = 0;          // IPv6: next header, maybe an extension header
  std::uint16_t fragment_offset = 0;  // IPv4, in 8-byte units
};

// Nothing if the bytes do not begin with a complete IP packet. Bytes behind it (padding) are
// allowed; total_size says where it ends.
std::optional<IpHeader> parse_ip(ByteView bytes);

}  // namespace meshnode::wire
