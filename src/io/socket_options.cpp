#include "io/socket_options.h"

#include <cerrno>
#include <system_error>

#include "io/socket_address.h"

namespace meshnode::io {

std::string system_text(int error) {
  return std::system_category().message(error);
}

bool set_option(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

int make_udp(Family family, UniqueFd& out) {
  const bool v6 = family == Family::v6;
  out = UniqueFd(socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!out) return errno;
  const bool ready = v6 ? set_option(out.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1) &&
                              set_option(out.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
                        : set_option(out.get(), IPPROTO_IP, IP_PKTINFO, 1);
  return ready ? 0 : errno;
}

bool set_fragments(int fd, Family family, Fragments fragments) {
  const bool allowed = fragments == Fragments::allowed;
  if (family == Family::v4)
    return set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER,
                      allowed ? IP_PMTUDISC_OMIT : IP_PMTUDISC_PROBE);
  return set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER,
                    allowed ? IPV6_PMTUDISC_DONT : IPV6_PMTUDISC_PROBE);
}

int bind_wildcard(int fd, Family family, std::uint16_t port) {
  const IpAddress any = family == Family::v6 ? IpAddress::v6({}) : IpAddress::v4({});
  SocketAddress address{};
  const socklen_t size = to_socket_address({any, port}, 0, address);
  return bind(fd, &address.any, size) == 0 ? 0 : errno;
}

std::uint16_t bound_port(int fd) {
  SocketAddress address{};
  socklen_t size = sizeof address;
  if (getsockname(fd, &address.any, &size) != 0) return 0;
  return from_socket_address(address).port;
}

}  // namespace meshnode::io
