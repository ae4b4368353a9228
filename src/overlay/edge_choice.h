// Which members a node keeps an edge with when they are too many to keep one with each. Pure.
//
// Kept are
//   kPerBucket in each XOR bucket of the NodeId (members whose ids share exactly k leading bits
//   with
//              ours): the way to any id leads over at most one bucket after the other, as in
//              Kademlia
//   kNearest   the members with the smallest XOR distance: so each region knows itself completely
//   kRandom    any others: short ways, and no attacker chooses all our neighbours by making ids
// The choice is sticky: who was chosen stays, unless it is gone or cannot be reached and another
// one can take its place.
#pragma once

#include <set>
#include <span>
#include <vector>

#include "base/ids.h"
#include "base/random.h"

namespace meshnode::overlay {

inline constexpr std::size_t kPerBucket = 4;
inline constexpr std::size_t kNearest = 8;
inline constexpr std::size_t kRandom = 8;

struct Known {
  enum class State : std::uint8_t { connected, untried, failing, gone };
  NodeId id;
  State state = State::untried;
};

// `known` without ourselves and without duplicates, in an order that does not depend on chance;
// `before` is the last choice. O(n log n).
std::set<NodeId> choose_edges(const NodeId& self, std::span<const Known> known,
                              const std::set<NodeId>& before, Random& random);

// XOR distance, to be compared only.
NodeId distance(const NodeId& a, const NodeId& b);
// The number of leading bits that both have in common; 256 if they are equal.
unsigned common_bits(const NodeId& a, const NodeId& b);

}  // namespace meshnode::overlay
