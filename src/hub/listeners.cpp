#include "hub/listeners.h"

#include <array>
#include <cerrno>

#include "io/send_datagram.h"
#include "io/socket_address.h"
#include "io/socket_options.h"

namespace meshnode::hub {
namespace {

// Nothing longer is a STUN or DHT message; it would be cut and dropped.
constexpr std::size_t kLargest = 2048;
constexpr int kBufferBytes = 1 << 20;

// 0 or the errno.
int open_one(const Endpoint& at, io::UniqueFd& out) {
  if (const int error = io::make_udp(at.ip.family(), out); error != 0) return error;
  io::set_fragments(out.get(), at.ip.family(), io::Fragments::allowed);
  io::set_option(out.get(), SOL_SOCKET, SO_RCVBUF, kBufferBytes);
  io::set_option(out.get(), SOL_SOCKET, SO_SNDBUF, kBufferBytes);
  io::SocketAddress address{};
  const socklen_t size = io::to_socket_address(at, 0, address);
  return ::bind(out.get(), &address.any, size) == 0 ? 0 : errno;
}

bool no_family(int error) {
  return error == EAFNOSUPPORT || error == EADDRNOTAVAIL;
}

Error failure(const Endpoint& at, int error) {
  const std::string name = "UDP " + at.to_string();
  switch (error) {
    case EADDRINUSE:
      return Error::world(name + " is in use by another program: choose another with --port");
    case EADDRNOTAVAIL:
      return Error::world(at.ip.to_string() + " is no address of this machine");
    case EACCES:
    case EPERM:
      return Error::world(name + " needs root or CAP_NET_BIND_SERVICE; ports above 1023 do not");
    default:
      return Error::world("cannot open " + name + ": " + io::system_text(error));
  }
}

std::vector<IpAddress> wildcards() {
  return {IpAddress::v4({}), IpAddress::v6({})};
}

}  // namespace

Result<Listeners> Listeners::open(const std::vector<IpAddress>& addresses, std::uint16_t port,
                                  std::uint16_t other_port) {
  Listeners out;
  for (const auto& [number, service] :
       {std::pair(port, Service::all), std::pair(other_port, Service::stun_only)}) {
    for (const IpAddress& ip : addresses.empty() ? wildcards() : addresses) {
      Listener listener{{}, {ip, number}, service};
      const int error = open_one(listener.bound, listener.fd);
      if (error != 0 && addresses.empty() && no_family(error)) continue;
      if (error != 0) return failure(listener.bound, error);
      out.listeners_.push_back(std::move(listener));
    }
  }
  if (out.listeners_.empty()) return Error::world("this machine has neither IPv4 nor IPv6");
  return out;
}

bool Listeners::speaks(Family family) const {
  for (const Listener& listener : listeners_)
    if (listener.bound.ip.family() == family) return true;
  return false;
}

int Listeners::send(const Path& path, ByteView datagram, Service service) const {
  // The socket of that very address, else a wildcard one, else any of the family.
  const Listener* best = nullptr;
  for (const Listener& listener : listeners_) {
    if (listener.service != service || listener.bound.ip.family() != path.remote.ip.family())
      continue;
    if (best == nullptr || listener.bound.ip == path.local) best = &listener;
  }
  if (best == nullptr) return EAFNOSUPPORT;
  const bool wildcard = best->bound.ip.is_unspecified();
  Path way = path;
  way.local = wildcard ? path.local : best->bound.ip;
  return io::send_datagram(best->fd.get(), way, datagram);
}

void Listeners::receive(const Listener& listener, int most, const Take& take) {
  std::array<std::uint8_t, kLargest> buffer;
  for (int i = 0; i < most; ++i) {
    io::SocketAddress address{};
    io::ControlBuffer control{};
    iovec piece{buffer.data(), buffer.size()};
    msghdr header{};
    header.msg_name = &address;
    header.msg_namelen = sizeof address;
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    header.msg_control = control.bytes.data();
    header.msg_controllen = control.bytes.size();
    const ssize_t size = ::recvmsg(listener.fd.get(), &header, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    // An error that waited in front (a late ICMP answer) is taken off by having been told.
    if (size <= 0 || (header.msg_flags & MSG_TRUNC) != 0) continue;
    const io::PacketInfo info = io::read_packet_info(header);
    Path path;
    path.remote = io::from_socket_address(address);
    path.local = info.local;
    path.scope = path.remote.ip.is_link_local() ? info.ifindex : 0;
    if (path.remote.ip && path.remote.port != 0)
      take(path, {buffer.data(), static_cast<std::size_t>(size)});
  }
}

}  // namespace meshnode::hub
