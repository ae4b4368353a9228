// What the files of the state directory hold, as text:
//
//   {"format":"meshnode network","version":1,"content":{…},"checksum":"<SHA-256 in hex>"}
//
// The checksum is over the compact JSON text of the first three fields, in this order. This
// envelope stays as it is in all versions, so that "newer" can be told from "damaged".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/hash.h"
#include "crypto/suite.h"
#include "overlay/memory.h"
#include "overlay/network.h"

namespace meshnode::node {

struct StoredNetwork {
  overlay::NetworkSecret secret;
  bool made_here = false;          // nobody gave it to us
  bool had_second_member = false;  // somebody else proved to be a member, ever
  // Where the secret came from --seed: see seed_check().
  std::optional<crypto::Hash> seed_check;

  bool operator==(const StoredNetwork&) const = default;
};

struct StoredCounters {
  std::uint16_t port = 0;         // 0: none yet
  std::uint64_t next_number = 0;  // the first handshake number that nobody reserved

  bool operator==(const StoredCounters&) const = default;
};

// The other members of one network, as the engine remembers them.
struct StoredMembers {
  std::string network;  // its fingerprint: what belongs to another one is of no use
  std::vector<overlay::RememberedMember> members;

  bool operator==(const StoredMembers&) const = default;
};

std::string encode_members(const StoredMembers& members);
std::string encode_identity(const crypto::Ed25519Seed& seed);
std::string encode_network(const StoredNetwork& network);
std::string encode_counters(const StoredCounters& counters);

enum class Condition : std::uint8_t { good, damaged, newer };

template <typename T>
struct Decoded {
  Condition condition = Condition::damaged;
  T value{};                  // only if good
  std::uint64_t version = 0;  // only if newer
};

// Any bytes at all; never throws.
Decoded<crypto::Ed25519Seed> decode_identity(std::string_view text);
Decoded<StoredMembers> decode_members(std::string_view text);
Decoded<StoredNetwork> decode_network(std::string_view text);
Decoded<StoredCounters> decode_counters(std::string_view text);

}  // namespace meshnode::node
