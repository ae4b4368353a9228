// The STUN Binding responder: what to answer, and how often. No socket and no clock.
//
// Sources are counted in a table of fixed size by a salted hash, so that strangers take no memory:
// two sources may share a slot, and then its budget.
#pragma once

#include <vector>

#include "base/clock.h"
#include "base/drop.h"
#include "base/endpoint.h"
#include "base/token_bucket.h"

namespace meshnode::discovery {

class StunService {
 public:
  // A source is an IPv4 address or an IPv6 /64: behind one address may be a whole carrier's NAT.
  static constexpr double kPerSource = 50;  // answers a second
  static constexpr double kPerSourceBurst = 200;
  static constexpr double kTotal = 5000;
  static constexpr double kTotalBurst = 10000;

  // `start_id` is fresh in each start, and told to who asks.
  StunService(std::uint64_t salt, std::uint64_t start_id);

  // The answer to a datagram that came to `origin`; empty if there is none. `other` is named in
  // OTHER-ADDRESS; none is left out.
  Bytes answer(TimePoint now, const Endpoint& from, const Endpoint& origin, const Endpoint& other,
               ByteView datagram);

  const DropCounters& drops() const { return drops_; }
  std::uint64_t answered() const { return answered_; }

 private:
  Bytes drop(Drop reason) {
    drops_.count(reason);
    return {};
  }
  TokenBucket& bucket_of(const IpAddress& source);

  std::uint64_t salt_;
  std::uint64_t start_id_;
  TokenBucket total_{kTotal, kTotalBurst};
  std::vector<TokenBucket> sources_;
  DropCounters drops_;
  std::uint64_t answered_ = 0;
};

}  // namespace meshnode::discovery
