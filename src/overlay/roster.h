// All members that we know: found by number, static key, NodeId or probe tag; and which addresses
// lead to whom.
//
// Invariants
//  1. At most kMaxMembers, of them at most kMaxUnproven that have not proven their key to us;
//     a proven member never makes room for an unproven one.
//  2. An overlay address belongs to the member whose NodeId it follows from; an IPv4 claim to the
//     first proven member that holds it (pinned), never to an unproven one, never to two.
#pragma once

#include <map>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dataplane/slots.h"
#include "overlay/peer_table.h"

namespace meshnode::overlay {

class Roster {
 public:
  static constexpr std::size_t kMaxMembers = 4096;
  static constexpr std::size_t kMaxUnproven = 256;
  // A claim stays with its first holder while that one was seen within this time.
  static constexpr Duration kPinned = hours(24 * 30);

  explicit Roster(const NetworkId& network) : network_(network) {}

  // A number that no peer has or had.
  PeerNumber reserve_number() { return PeerNumber{next_number_++}; }
  enum class Room { any, for_proven };  // whether the bound on unproven peers counts
  // Null if there is no room. The peer is unproven until prove(); `number` from reserve_number().
  Peer* add(PeerNumber number, const NodeId& claimed_id, const crypto::X25519Public& static_key,
            discovery::ProbeKeys keys, TimePoint now, Room room = Room::any);
  void remove(PeerNumber number);

  // A proven member that we keep no edge with: what has to outlast the peer. At most kMaxRetired,
  // whoever was seen last.
  struct Retired {
    crypto::X25519Public static_key{};
    std::optional<Endpoint> endpoint;
    std::vector<IpAddress> granted;
    TimePoint last_proven{};
  };
  static constexpr std::size_t kMaxRetired = 8192;
  void retire(const NodeId& id, Retired member);
  const std::map<NodeId, Retired>& retired() const { return retired_; }
  // The peer's key is proven to belong to `id`. Others under the same id are not it, or not any
  // more: returns their numbers, the caller removes them.
  std::vector<PeerNumber> prove(Peer& peer, const NodeId& id);

  Peer* by_number(PeerNumber number);
  const Peer* by_number(PeerNumber number) const;
  Peer* by_static_key(const crypto::X25519Public& key);
  const Peer* by_static_key(const crypto::X25519Public& key) const;
  Peer* by_tag(wire::ProbeTag tag);
  // The epoch in which the sender made it.
  std::optional<discovery::TagEpoch> epoch_of(wire::ProbeTag tag) const;
  PeerTable::Range<Peer> all();  // counts as handing out each of them
  PeerTable::Range<const Peer> all() const { return peers_.all(); }
  std::size_t unproven() const;
  // Whoever was handed out to be changed since the last call.
  std::vector<PeerNumber> take_touched();

  // Registers the peer's tags for our epoch, its neighbours, and the epoch that the peer stated.
  void refresh_tags(Peer& peer, discovery::TagEpoch own_epoch);

  struct Settled {
    std::vector<IpAddress> refused;
    std::vector<PeerNumber> expired;  // who lost a claim that was pinned too long ago
  };
  // Decides which of the peer's claims it gets.
  Settled settle_claims(Peer& peer, const std::vector<IpAddress>& own, TimePoint now);

  std::shared_ptr<const dataplane::RouteTable> routes() const;
  std::shared_ptr<const dataplane::AddressSet> sources(const Peer& peer) const;

 private:
  Peer* touch(Peer& peer);

  NetworkId network_;
  std::uint32_t next_number_ = 0;
  PeerTable peers_;
  std::vector<PeerNumber> touched_;
  std::map<NodeId, Retired> retired_;
  struct KeyHash {
    std::size_t operator()(const crypto::X25519Public& key) const {
      return std::hash<std::string_view>{}(as_text(key));
    }
  };
  std::unordered_map<crypto::X25519Public, PeerNumber, KeyHash> by_static_key_;
  struct Tagged {
    PeerNumber peer = kNoPeer;
    discovery::TagEpoch epoch = 0;
  };
  std::unordered_map<wire::ProbeTag, Tagged> by_tag_;
};

}  // namespace meshnode::overlay
