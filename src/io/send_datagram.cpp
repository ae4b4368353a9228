#include "io/send_datagram.h"

#include <array>
#include <cerrno>
#include <cstring>

#include "io/socket_address.h"

namespace meshnode::io {

namespace {

// A header with an address and one piece of data. It points into itself: never copied.
struct OneDatagram {
  OneDatagram(const Path& path, ByteView datagram)
      : piece{const_cast<std::uint8_t*>(datagram.data()), datagram.size()} {
    header.msg_namelen = to_socket_address(path.remote, path.scope, address);
    header.msg_name = &address;
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
  }
  OneDatagram(const OneDatagram&) = delete;
  OneDatagram& operator=(const OneDatagram&) = delete;

  int send(int fd) const {
    while (::sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
      if (errno != EINTR) return errno;
    return 0;
  }

  SocketAddress address{};
  iovec piece;
  msghdr header{};
};

}  // namespace

int send_datagram(int fd, const Path& path, ByteView datagram, std::uint8_t tos) {
  OneDatagram out(path, datagram);
  ControlBuffer control{};
  const Family family = path.remote.ip.family();
  write_packet_info(out.header, control, family, path.local, path.scope);
  if (tos != 0) append_tos(out.header, control, family, tos);
  return out.send(fd);
}

int send_short_lived(int fd, const Path& path, ByteView datagram, int time_to_live) {
  if (!path.remote.ip.is_v4()) return EAFNOSUPPORT;
  OneDatagram out(path, datagram);
  alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(int))> control{};
  out.header.msg_control = control.data();
  out.header.msg_controllen = control.size();
  cmsghdr* const message = CMSG_FIRSTHDR(&out.header);
  message->cmsg_level = IPPROTO_IP;
  message->cmsg_type = IP_TTL;
  message->cmsg_len = CMSG_LEN(sizeof time_to_live);
  std::memcpy(CMSG_DATA(message), &time_to_live, sizeof time_to_live);
  return out.send(fd);
}

}  // namespace meshnode::io
