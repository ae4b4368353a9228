// The closed group: its permanent seed, its secret with a generation number, the join token that
// carries both, and the keys that follow from them (protocol.md "Network").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/endpoint.h"
#include "base/ids.h"
#include "base/secret.h"

namespace meshnode::overlay {

using NetworkId = Block<32>;

// What a member must hold. `seed` fixes network id and address prefix for ever; `secret` can be
// replaced by one of a higher generation.
struct NetworkSecret {
  Block<16> seed{};
  std::uint32_t generation = 1;
  Secret32 secret;

  NetworkId id() const;
  // "7f3a-91c2": for people to compare; depends on the seed only and tells nothing about it.
  std::string fingerprint() const;
  bool operator==(const NetworkSecret&) const = default;
};

// "mesh1" + base32 of seed ‖ generation ‖ secret ‖ checksum (4 bytes of SHA-256): 95 characters.
std::string to_token(const NetworkSecret& network);
// Nothing for a foreign prefix, a typing error (the checksum does not fit) or generation 0.
std::optional<NetworkSecret> parse_token(std::string_view text);
// From 48 stretched bytes of `--seed` (crypto::stretch_passphrase with kPassphraseSalt).
NetworkSecret from_passphrase(const Secret<48>& stretched);
inline constexpr std::string_view kPassphraseSalt = "meshnode passphrase v1";

// Keys of one generation, each for one purpose.
struct NetworkKeys {
  NetworkId id{};
  std::uint32_t generation = 1;
  Secret32 lan;         // seals beacons
  Secret32 mac;         // gate in front of handshakes
  Secret32 record;      // seals records in the DHT
  Secret32 rendezvous;  // where in the DHT
  Secret32 psk;         // Noise pre-shared key and salt of the pair-keyed probes

  static NetworkKeys derive(const NetworkSecret& network);
};

// fd ‖ 40 bits of the network id: the /48 that holds all members.
Cidr overlay_prefix(const NetworkId& network);
// The prefix ‖ 80 bits of the NodeId: every member's address, always on.
IpAddress overlay_address(const NetworkId& network, const NodeId& node);

}  // namespace meshnode::overlay
