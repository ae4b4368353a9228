// Where members live, drawn from the seed: on the open Internet, in homes behind routers of all
// kinds that all use 192.168.1.0/24, behind a carrier's NAT on top of that, or in a carrier's
// network with a telephone. And which pairs of places can be connected at all.
#pragma once

#include <vector>

#include "sim/world.h"

namespace meshnode::sim {

// Parts of a hundred; what is left lives in homes on the Internet.
struct TownRules {
  unsigned open = 8;
  unsigned telephones = 6;
  unsigned carrier_homes = 12;
  unsigned dual_stack = 15;  // of all places: also a public IPv6 address
  unsigned per_home = 2;     // nodes, on average
  unsigned dependent = 12;   // of all routers: mapping depends on the far end
  unsigned restricted = 60;  // of all routers: filtering by address and port
  unsigned hairpin = 30;
  Duration least_timeout = seconds(121);  // RFC 4787, REQ-5
  bool vary_routers = true;  // else all map alike, filter by address and port, and keep ports
};

class Town {
 public:
  Town(World& world, const TownRules& rules);

  // A host at a place of its own choice; not started.
  Host& settle();
  Host& settle(std::vector<Card> cards);
  std::vector<Card> anywhere();
  std::vector<Card> open_place();
  std::vector<Card> in_home(std::size_t home);
  std::size_t build_home(bool at_carrier);
  NatRules draw_router();
  NatId router(std::size_t home) const { return homes_[home].router; }
  std::size_t homes() const { return homes_.size(); }

  // Whether the rules of their NATs let the two meet.
  static bool can_meet(const World& world, const Host& a, const Host& b);
  // Where that is, and behind what: addresses, and NATs from the inside to the outside.
  static std::string describe(const World& world, const Host& host);

 private:
  struct Home {
    SegmentId segment = kInternet;
    NatId router = 0;
    unsigned next_address = 2;
    unsigned people = 0;
  };
  bool chance(unsigned percent) { return world_.random.below(100) < percent; }
  LineRules draw_line();
  void maybe_dual_stack(Card& card);
  std::vector<Card> telephone();
  SegmentId carrier();

  World& world_;
  TownRules rules_;
  std::vector<Home> homes_;
  std::vector<SegmentId> carriers_;
  std::vector<unsigned> carrier_used_;
  std::uint64_t ipv6_ = 0;
};

}  // namespace meshnode::sim
