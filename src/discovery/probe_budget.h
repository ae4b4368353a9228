// How many unanswered probes may go to one address, over all peers: hostile records must not make
// a swarm of members flood a bystander.
#pragma once

#include <unordered_map>

#include "base/clock.h"
#include "base/endpoint.h"

namespace meshnode::discovery {

// Invariant: for each destination address, at most kPerTenSeconds probes in any fixed window of 10
// s and kPerHour in any of one hour leave that were not answered. The table is bounded: when it is
// full of young entries, unknown addresses get nothing.
class ProbeBudget {
 public:
  static constexpr unsigned kPerTenSeconds = 20;
  static constexpr unsigned kPerHour = 200;
  static constexpr std::size_t kMaxAddresses = 4096;

  // Takes one probe out of the budget; false if there is none.
  bool take(TimePoint now, const IpAddress& destination);
  // An answer came: the address wants our probes.
  void answered(const IpAddress& destination) { spent_.erase(destination); }

 private:
  struct Spent {
    TimePoint short_began{};
    TimePoint long_began{};
    unsigned in_short = 0;
    unsigned in_long = 0;
  };
  bool make_room(TimePoint now);
  std::unordered_map<IpAddress, Spent> spent_;
};

}  // namespace meshnode::discovery
