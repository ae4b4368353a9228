// The shared UDP port: one socket per family on the same number.
#pragma once

#include <optional>
#include <string>

#include "base/random.h"
#include "base/result.h"
#include "io/udp_socket.h"
#include "node/config.h"

namespace meshnode::node {

struct PortSockets {
  std::optional<io::UdpSocket> v4;
  std::optional<io::UdpSocket> v6;
  std::uint16_t port = 0;
  std::string notice;  // a sentence, if the remembered port could not be had
};

// Of both families: there where it is there for both.
Rung of_both(const PortSockets& sockets, Rung io::UdpOffloads::*rung);

// The sockets that an earlier worker kept, one of them at least, on one port.
PortSockets adopt_port(io::UniqueFd v4, io::UniqueFd v6, const DataPlane& data_plane);

// `wanted` was given on the command line: busy is an error. `remembered` is replaced when it is
// busy. Else a free random port below the range that the system hands out to others, so that it is
// likely to be free next time too.
Result<PortSockets> open_port(std::optional<std::uint16_t> wanted,
                              std::optional<std::uint16_t> remembered, const DataPlane& data_plane,
                              Random& random);

}  // namespace meshnode::node
