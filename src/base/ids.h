// Names of things: who a node is, which network, which peer in our tables.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace meshnode {

// SHA-256 of the node's public key (protocol.md "Identity"). Shown as base32, compared whole.
struct NodeId {
  Block<32> bytes{};

  std::string to_string() const;     // 52 characters
  std::string short_string() const;  // the first 8, for tables and logs
  static std::optional<NodeId> parse(std::string_view text);
  auto operator<=>(const NodeId&) const = default;
};

// A value fresh in each start of the program.
using BootId = Block<8>;

// Number of a peer in the engine's and the pumps' tables; never on the wire. Not reused while the
// program runs.
enum class PeerNumber : std::uint32_t {};
inline constexpr PeerNumber kNoPeer{0xffffffffU};

// Receiver index of a session: chosen at random by the receiving side, in clear in data frames.
using SessionIndex = std::uint32_t;

}  // namespace meshnode
