// How many unanswered probes may go to one address, over all peers: hostile records must not make
// a swarm of members flood a bystander.
#pragma once

#include <unordered_map>

#include "base/clock.h"
#include "base/endpoint.h"
#include "base/token_bucket.h"

namespace meshnode::discovery {

// There are two of them: for addresses that records name, and for those where a peer was seen
// (a beacon, a probe, a session). Else what others say could use up what a neighbour needs.
//
// Invariants
//  1. Of probes that are not answered, at most `burst` leave at once for one address and at most
//     `per_minute` later in each minute; likewise in the long run, but for what is urgent. Both
//     budgets together allow 108 probes in the worst minute: with headers 92 bytes each over IPv4,
//     less than 10 KB.
//  2. The table is bounded: when it is full of young entries, unknown addresses get nothing.
class ProbeBudget {
 public:
  struct Rules {
    unsigned burst = 0;
    unsigned per_minute = 0;
    unsigned long_burst = 0;
    unsigned per_hour = 0;  // after a long burst
  };
  static constexpr Rules kTold{16, 48, 120, 80};
  static constexpr Rules kSeen{12, 32, 160, 80};
  static constexpr std::size_t kMaxAddresses = 4096;

  explicit ProbeBudget(const Rules& rules) : rules_(rules) {}

  enum class Need : std::uint8_t {
    urgent,   // packets wait, or the peer is said to punch right now: the hour does not count
    again,    // likewise, but said so often, in vain: leaves an eighth of a burst to what is urgent
    usual,    // leaves a quarter of a burst
    unlikely  // to succeed: leaves half of each budget to others
  };
  // Takes one probe out of the budget; false if there is none.
  bool take(TimePoint now, const IpAddress& destination, Need need = Need::usual);
  // An answer came: the address wants our probes.
  void answered(const IpAddress& destination) { spent_.erase(destination); }

 private:
  struct Spent {
    TokenBucket minute;
    TokenBucket hour;
    TimePoint last{};
  };
  bool make_room(TimePoint now);
  const Rules rules_;
  std::unordered_map<IpAddress, Spent> spent_;
};

}  // namespace meshnode::discovery
