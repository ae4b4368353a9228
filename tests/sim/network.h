// How datagrams get from one address to another: segments (LANs, carriers' networks, the Internet),
// joined by NATs. The Internet is segment 0.
//
// A datagram leaves at once through all NATs on its way up to the segment where its destination is,
// then travels, and finds its way down through NATs when it arrives: what they let in is decided
// then.
#pragma once

#include <unordered_map>
#include <vector>

#include "base/endpoint.h"
#include "sim/line.h"
#include "sim/nat.h"
#include "sim/trace.h"

namespace meshnode::sim {

using SegmentId = std::uint32_t;
using NatId = std::uint32_t;
inline constexpr SegmentId kInternet = 0;

struct Datagram {
  Owner sender;
  Endpoint from;
  Endpoint to;
  Bytes bytes;
};

class Network {
 public:
  static constexpr unsigned kFarEnough = 64;  // hops

  Network();
  // A prefix may be used by any number of segments.
  SegmentId add_segment(const Cidr& prefix);
  // Joins a segment to an outer one, where it has this address.
  NatId add_nat(const NatRules& rules, SegmentId inside, SegmentId outside,
                const IpAddress& address, const LineRules& line, std::uint64_t seed);
  void attach(const Owner& owner, SegmentId segment, const IpAddress& address,
              const LineRules& line);
  void detach(SegmentId segment, const IpAddress& address);
  // The NAT gets another outside address, and forgets all.
  void renumber(TimePoint now, NatId nat, const IpAddress& address);

  struct Crossing {
    Fate fate = Fate::delivered;
    SegmentId segment = kInternet;  // where it arrives
    Duration delay{};
    bool twice = false;
    Duration second_delay{};
  };
  // Up: source address and port change on the way.
  Crossing leave(TimePoint now, SegmentId segment, Datagram& datagram, unsigned hops,
                 Random& random);
  struct Arrival {
    Fate fate = Fate::delivered;
    Owner owner;
    SegmentId segment = kInternet;
  };
  // Down: destination address and port change.
  Arrival arrive(TimePoint now, SegmentId segment, Datagram& datagram) const;

  const Cidr& prefix(SegmentId segment) const { return segments_[segment].prefix; }
  // Of hosts there, with their addresses.
  std::vector<std::pair<IpAddress, Owner>> neighbours(SegmentId segment) const;
  Nat& nat(NatId id) { return nats_[id].nat; }
  std::size_t nats() const { return nats_.size(); }
  // From the segment out to the Internet.
  std::vector<NatId> way_out(SegmentId segment) const;
  Line* line(SegmentId segment, const IpAddress& address);
  // Changes all lines: worse weather, better weather.
  template <typename Change>
  void each_line(Change change) {
    for (Segment& segment : segments_)
      for (auto& [address, attachment] : segment.attached) change(attachment.line.rules());
  }

 private:
  struct Attachment {
    Owner owner;
    Line line;
  };
  struct Segment {
    Cidr prefix;
    std::optional<NatId> gateway;
    std::unordered_map<IpAddress, Attachment> attached;
  };
  struct PlacedNat {
    Nat nat;
    SegmentId inside = kInternet;
    SegmentId outside = kInternet;
  };

  std::vector<Segment> segments_;
  std::vector<PlacedNat> nats_;
};

}  // namespace meshnode::sim
