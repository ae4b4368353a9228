// LAN beacon, 160 bytes on UDP 3732, no constant byte:
//
//   salt (16) | sealed: (128) | tag (16)
//
//     0  X25519 static key (32) | node id (32) | boot id (8) | number (8)
//    80  main port (2) | source address: family (1), address (16) | flags (1: answer wanted)
//   100  sender's clock, unix ms (8) | version (1) | zeros (19)
//
// The source address is the one that the sender put on this datagram, so that a beacon carried to
// another link or replayed from elsewhere shows.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/endpoint.h"
#include "base/ids.h"
#include "wire/types.h"

namespace meshnode::wire {

inline constexpr std::size_t kBeaconSize = 160;
inline constexpr std::size_t kBeaconSaltSize = 16;
inline constexpr std::size_t kBeaconTextSize = 128;

struct Beacon {
  Block<32> static_key{};
  NodeId node;
  BootId boot{};
  std::uint64_t number = 0;
  std::uint16_t port = 0;
  IpAddress source;
  bool answer_wanted = false;
  UnixTime clock;
};

Bytes encode_beacon_text(const Beacon& beacon);
// Nothing for what is malformed or of another version.
std::optional<Beacon> parse_beacon_text(ByteView text);
// The version stands at the same place in each.
std::optional<std::uint8_t> beacon_version(ByteView text);

}  // namespace meshnode::wire
