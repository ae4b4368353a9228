// What the engine tells the pumps: immutable values, published as changes in order. The pumps keep
// everything that moves (counters, replay windows, byte counts) for themselves, so that they may
// run in threads of their own without a lock.
#pragma once

#include <memory>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <variant>

#include "base/endpoint.h"
#include "base/ids.h"
#include "base/secret.h"
#include "crypto/aead.h"

namespace meshnode::dataplane {

// Keys of one session. Never changed after publication.
struct KeySlot {
  PeerNumber peer = kNoPeer;
  SessionIndex local_index = 0;   // what the peer writes into frames to us
  SessionIndex remote_index = 0;  // what we write into frames to the peer
  crypto::Cipher cipher = crypto::Cipher::aes_256_gcm;
  crypto::MakeFrameCipher make_cipher = nullptr;
  Secret32 send_key;
  Secret32 receive_key;
  // Tell the engine when the first frame authenticates (a responder waits for it).
  bool report_first_data = false;
};

// Overlay address → member.
using RouteTable = std::unordered_map<IpAddress, PeerNumber>;
using AddressSet = std::unordered_set<IpAddress>;

struct AddKey {
  std::shared_ptr<const KeySlot> key;
};
// From now on frames to the key's peer are sealed with this key.
struct UseKey {
  PeerNumber peer;
  SessionIndex local_index;
};
// The key is dead in both directions; its bytes are wiped.
struct DropKey {
  SessionIndex local_index;
};
// Where frames to the peer go; nothing: nowhere.
struct SetPath {
  PeerNumber peer;
  std::optional<Path> path;
};
// How large datagrams on the peer's path may be; without it nothing is limited.
struct SetLimit {
  PeerNumber peer;
  std::size_t datagram = 0;  // with inner data; bytes of UDP payload
  std::size_t message = 0;   // with a control message
  // Whether what does not fit may be refused (PumpEvent::too_big). If not, the limit is only what
  // is known so far, and everything is carried.
  bool settled = false;
  bool operator==(const SetLimit&) const = default;
};
// Inner source addresses that the peer may use.
struct SetSources {
  PeerNumber peer;
  std::shared_ptr<const AddressSet> addresses;
};
struct SetRoutes {
  std::shared_ptr<const RouteTable> routes;
};
// Inner destinations that are ours.
struct SetOwnAddresses {
  std::shared_ptr<const AddressSet> addresses;
};
struct DropPeer {
  PeerNumber peer;
};

using SlotChange = std::variant<AddKey, UseKey, DropKey, SetPath, SetLimit, SetSources, SetRoutes,
                                SetOwnAddresses, DropPeer>;

}  // namespace meshnode::dataplane
