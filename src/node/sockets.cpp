#include "node/sockets.h"

namespace meshnode::node {
namespace {

constexpr std::uint32_t kFirstPort = 10000;
constexpr std::uint32_t kLastPort = 32767;  // Linux hands out 32768 and up
constexpr int kTries = 64;
// Marks our own underlay traffic, so that routing can keep it out of every mesh: "me".
constexpr std::uint32_t kMark = 0x6d65;

struct Attempt {
  std::optional<PortSockets> sockets;
  io::UdpOpenError why = io::UdpOpenError::none;
  Error error{};
};

io::UdpOptions options_for(std::uint16_t port, const DataPlane& data_plane) {
  io::UdpOptions out{.port = port, .mark = kMark};
  out.gso = data_plane.udp_gso;
  out.gro = data_plane.udp_gro;
  return out;
}

// Both families, or the one that this machine has.
Attempt try_port(std::uint16_t port, const DataPlane& data_plane) {
  Attempt out;
  PortSockets sockets;
  for (const Family family : {Family::v4, Family::v6}) {
    io::UdpOpenError why = io::UdpOpenError::none;
    auto socket = io::UdpSocket::open(family, options_for(port, data_plane), &why);
    if (socket) {
      (family == Family::v4 ? sockets.v4 : sockets.v6) = std::move(socket).value();
    } else {
      out.error = socket.error();
      if (why == io::UdpOpenError::no_family) continue;
      out.why = why;
      return out;
    }
  }
  if (!sockets.v4 && !sockets.v6) {
    out.why = io::UdpOpenError::no_family;
    return out;
  }
  sockets.port = port;
  out.sockets = std::move(sockets);
  return out;
}

Result<PortSockets> random_port(const DataPlane& data_plane, Random& random) {
  Error last = Error::world("no free UDP port found");
  for (int i = 0; i < kTries; ++i) {
    const auto port =
        static_cast<std::uint16_t>(kFirstPort + random.below(kLastPort - kFirstPort + 1));
    auto attempt = try_port(port, data_plane);
    if (attempt.sockets) return std::move(*attempt.sockets);
    last = attempt.error;
    if (attempt.why != io::UdpOpenError::port_busy) break;
  }
  return last;
}

}  // namespace

Rung of_both(const PortSockets& sockets, Rung io::UdpOffloads::*rung) {
  for (const auto* socket : {&sockets.v4, &sockets.v6})
    if (*socket && !((*socket)->offloads().*rung).active) return (*socket)->offloads().*rung;
  return Rung::on();
}

PortSockets adopt_port(io::UniqueFd v4, io::UniqueFd v6, const DataPlane& data_plane) {
  PortSockets out;
  const io::UdpOptions options = options_for(0, data_plane);
  if (v4) out.v4 = io::UdpSocket::adopt(Family::v4, std::move(v4), options);
  if (v6) out.v6 = io::UdpSocket::adopt(Family::v6, std::move(v6), options);
  out.port = out.v4 ? out.v4->port() : out.v6->port();
  return out;
}

Result<PortSockets> open_port(std::optional<std::uint16_t> wanted,
                              std::optional<std::uint16_t> remembered, const DataPlane& data_plane,
                              Random& random) {
  const auto first = wanted ? wanted : remembered;
  if (!first) return random_port(data_plane, random);
  auto attempt = try_port(*first, data_plane);
  if (attempt.sockets) return std::move(*attempt.sockets);
  if (wanted) return attempt.error;
  auto other = random_port(data_plane, random);
  if (other)
    other->notice = "the remembered UDP port " + std::to_string(*remembered) +
                    " is taken by another program, using " + std::to_string(other->port) +
                    " from now on";
  return other;
}

}  // namespace meshnode::node
