// Which members that serve the DHT and STUN to anybody are worth asking, best first. Pure
// functions.
//
// Members should mostly ask the same ones, or they would not meet there; and not all the same ones,
// or these would bear everything and could keep everything back. So every other one is among the
// lowest NodeIds of all, the rest among those nearest to our own (by XOR, as in Kademlia).
#pragma once

#include <span>
#include <vector>

#include "base/clock.h"
#include "base/endpoint.h"
#include "base/ids.h"
#include "discovery/candidates.h"
#include "discovery/signed_record.h"

namespace meshnode::discovery {

inline constexpr std::size_t kMaxServerOffers = 16;

// Says of itself that it serves; that is no proof.
struct ServingMember {
  NodeId id;
  bool alive = false;  // there is a confirmed path to it
  Duration silent{};   // since it was last heard
  std::vector<Endpoint> at;
};

struct ServerOffer {
  Endpoint endpoint;
  bool alive = false;  // so is the member
  bool operator==(const ServerOffer&) const = default;
};

// It says so at any of its candidates.
bool serves(const SignedRecord& record);

// Where a member with these candidates says that it serves, at most one endpoint of each family
// that we speak, the one of highest priority.
std::vector<Endpoint> serves_at(std::span<const wire::Candidate> candidates, const OwnView& own);

// Living members first, then those heard within a day, then the rest. At most kMaxServerOffers,
// and only one at each address: who names somebody else's draws no more than one question at a
// time.
std::vector<ServerOffer> choose_servers(std::vector<ServingMember> members, const NodeId& own);

}  // namespace meshnode::discovery
