// Which nodes the host has refused to send to: told after the fact, and remembered here, so that
// OpenDHT forgets them when it tries again, rather than after three tries and nine seconds.
//
// Bounded: a new one takes the place of the oldest. Any thread.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <optional>

#include "base/clock.h"
#include "discovery/dht/types.h"

namespace meshnode::dht_child {

class RefusedNodes {
 public:
  static constexpr Duration kLife = seconds(30);
  static constexpr std::size_t kMost = 1024;

  // `no_family` counts for all nodes of the family.
  void refused(TimePoint now, const Endpoint& node, dht::Sent why);
  // It was heard, or somebody wants to know.
  void forget(const Endpoint& node);
  std::optional<dht::Sent> look_up(TimePoint now, const Endpoint& node) const;
  std::size_t size() const;

 private:
  mutable std::mutex mutex_;
  std::map<Endpoint, TimePoint> until_;
  std::deque<Endpoint> order_;  // oldest first; each of until_ once
  std::map<Family, TimePoint> no_family_until_;
};

}  // namespace meshnode::dht_child
