// Between plain values (base/endpoint.h) and the kernel's sockaddr and packet-info control
// messages. For io/ and for programs with sockets of their own (hub).
#pragma once

#include <array>
#include <cstdint>

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/endpoint.h"

namespace meshnode::io {

union SocketAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

// The size to pass to the kernel; 0 if the endpoint has no address. `scope` matters to link-local
// IPv6 only.
socklen_t to_socket_address(const Endpoint& endpoint, std::uint32_t scope, SocketAddress& out);
Endpoint from_socket_address(const SocketAddress& address);

// Room for the packet info of one message, its TOS, and the int of UDP_GRO or UDP_SEGMENT.
struct ControlBuffer {
  alignas(cmsghdr)
      std::array<std::uint8_t, CMSG_SPACE(sizeof(in6_pktinfo)) + 2 * CMSG_SPACE(sizeof(int))> bytes;
};

// What the kernel told about a received message.
struct PacketInfo {
  IpAddress destination;  // in the IP header: may be broadcast or multicast
  IpAddress local;        // our own address to answer from; none for IPv6 multicast
  std::uint32_t ifindex = 0;
  std::size_t segment_size = 0;  // UDP_GRO: of each datagram but the last; 0: it is a single one
  std::uint8_t tos = 0;          // where the socket asks for it
};
PacketInfo read_packet_info(const msghdr& header);

// Makes `header` leave from `source` (none: the kernel chooses) through `ifindex` (0: routed).
// `control` must live as long as the header.
void write_packet_info(msghdr& header, ControlBuffer& control, Family family,
                       const IpAddress& source, std::uint32_t ifindex);
// Behind what write_packet_info() wrote: DSCP and ECN of the IP header, and the size at which the
// kernel cuts the message into datagrams.
void append_tos(msghdr& header, ControlBuffer& control, Family family, std::uint8_t tos);
void append_segment_size(msghdr& header, ControlBuffer& control, std::size_t size);

}  // namespace meshnode::io
