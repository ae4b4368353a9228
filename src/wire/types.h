// The first byte of every datagram on the shared UDP port says what it is (protocol.md "One port").
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace meshnode::wire {

enum class MessageType : std::uint8_t {
  handshake_init = 0x40,
  handshake_response = 0x41,
  challenge = 0x42,  // cookie or freshness challenge
  probe = 0x43,
  data = 0x44,
};

// Which protocol a datagram belongs to, from its first byte alone.
enum class Protocol : std::uint8_t { meshnode, stun, dht, unknown };

constexpr Protocol protocol_of(std::uint8_t first) {
  if (first >= 0x40 && first <= 0x44) return Protocol::meshnode;
  if (first <= 0x03) return Protocol::stun;  // RFC 7983 §7
  // msgpack maps: fixmap, map 16, map 32.
  if ((first >= 0x80 && first <= 0x8f) || first == 0xde || first == 0xdf) return Protocol::dht;
  return Protocol::unknown;
}

inline constexpr std::uint8_t kProtocolVersion = 1;
inline constexpr std::size_t kMacSize = 16;
using Mac = Block<kMacSize>;
// Handshake messages must pass the smallest IPv6 path unfragmented.
inline constexpr std::size_t kMaxHandshakeSize = 1200;

}  // namespace meshnode::wire
