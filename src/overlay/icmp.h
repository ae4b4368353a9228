// Errors told inside the tunnel, as a router would (RFC 792, RFC 4443, RFC 1812 §4.3.2.7).
#pragma once

#include <optional>

#include "base/bytes.h"
#include "base/endpoint.h"

namespace meshnode::overlay {

enum class Unreachable {
  no_route,  // no member has this address
  host,      // the member is known but cannot be reached now
};

// The ICMP packet that answers `packet`, from `router`: an address of the same family that the
// packet's sender accepts.
// Nothing where the RFCs forbid an answer: to ICMP errors, to non-first fragments, to multicast or
// unspecified sources, or when there is no address to answer from.
std::optional<Bytes> unreachable(ByteView packet, const IpAddress& router, Unreachable why);

// Likewise: `packet` is larger than the `mtu` bytes that fit from here on (RFC 1191, RFC 4443
// §3.2).
std::optional<Bytes> too_big(ByteView packet, const IpAddress& router, std::size_t mtu);

}  // namespace meshnode::overlay
