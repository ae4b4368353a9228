// To whom have we spoken? What comes from anybody else has passed no router on our account: so we
// can be reached by strangers. Pure.
#pragma once

#include <map>

#include "base/clock.h"
#include "base/endpoint.h"

namespace meshnode::discovery {

class Spoken {
 public:
  static constexpr std::size_t kMaxEndpoints = 4096;
  // Longer than a router lets answers in behind the last question; RFC 4787 asks for 5 min, seldom
  // is it more than 10.
  static constexpr Duration kForgotten = minutes(15);

  void sent(TimePoint now, const Endpoint& to);
  // Also true for all that there was no room for.
  bool to(TimePoint now, const Endpoint& endpoint) const;

 private:
  std::map<Endpoint, TimePoint> last_;
  TimePoint next_sweep_{};
  TimePoint crowded_until_{};  // somebody found no room before
};

}  // namespace meshnode::discovery
