// Which edges metrics tell of one by one, and sums that never fall. Pure.
//
// Invariants
//  1. At most kLabelled edges have labels. Who has one keeps it while it is a peer; only where
//  there
//     are not enough does one without a connection make room for one with.
//  2. all() and rest() only grow, also when a peer is forgotten, begins anew, or gets or loses its
//     label. What a peer moved after the last look at it and before it was forgotten is not seen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "control/snapshot.h"

namespace meshnode::node {

// Each id once, in the order of the first. Where several peers claim one, as after a restart, or
// since anybody can until it has to prove it: one with a connection, else who moved most.
std::vector<control::PeerStatus> one_of_each(std::vector<control::PeerStatus> peers);

class EdgeLedger {
 public:
  static constexpr std::size_t kLabelled = 64;

  struct Traffic {
    std::uint64_t tx_bytes = 0;
    std::uint64_t rx_bytes = 0;
    std::uint64_t tx_packets = 0;
    std::uint64_t rx_packets = 0;
    bool operator==(const Traffic&) const = default;
  };

  // All peers as they are now, each id once.
  void look(const std::vector<control::PeerStatus>& peers);

  bool labelled(const NodeId& id) const;
  const Traffic& all() const { return all_; }    // since the start
  const Traffic& rest() const { return rest_; }  // of it, what was moved by edges without labels
  std::size_t rest_edges() const { return known_.size() - labels_; }

 private:
  struct Known {
    Traffic last;
    bool labelled = false;
  };
  void forget_the_gone(const std::vector<control::PeerStatus>& peers);
  void hand_out_labels(const std::vector<control::PeerStatus>& peers);

  std::map<NodeId, Known> known_;
  std::size_t labels_ = 0;
  Traffic all_;
  Traffic rest_;
};

}  // namespace meshnode::node
