// An endpoint on the wire, 20 bytes: family (4, 6, or 0 = none) | zero | port | address (16, IPv4
// in the first four, the rest zero).
#pragma once

#include <optional>

#include "base/bytes.h"
#include "base/endpoint.h"

namespace meshnode::wire {

inline constexpr std::size_t kEndpointSize = 20;

void append_endpoint(Writer& out, const Endpoint& endpoint);
// The none endpoint for family 0; nothing for a family that is neither, or non-zero padding.
std::optional<Endpoint> read_endpoint(Reader& in);

}  // namespace meshnode::wire
