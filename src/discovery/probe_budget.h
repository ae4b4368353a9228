// How many unanswered probes may go to one address, over all peers: hostile records must not make
// a swarm of members flood a bystander.
#pragma once

#include <unordered_map>

#include "base/clock.h"
#include "base/endpoint.h"
#include "base/token_bucket.h"

namespace meshnode::discovery {

// Invariant: of probes that are not answered, at most kBurst leave at once for one address, at most
// kBurst + 80 in any minute (with headers 92 bytes each over IPv4: below 10 KB), and at most 200 in
// any hour. The table is bounded: when it is full of young entries, unknown addresses get nothing.
class ProbeBudget {
 public:
  static constexpr unsigned kBurst = 20;
  static constexpr unsigned kPerMinute = 80;  // after a burst
  static constexpr unsigned kLongBurst = 120;
  static constexpr unsigned kPerHour = 80;  // after a long burst
  static constexpr std::size_t kMaxAddresses = 4096;

  // Takes one probe out of the budget; false if there is none.
  bool take(TimePoint now, const IpAddress& destination);
  // An answer came: the address wants our probes.
  void answered(const IpAddress& destination) { spent_.erase(destination); }

 private:
  struct Spent {
    TokenBucket minute{kPerMinute / 60.0, kBurst};
    TokenBucket hour{kPerHour / 3600.0, kLongBurst};
    TimePoint last{};
  };
  bool make_room(TimePoint now);
  std::unordered_map<IpAddress, Spent> spent_;
};

}  // namespace meshnode::discovery
