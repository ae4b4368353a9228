// Congestion marks and service classes across the tunnel (RFC 6040, normal mode; RFC 2983).
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace meshnode::dataplane {

// Of the datagrams around a packet with `inner` TOS or traffic class: its ECN field, and its DSCP
// where that is wanted. Otherwise the underlay learns no class.
constexpr std::uint8_t outer_tos(std::uint8_t inner, bool with_dscp) {
  return with_dscp ? inner : static_cast<std::uint8_t>(inner & 3);
}

// Congestion experienced, RFC 3168.
inline constexpr std::uint8_t kCongested = 3;
constexpr bool is_congested(std::uint8_t tos) {
  return (tos & 3) == kCongested;
}

// Brings the mark of the datagram around it into a complete IPv4 or IPv6 packet; a right header
// checksum stays right, a wrong one wrong. False: the datagram was marked, the packet's sender does
// not know of marks, so the packet has to be dropped.
bool take_over_ecn(MutableBytes packet, std::uint8_t outer_tos);

}  // namespace meshnode::dataplane
