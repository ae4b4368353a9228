// Where the transport header of an inner packet is, for segmenting and coalescing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "wire/ip.h"

namespace meshnode::dataplane {

// Invariants: 20 ≤ ip_size ≤ header_size ≤ total_size ≤ the bytes that were given.
struct PacketView {
  bool v6 = false;
  bool plain = false;           // IPv4 without options, IPv6 without extension headers
  bool fragment = false;        // also the first one
  bool routed = false;          // IPv6 with a routing header: the destination is not the last one
  bool transport = false;       // TCP or UDP whose whole header is there; never for a fragment
  std::uint8_t protocol = 0;    // behind all extension headers that we know
  std::size_t ip_size = 0;      // with options and extension headers
  std::size_t header_size = 0;  // with the transport's header, if `transport`
  std::size_t total_size = 0;   // as the IP header says

  bool tcp() const { return transport && protocol == wire::tcp; }
  bool udp() const { return transport && protocol == wire::udp; }
  std::size_t payload_size() const { return total_size - header_size; }
};

// Nothing if the bytes do not begin with a complete IP packet.
std::optional<PacketView> view_packet(ByteView packet);

}  // namespace meshnode::dataplane
