// Where records stand in the DHT and how they are sealed there. Pure functions of the network's
// keys; HMAC is HMAC-SHA-256, integers are little-endian.
//
//   offset       first 8 bytes of HMAC(rendezvous, "offset"), mod 6 h, in ms
//   epoch        floor((unix ms + offset) / 6 h), i64
//   door key     first 20 bytes of HMAC(rendezvous, "door" ‖ epoch)
//   member key   first 20 bytes of HMAC(rendezvous, "member" ‖ epoch ‖ node id)
//   value id     first 8 bytes of HMAC(rendezvous, "value" ‖ DHT key ‖ node id ‖ sequence); 1 for 0
//   rank         HMAC(rendezvous, "landmark" ‖ epoch ‖ node id), compared bytewise
//
//   sealed record   salt (16) ‖ AES-256-GCM(key(salt, record, "meshnode record"), nonce 0,
//   associated
//                   data = the DHT key, length (2) ‖ record ‖ zeros): always 496 bytes
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/random.h"
#include "base/secret.h"
#include "discovery/dht_requests.h"

namespace meshnode::discovery {

inline constexpr Duration kDoorEpoch = hours(6);
// The epoch on the other side of a border counts too within this time of it.
inline constexpr Duration kDoorBorder = minutes(30);
inline constexpr std::size_t kLandmarks = 16;

inline constexpr std::size_t kSealedRecordSize = 496;

// The keys of one network for this; derived by overlay/network.h.
struct DirectoryKeys {
  Secret32 rendezvous;  // where: DHT keys, value ids, landmarks, the epochs' offset
  Secret32 record;      // what: seals
};

using DoorEpoch = std::int64_t;
DoorEpoch door_epoch(const DirectoryKeys& keys, UnixTime time);
// In ascending order: the present one, and a neighbour within kBorder of the border.
std::vector<DoorEpoch> counting_epochs(const DirectoryKeys& keys, UnixTime time);
DhtKey door_key(const DirectoryKeys& keys, DoorEpoch epoch);
DhtKey member_key(const DirectoryKeys& keys, DoorEpoch epoch, const NodeId& member);
DhtValueId value_id(const DirectoryKeys& keys, const DhtKey& key, const NodeId& member,
                    std::uint64_t sequence);
Bytes seal_record(const DirectoryKeys& keys, const DhtKey& key, ByteView record, Random& random);
// The record's bytes; nothing unless it opens and is of the right size and form.
std::optional<Bytes> open_sealed_record(const DirectoryKeys& keys, const DhtKey& key,
                                        ByteView value);
// Whether `self` is among the kLandmarks of `members` and itself with the lowest keyed hash.
bool is_landmark(const DirectoryKeys& keys, DoorEpoch epoch, const NodeId& self,
                 std::span<const NodeId> members);

}  // namespace meshnode::discovery
