#include "io/send_datagram.h"

#include <array>
#include <cerrno>
#include <cstring>

#include "io/socket_address.h"

namespace meshnode::io {

namespace {

int send(int fd, const msghdr& header) {
  while (::sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
    if (errno != EINTR) return errno;
  return 0;
}

}  // namespace

int send_datagram(int fd, const Path& path, ByteView datagram) {
  SocketAddress address{};
  ControlBuffer control{};
  iovec piece{const_cast<std::uint8_t*>(datagram.data()), datagram.size()};
  msghdr header{};
  header.msg_namelen = to_socket_address(path.remote, path.scope, address);
  header.msg_name = &address;
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  write_packet_info(header, control, path.remote.ip.family(), path.local, path.scope);
  return send(fd, header);
}

int send_short_lived(int fd, const Path& path, ByteView datagram, int time_to_live) {
  if (!path.remote.ip.is_v4()) return EAFNOSUPPORT;
  SocketAddress address{};
  alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(int))> control{};
  iovec piece{const_cast<std::uint8_t*>(datagram.data()), datagram.size()};
  msghdr header{};
  header.msg_namelen = to_socket_address(path.remote, path.scope, address);
  header.msg_name = &address;
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  cmsghdr* const message = CMSG_FIRSTHDR(&header);
  message->cmsg_level = IPPROTO_IP;
  message->cmsg_type = IP_TTL;
  message->cmsg_len = CMSG_LEN(sizeof time_to_live);
  std::memcpy(CMSG_DATA(message), &time_to_live, sizeof time_to_live);
  return send(fd, header);
}

}  // namespace meshnode::io
