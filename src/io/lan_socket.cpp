#include "io/lan_socket.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "io/socket_address.h"
#include "io/socket_options.h"

namespace meshnode::io {
namespace {

// 0 or the errno.
int open_family(Family family, std::uint16_t port, UniqueFd& fd) {
  if (const int error = make_udp(family, fd); error != 0) return error;
  const bool ready =
      set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1) &&
      (family == Family::v4 ? set_option(fd.get(), SOL_SOCKET, SO_BROADCAST, 1)
                            : set_option(fd.get(), IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1));
  return ready ? bind_wildcard(fd.get(), family, port) : errno;
}

// `ifindex` may be an interface that does not exist; false with errno set.
bool change_membership(int fd, int option, std::uint32_t ifindex) {
  ipv6_mreq request{};
  const ByteView group = LanSocket::group().bytes();
  std::memcpy(&request.ipv6mr_multiaddr, group.data(), group.size());
  request.ipv6mr_interface = ifindex;
  return setsockopt(fd, IPPROTO_IPV6, option, &request, sizeof request) == 0;
}

bool send_through(int fd, std::uint32_t ifindex, const IpAddress& source, const Endpoint& to,
                  ByteView data) {
  if (fd < 0) return false;
  SocketAddress address{};
  ControlBuffer control{};
  // sendmsg does not write to the data.
  iovec piece{const_cast<std::uint8_t*>(data.data()), data.size()};
  msghdr header{};
  header.msg_namelen = to_socket_address(to, ifindex, address);
  header.msg_name = &address;
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  write_packet_info(header, control, to.ip.family(), source, ifindex);
  return sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) == static_cast<ssize_t>(data.size());
}

// A pending error or a datagram that does not fit is passed over, a few times at most: the rest
// comes with the next wake-up.
bool receive_one(int fd, LanDatagram& slot) {
  constexpr int kAttempts = 8;
  for (int attempt = 0; fd >= 0 && attempt < kAttempts; ++attempt) {
    SocketAddress address{};
    ControlBuffer control{};
    iovec piece{slot.buffer.data(), slot.buffer.size()};
    msghdr header{};
    header.msg_name = &address;
    header.msg_namelen = sizeof address;
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    header.msg_control = control.bytes.data();
    header.msg_controllen = control.bytes.size();
    const ssize_t size = recvmsg(fd, &header, MSG_DONTWAIT);
    if (size < 0 && errno == EAGAIN) return false;
    if (size < 0 || (header.msg_flags & MSG_TRUNC) != 0) continue;
    const PacketInfo info = read_packet_info(header);
    slot.data = ByteView(slot.buffer).first(static_cast<std::size_t>(size));
    slot.source = from_socket_address(address);
    slot.destination = info.destination;
    slot.ifindex = info.ifindex;
    return true;
  }
  return false;
}

}  // namespace

Result<LanSocket> LanSocket::open(std::uint16_t port) {
  UniqueFd v4;
  const int v4_error = open_family(Family::v4, port, v4);
  // Port 0 (tests) means one free port for both families.
  std::uint16_t bound = v4_error == 0 ? bound_port(v4.get()) : port;
  UniqueFd v6;
  const int v6_error = open_family(Family::v6, bound, v6);
  if (v4_error != 0 && v6_error != 0)
    return Error::world("LAN discovery cannot use UDP port " + std::to_string(port) + ": " +
                        system_text(v4_error) + " (IPv4), " + system_text(v6_error) + " (IPv6)");
  if (v4_error != 0) v4.reset();
  if (v6_error != 0) v6.reset();
  if (bound == 0) bound = bound_port(v6.get());
  return LanSocket(std::move(v4), std::move(v6), bound);
}

LanSocket::LanSocket(UniqueFd v4, UniqueFd v6, std::uint16_t port)
    : v4_(std::move(v4)), v6_(std::move(v6)), port_(port) {}

const IpAddress& LanSocket::group() {
  static const IpAddress address =
      IpAddress::v6({0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x6d, 0x65, 0x73, 0x68});
  return address;
}

void LanSocket::update(const Interfaces& interfaces) {
  if (!v6_) return;
  std::set<std::uint32_t> wanted;
  for (const Interface& interface : interfaces)
    if (interface.is_lan()) wanted.insert(interface.index);
  const std::set<std::uint32_t> before = std::exchange(joined_, {});
  for (const std::uint32_t ifindex : before)
    if (!wanted.contains(ifindex)) leave(ifindex);
  for (const std::uint32_t ifindex : wanted)
    if (join(ifindex)) joined_.insert(ifindex);
}

// True if we are a member now. Joining again is harmless, and repairs what failed the last time.
bool LanSocket::join(std::uint32_t ifindex) {
  return change_membership(v6_.get(), IPV6_JOIN_GROUP, ifindex) || errno == EADDRINUSE;
}

// Frees the socket's own entry also where the interface is gone.
void LanSocket::leave(std::uint32_t ifindex) {
  change_membership(v6_.get(), IPV6_LEAVE_GROUP, ifindex);
}

bool LanSocket::send_v4(std::uint32_t ifindex, const IpAddress& source, const IpAddress& broadcast,
                        ByteView data) {
  return send_through(v4_.get(), ifindex, source, {broadcast, port_}, data);
}

bool LanSocket::send_v6(std::uint32_t ifindex, const IpAddress& link_local_source, ByteView data) {
  return send_through(v6_.get(), ifindex, link_local_source, {group(), port_}, data);
}

std::size_t LanSocket::receive(std::span<LanDatagram> slots) {
  std::size_t filled = 0;
  for (bool more = true; more && filled < slots.size();) {
    more = false;
    for (const int fd : {v4_.get(), v6_.get()}) {
      if (filled == slots.size() || !receive_one(fd, slots[filled])) continue;
      ++filled;
      more = true;
    }
  }
  return filled;
}

}  // namespace meshnode::io
