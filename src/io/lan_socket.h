// The sockets of the LAN beacon: one well-known port, shared by every program on the host that
// wants it, IPv4 broadcast and an IPv6 link-local group. It carries bytes; what they mean is
// discovery's.
//
// Facts that the design rests on
//  - With SO_REUSEADDR every socket on the port gets its own copy of a broadcast or multicast
//    datagram. A unicast datagram to the port reaches only one of them: never answer to this port.
//  - Linux loops a subnet broadcast back to the sending host's own sockets, without asking; for
//    IPv6 multicast it is IPV6_MULTICAST_LOOP. Two nodes on one host find each other, and each
//    receives its own beacons.
//  - 255.255.255.255 needs a route (a default route, usually); a subnet's own broadcast address
//    brings its own.
//
// Not thread-safe. Sending and receiving never block and never fail for good.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>

#include "base/endpoint.h"
#include "base/interfaces.h"
#include "base/result.h"
#include "io/unique_fd.h"

namespace meshnode::io {

inline constexpr std::uint16_t kLanPort = 3732;

// A buffer for one datagram, and what arrived in it.
struct LanDatagram {
  MutableBytes buffer;        // in: lent by the caller
  ByteView data;              // out: a view into `buffer`
  Endpoint source;            // out
  IpAddress destination;      // out: the address in the header: broadcast, group or one of ours
  std::uint32_t ifindex = 0;  // out: the interface it arrived on
};

class LanSocket {
 public:
  // An error only if neither family works; with one it goes on.
  static Result<LanSocket> open(std::uint16_t port = kLanPort);
  static const IpAddress& group();  // ff02::6d65:7368

  // Joins the group on every usable interface and leaves it elsewhere. Call with each new snapshot:
  // membership belongs to an interface index, and an interface that comes back has a new one.
  void update(const Interfaces& interfaces);

  // False when the kernel did not take it (interface gone, no such source address, full): the next
  // beacon is the retry.
  bool send_v4(std::uint32_t ifindex, const IpAddress& source, const IpAddress& broadcast,
               ByteView data);
  bool send_v6(std::uint32_t ifindex, const IpAddress& link_local_source, ByteView data);

  // Fills the first n entries from both families and returns n. Datagrams larger than the buffer
  // are dropped.
  std::size_t receive(std::span<LanDatagram> slots);

  // To watch; -1 for a family that is missing. receive() reads both.
  int v4_fd() const { return v4_.get(); }
  int v6_fd() const { return v6_.get(); }
  std::uint16_t port() const { return port_; }
  // Where update() has joined the group, for the status display.
  const std::set<std::uint32_t>& joined() const { return joined_; }

 private:
  LanSocket(UniqueFd v4, UniqueFd v6, std::uint16_t port);
  bool join(std::uint32_t ifindex);
  void leave(std::uint32_t ifindex);

  UniqueFd v4_;
  UniqueFd v6_;
  std::uint16_t port_ = 0;
  std::set<std::uint32_t> joined_;
};

}  // namespace meshnode::io
