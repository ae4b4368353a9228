#include "dht_child/opendht_socket.h"

#include <cerrno>

namespace meshnode::dht_child {

::dht::SockAddr to_opendht(const Endpoint& endpoint) {
  ::dht::SockAddr out;
  if (endpoint.ip.is_v4()) {
    out.setFamily(AF_INET);
    std::memcpy(&out.getIPv4().sin_addr, endpoint.ip.bytes().data(), 4);
  } else if (endpoint.ip.is_v6()) {
    out.setFamily(AF_INET6);
    std::memcpy(&out.getIPv6().sin6_addr, endpoint.ip.bytes().data(), 16);
  }
  out.setPort(endpoint.port);
  return out;
}

Endpoint from_opendht(const ::dht::SockAddr& address) {
  Endpoint out;
  if (address.getFamily() == AF_INET) {
    Block<4> bytes;
    std::memcpy(bytes.data(), &address.getIPv4().sin_addr, bytes.size());
    out.ip = IpAddress::v4(bytes);
  } else if (address.getFamily() == AF_INET6) {
    Block<16> bytes;
    std::memcpy(bytes.data(), &address.getIPv6().sin6_addr, bytes.size());
    out.ip = IpAddress::v6(bytes);
  }
  if (out.ip) out.port = address.getPort();
  return out;
}

OpenDhtSocket::OpenDhtSocket(Send send) : send_(std::move(send)) {
  bound4_.setFamily(AF_INET);
  bound6_.setFamily(AF_INET6);
}

void OpenDhtSocket::deliver(const Endpoint& from, ByteView datagram) {
  auto packets = getNewPacket();
  auto& packet = packets.front();
  packet.data.assign(datagram.begin(), datagram.end());
  packet.from = to_opendht(from);
  packet.received = ::dht::clock::now();
  onReceived(std::move(packets));
}

// What OpenDHT makes of it: EAGAIN does not count as a try, the others forget the node at once.
int OpenDhtSocket::sendTo(const ::dht::SockAddr& to, const std::uint8_t* data, std::size_t size,
                          bool /*replied*/) {
  switch (send_(from_opendht(to), {data, size})) {
    case dht::Sent::sent:
      return 0;
    case dht::Sent::again:
      return EAGAIN;
    case dht::Sent::unreachable:
      return EHOSTUNREACH;
    case dht::Sent::no_family:
      return EAFNOSUPPORT;
  }
  return EHOSTUNREACH;
}

const ::dht::SockAddr& OpenDhtSocket::getBoundRef(sa_family_t family) const {
  return family == AF_INET6 ? bound6_ : bound4_;
}

}  // namespace meshnode::dht_child
