#include "io/socket_address.h"

#include <cstring>

#include <arpa/inet.h>

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

template <typename T>
void append(msghdr& header, ControlBuffer& control, int level, int type, const T& value) {
  static_assert(CMSG_SPACE(sizeof(T)) <= sizeof(ControlBuffer));
  header.msg_control = control.bytes.data();
  header.msg_controllen = CMSG_SPACE(sizeof value);
  cmsghdr* message = CMSG_FIRSTHDR(&header);
  message->cmsg_level = level;
  message->cmsg_type = type;
  message->cmsg_len = CMSG_LEN(sizeof value);
  std::memcpy(CMSG_DATA(message), &value, sizeof value);
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
  // The macro wants a mutable header, but only reads it.
  auto* mutable_header = const_cast<msghdr*>(&header);
  for (cmsghdr* message = CMSG_FIRSTHDR(&header); message != nullptr;
       message = CMSG_NXTHDR(mutable_header, message)) {
    if (message->cmsg_level == IPPROTO_IP && message->cmsg_type == IP_PKTINFO) {
      const auto info = load<in_pktinfo>(message);
      return {to_ip(info.ipi_addr), to_ip(info.ipi_spec_dst),
              static_cast<std::uint32_t>(info.ipi_ifindex)};
    }
    if (message->cmsg_level == IPPROTO_IPV6 && message->cmsg_type == IPV6_PKTINFO) {
      const auto info = load<in6_pktinfo>(message);
      const IpAddress destination = to_ip(info.ipi6_addr);
      return {destination, destination.is_multicast() ? IpAddress() : destination,
              info.ipi6_ifindex};
    }
  }
  return {};
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

}  // namespace meshnode::io
