// What a node remembers of the others over a restart: plain values, stored by the host.
#pragma once

#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/endpoint.h"
#include "base/ids.h"

namespace meshnode::overlay {

inline constexpr std::size_t kMaxRemembered = 4096;

// A member that has proven to us, in this start or an earlier one, that `static_key` is its own.
struct RememberedMember {
  NodeId id;
  Block<32> static_key{};
  Bytes record{};                      // signed; empty if none was seen
  std::optional<Endpoint> endpoint{};  // where it was last; not if link-local
  std::vector<IpAddress> claims{};     // its IPv4 addresses, pinned
  std::int64_t seen_ms = 0;            // when it was last heard, unix
  bool operator==(const RememberedMember&) const = default;
};

}  // namespace meshnode::overlay
