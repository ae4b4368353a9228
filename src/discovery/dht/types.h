// What the Port and the child process with OpenDHT talk about: plain values.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/endpoint.h"
#include "discovery/dht_shim.h"
#include "wire/dht_message.h"

namespace meshnode::dht {

using Key = Block<20>;
using ValueId = std::uint64_t;  // never zero
using NodeKey = Block<20>;      // OpenDHT's node id: not ours, and proves nothing

// What fits into one datagram with everything around it; the shim carries no larger put.
inline constexpr std::size_t kMaxPut = 540;
// Larger ones are not handed on.
inline constexpr std::size_t kMaxValue = discovery::DhtShim::kMaxValue;
// A larger one is no message of the DHT.
inline constexpr std::size_t kMaxDatagram = wire::kMaxDhtDatagram;

struct Value {
  ValueId id = 0;
  Bytes data;
};

// Names a request, to cancel it. Never zero, never used twice, by whichever child serves it.
enum class Ticket : std::uint64_t {};

enum class Sent : std::uint8_t {
  sent,
  again,        // full at the moment
  unreachable,  // no route, or refused: OpenDHT forgets the node
  no_family,    // this machine does not speak IPv4, or IPv6
};

enum class State : std::uint8_t { disconnected, connecting, connected };

struct FamilyStats {
  State state = State::disconnected;
  std::uint32_t good = 0;
  std::uint32_t dubious = 0;
  auto operator<=>(const FamilyStats&) const = default;
};

// What OpenDHT knew a moment ago.
struct Picture {
  static constexpr std::size_t kMaxAddresses = 8;
  static constexpr std::size_t kMaxNodes = 64;

  FamilyStats v4;
  FamilyStats v6;
  std::uint64_t stored_values = 0;
  std::uint64_t stored_bytes = 0;
  // Our addresses as other nodes saw them, most often seen first: without ports, and only hints.
  std::vector<IpAddress> addresses;
  std::vector<Endpoint> nodes;  // good ones
  bool operator==(const Picture&) const = default;
};

}  // namespace meshnode::dht
