// What the machine's network looks like, as a plain snapshot: io/netlink makes it, the core reads
// it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/endpoint.h"

namespace meshnode {

struct Interface {
  std::uint32_t index = 0;
  std::string name;
  bool up = false;         // administratively up and carrier present
  bool broadcast = false;  // has a broadcast domain (an Ethernet-like LAN)
  bool loopback = false;
  bool overlay = false;  // a mesh interface, ours or another network's: never an underlay
  std::vector<Cidr> addresses;
  // Private destinations behind routers that this interface leads to, other than by default.
  std::vector<Cidr> routes;

  // A link where members may be found by broadcast: an Ethernet-like LAN that is no mesh itself.
  bool is_lan() const { return up && broadcast && !loopback && !overlay; }
  bool operator==(const Interface&) const = default;
};

using Interfaces = std::vector<Interface>;

}  // namespace meshnode
