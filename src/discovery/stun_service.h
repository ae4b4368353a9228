// The STUN Binding responder: what to answer, from where, and how often. No socket and no clock.
//
// The tests of RFC 5780 want answers that leave from the other address or port (CHANGE-REQUEST), or
// go to another port of who asked (RESPONSE-PORT): to see what a NAT lets in, and how long it
// remembers. Where the service has an `other` endpoint it gives them. No other address ever hears
// from us than the one that asked, no privileged port of it, and each such answer costs as much of
// the budgets as kDetour plain ones.
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
  static constexpr double kDetour = 5;

  struct Answer {
    Bytes datagram{};  // empty: none
    Endpoint from{};   // where it leaves from; none where `origin` was none
    Endpoint to{};
  };

  // `start_id` is told to who asks: a fresh one each time that our store of the DHT begins empty.
  StunService(std::uint64_t salt, std::uint64_t start_id);
  void set_start_id(std::uint64_t start_id) { start_id_ = start_id; }

  // The answer to a datagram that came to `origin`. `other` is named in OTHER-ADDRESS: another port
  // of ours, at another address if we have one. None: it is left out, and detours are refused.
  // `time` is ours, for who wants to compare; none is left out.
  Answer answer(TimePoint now, const Endpoint& from, const Endpoint& origin, const Endpoint& other,
                ByteView datagram, std::optional<UnixTime> time = {});

  const DropCounters& drops() const { return drops_; }
  std::uint64_t answered() const { return answered_; }
  std::uint64_t detours() const { return detours_; }  // of these

 private:
  Answer drop(Drop reason) {
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
  std::uint64_t detours_ = 0;
};

}  // namespace meshnode::discovery
