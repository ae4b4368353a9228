// Introductions: "X is punching you now, here is where it may be" over members that have edges to
// both. Signalling only: nobody's data is ever passed on. Pure.
//
// A member asks the neighbours nearest to the target; each passes it on to the target if it has an
// edge there, otherwise to a neighbour that is strictly nearer (XOR), so it cannot run in circles,
// over at most wire::kMaxIntroductionHops members.
//
// Invariants
//  1. Nothing is passed on or followed unless X signed it for this very target.
//  2. What one neighbour sends is bounded, what concerns one pair (X, target) is bounded, and so
//     are all together; a number is followed once.
#pragma once

#include <list>
#include <map>
#include <variant>

#include "base/clock.h"
#include "base/drop.h"
#include "base/token_bucket.h"
#include "discovery/signed_record.h"
#include "wire/introduction.h"

namespace meshnode::discovery {

class Introductions {
 public:
  // From one neighbour, its own and those that it passes on.
  static constexpr double kPerNeighbour = 5;  // a second
  static constexpr double kNeighbourBurst = 50;
  static constexpr double kPerPair = 0.2;
  static constexpr double kPairBurst = 5;
  static constexpr double kTotal = 100;
  static constexpr double kTotalBurst = 200;
  static constexpr std::size_t kMaxPairs = 2048;

  // `suite` outlives it.
  Introductions(const NodeId& self, Bytes network_id, const crypto::Suite& suite)
      : self_(self), network_id_(std::move(network_id)), suite_(suite) {}

  // The body of a request of ours.
  Bytes ask(const NodeId& target, const SignedRecord& own, const crypto::Ed25519Seed& seed,
            std::uint64_t number) const;

  struct ForUs {
    NodeId origin;
    ByteView record;  // view into the body
  };
  struct PassOn {
    NodeId origin;
    NodeId target;
    unsigned hops = 0;  // members that may pass it on after the next one
    Bytes body;
  };
  std::variant<Drop, ForUs, PassOn> take(TimePoint now, PeerNumber from, ByteView body);
  void forget(PeerNumber neighbour) { neighbours_.erase(neighbour); }

 private:
  using PairKey = std::pair<NodeId, NodeId>;  // origin, target
  using ByUse = std::list<const PairKey*>;    // keys in pairs_, used last at the end
  struct Pair {
    TokenBucket budget{kPerPair, kPairBurst};
    std::uint64_t number = 0;  // the highest, if it was for us
    ByUse::iterator used{};
  };
  Bytes statement(const wire::Introduction& introduction) const;
  // It counts as used now; the one that was not used for longest makes room for it.
  Pair& use_pair(const PairKey& key);

  NodeId self_;
  Bytes network_id_;
  const crypto::Suite& suite_;
  TokenBucket total_{kTotal, kTotalBurst};
  std::map<PeerNumber, TokenBucket> neighbours_;  // those with an edge, so bounded
  std::map<PairKey, Pair> pairs_;
  ByUse by_use_;
};

}  // namespace meshnode::discovery
