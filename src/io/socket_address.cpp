#include "io/socket_address.h"

#include <algorithm>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/udp.h>

#include "base/result.h"

namespace meshnode::io {
namespace {

IpAddress to_ip(const in_addr& address) {
  return IpAddress::from_bytes({reinterpret_cast<const std::uint8_t*>(&address), 4});
}

IpAddress to_ip(const in6_addr& address) {
  return IpAddress::from_bytes({address.s6_addr, 16});
}

// Control message data may be unaligned.
template <typename T>
T load(const cmsghdr* message) {
  T value{};
  std::memcpy(&value, CMSG_DATA(message), sizeof value);
  return value;
}

// Behind the control messages that are there.
template <typename T>
void append(msghdr& header, ControlBuffer& control, int level, int type, const T& value) {
  const std::size_t at = header.msg_controllen;
  MESH_ASSERT(at + CMSG_SPACE(sizeof value) <= control.bytes.size());
  header.msg_control = control.bytes.data();
  header.msg_controllen = at + CMSG_SPACE(sizeof value);
  auto* message = reinterpret_cast<cmsghdr*>(control.bytes.data() + at);
  message->cmsg_level = level;
  message->cmsg_type = type;
  message->cmsg_len = CMSG_LEN(sizeof value);
  std::memcpy(CMSG_DATA(message), &value, sizeof value);
}

IpAddress unless_multicast(const IpAddress& address) {
  return address.is_multicast() ? IpAddress() : address;
}

void take(const cmsghdr* message, PacketInfo& out) {
  if (message->cmsg_level == IPPROTO_IP && message->cmsg_type == IP_PKTINFO) {
    const auto info = load<in_pktinfo>(message);
    out.destination = to_ip(info.ipi_addr);
    out.local = to_ip(info.ipi_spec_dst);
    out.ifindex = static_cast<std::uint32_t>(info.ipi_ifindex);
  } else if (message->cmsg_level == IPPROTO_IPV6 && message->cmsg_type == IPV6_PKTINFO) {
    const auto info = load<in6_pktinfo>(message);
    out.destination = to_ip(info.ipi6_addr);
    out.local = unless_multicast(out.destination);
    out.ifindex = info.ipi6_ifindex;
  } else if (message->cmsg_level == IPPROTO_IP && message->cmsg_type == IP_TOS) {
    out.tos = load<std::uint8_t>(message);
  } else if (message->cmsg_level == IPPROTO_IPV6 && message->cmsg_type == IPV6_TCLASS) {
    out.tos = static_cast<std::uint8_t>(load<int>(message));
  } else if (message->cmsg_level == IPPROTO_UDP && message->cmsg_type == UDP_GRO) {
    out.segment_size = static_cast<std::size_t>(std::max(0, load<int>(message)));
  }
}

}  // namespace

socklen_t to_socket_address(const Endpoint& endpoint, std::uint32_t scope, SocketAddress& out) {
  const ByteView bytes = endpoint.ip.bytes();
  if (endpoint.ip.is_v4()) {
    out.v4 = {};
    out.v4.sin_family = AF_INET;
    out.v4.sin_port = htons(endpoint.port);
    std::memcpy(&out.v4.sin_addr, bytes.data(), bytes.size());
    return sizeof out.v4;
  }
  if (!endpoint.ip.is_v6()) return 0;
  out.v6 = {};
  out.v6.sin6_family = AF_INET6;
  out.v6.sin6_port = htons(endpoint.port);
  out.v6.sin6_scope_id = scope;
  std::memcpy(&out.v6.sin6_addr, bytes.data(), bytes.size());
  return sizeof out.v6;
}

Endpoint from_socket_address(const SocketAddress& address) {
  if (address.any.sa_family == AF_INET)
    return {to_ip(address.v4.sin_addr), ntohs(address.v4.sin_port)};
  if (address.any.sa_family == AF_INET6)
    return {to_ip(address.v6.sin6_addr), ntohs(address.v6.sin6_port)};
  return {};
}

PacketInfo read_packet_info(const msghdr& header) {
  PacketInfo out;
  // The macro wants a mutable header, but only reads it.
  auto* mutable_header = const_cast<msghdr*>(&header);
  for (cmsghdr* message = CMSG_FIRSTHDR(&header); message != nullptr;
       message = CMSG_NXTHDR(mutable_header, message))
    take(message, out);
  return out;
}

void write_packet_info(msghdr& header, ControlBuffer& control, Family family,
                       const IpAddress& source, std::uint32_t ifindex) {
  header.msg_control = nullptr;
  header.msg_controllen = 0;
  if (!source && ifindex == 0) return;
  const ByteView bytes = source.bytes();
  if (family == Family::v4) {
    in_pktinfo info{};
    info.ipi_ifindex = static_cast<int>(ifindex);
    if (source.is_v4()) std::memcpy(&info.ipi_spec_dst, bytes.data(), bytes.size());
    append(header, control, IPPROTO_IP, IP_PKTINFO, info);
  } else {
    in6_pktinfo info{};
    info.ipi6_ifindex = ifindex;
    if (source.is_v6()) std::memcpy(&info.ipi6_addr, bytes.data(), bytes.size());
    append(header, control, IPPROTO_IPV6, IPV6_PKTINFO, info);
  }
}

void append_tos(msghdr& header, ControlBuffer& control, Family family, std::uint8_t tos) {
  if (family == Family::v4)
    append(header, control, IPPROTO_IP, IP_TOS, int{tos});
  else
    append(header, control, IPPROTO_IPV6, IPV6_TCLASS, int{tos});
}

void append_segment_size(msghdr& header, ControlBuffer& control, std::size_t size) {
  append(header, control, IPPROTO_UDP, UDP_SEGMENT, static_cast<std::uint16_t>(size));
}

}  // namespace meshnode::io
