// Opening and configuring a UdpSocket.
#include <cerrno>

#include <fcntl.h>
#include <netinet/udp.h>

#include "io/socket_options.h"
#include "io/udp_impl.h"

namespace meshnode::io {
namespace {

// Best effort: FORCE passes the system-wide limit, but needs CAP_NET_ADMIN.
void enlarge_buffers(int fd, std::size_t bytes) {
  const int size = static_cast<int>(std::min<std::size_t>(bytes, std::size_t{1} << 30));
  if (!set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, size))
    set_option(fd, SOL_SOCKET, SO_RCVBUF, size);
  if (!set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, size))
    set_option(fd, SOL_SOCKET, SO_SNDBUF, size);
}

// Linux 4.18; older kernels know no such option.
Rung probe_gso(int fd) {
  int size = 0;
  socklen_t length = sizeof size;
  if (getsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, &length) == 0) return Rung::on();
  return Rung::off("the kernel has no UDP_SEGMENT: " + system_text(errno));
}

// Linux 5.0.
Rung enable_gro(int fd) {
  if (set_option(fd, IPPROTO_UDP, UDP_GRO, 1)) return Rung::on();
  return Rung::off("the kernel has no UDP_GRO: " + system_text(errno));
}

UdpOffloads climb(int fd, const UdpOptions& options) {
  UdpOffloads out;
  out.gso = options.gso ? probe_gso(fd) : Rung::off(kSwitchedOff);
  out.gro = options.gro ? enable_gro(fd) : Rung::off(kSwitchedOff);
  if (!options.gro) set_option(fd, IPPROTO_UDP, UDP_GRO, 0);  // an adopted one may have it
  out.batches = Rung::on();  // until a call says otherwise
  return out;
}

// A courtesy of the kernel: without it every datagram counts as unmarked.
void ask_for_tos(int fd, Family family) {
  if (family == Family::v4)
    set_option(fd, IPPROTO_IP, IP_RECVTOS, 1);
  else
    set_option(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
}

UdpOpenError open_error(int error) {
  switch (error) {
    case EADDRINUSE:
      return UdpOpenError::port_busy;
    case EACCES:
    case EPERM:
      return UdpOpenError::forbidden;
    case EAFNOSUPPORT:
    case EADDRNOTAVAIL:
      return UdpOpenError::no_family;
    default:
      return UdpOpenError::other;
  }
}

Error open_failure(Family family, std::uint16_t port, int error) {
  const std::string name =
      "UDP port " + std::to_string(port) + (family == Family::v6 ? " (IPv6)" : " (IPv4)");
  switch (open_error(error)) {
    case UdpOpenError::port_busy:
      return Error::world(name + " is in use by another program");
    case UdpOpenError::forbidden:
      return Error::world(name + " needs root or CAP_NET_BIND_SERVICE; ports above 1023 do not");
    case UdpOpenError::no_family:
      return Error::world(std::string("this machine has no ") +
                          (family == Family::v6 ? "IPv6" : "IPv4"));
    default:
      return Error::world("cannot open " + name + ": " + system_text(error));
  }
}

// 0 or the errno of the first step that failed.
int prepare(UniqueFd& fd, Family family, const UdpOptions& options) {
  if (const int error = make_udp(family, fd); error != 0) return error;
  if (!set_fragments(fd.get(), family, Fragments::forbidden)) return errno;  // invariant 3
  enlarge_buffers(fd.get(), options.buffer_bytes);
  ask_for_tos(fd.get(), family);
  return bind_wildcard(fd.get(), family, options.port);
}

}  // namespace

Result<UdpSocket> UdpSocket::open(Family family, const UdpOptions& options, UdpOpenError* why) {
  UniqueFd fd;
  const int error = prepare(fd, family, options);
  if (why != nullptr) *why = error == 0 ? UdpOpenError::none : open_error(error);
  if (error != 0) return open_failure(family, options.port, error);
  return adopt(family, std::move(fd), options);
}

UdpSocket UdpSocket::adopt(Family family, UniqueFd fd, const UdpOptions& options) {
  auto impl = std::make_unique<Impl>();
  impl->family = family;
  impl->port = bound_port(fd.get());
  impl->marked = options.mark != 0 &&
                 set_option(fd.get(), SOL_SOCKET, SO_MARK, static_cast<int>(options.mark));
  impl->offloads = climb(fd.get(), options);
  impl->fd = std::move(fd);
  return UdpSocket(std::move(impl));
}

Result<UdpSocket> UdpSocket::twin() const {
  UniqueFd fd(fcntl(impl_->fd.get(), F_DUPFD_CLOEXEC, 0));
  if (!fd) return Error::world("cannot share a UDP socket between threads: " + system_text(errno));
  auto impl = std::make_unique<Impl>();
  impl->family = impl_->family;
  impl->port = impl_->port;
  impl->marked = impl_->marked;
  impl->offloads = impl_->offloads;
  impl->fd = std::move(fd);
  return UdpSocket(std::move(impl));
}

UdpSocket::UdpSocket(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
UdpSocket::UdpSocket(UdpSocket&&) noexcept = default;
UdpSocket& UdpSocket::operator=(UdpSocket&&) noexcept = default;
UdpSocket::~UdpSocket() = default;

const UdpOffloads& UdpSocket::offloads() const {
  return impl_->offloads;
}
int UdpSocket::fd() const {
  return impl_->fd.get();
}
Family UdpSocket::family() const {
  return impl_->family;
}
std::uint16_t UdpSocket::port() const {
  return impl_->port;
}
bool UdpSocket::marked() const {
  return impl_->marked;
}
std::uint64_t UdpSocket::truncated() const {
  return impl_->truncated;
}
std::uint64_t UdpSocket::receive_errors() const {
  return impl_->receive_errors;
}

}  // namespace meshnode::io
