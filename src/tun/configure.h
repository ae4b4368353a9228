// Gives a TUN interface its MTU, mark, addresses and routes. The kernel adds the on-link route of
// each address's prefix (the network's /48, the IPv4 subnet) by itself, and takes everything away
// again when the device closes.
//
// IPv6 may be forbidden on a machine (kernel switch, sysctl, container): then the interface works
// with IPv4 alone, and the result says why.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/endpoint.h"
#include "base/result.h"

namespace meshnode::tun {

// An interface whose alias begins with "meshnode" is an overlay, of whichever network: io's
// interface monitor reports it, and nobody uses it as an underlay.
inline constexpr const char* kOverlayAlias = "meshnode overlay";

struct Settings {
  std::string name = {};
  std::uint32_t mtu = 1420;
  std::uint32_t tx_queue_length = 250;  // super-frames; long queues are latency under load
  std::vector<Cidr> addresses = {};     // with the prefix that is on the mesh, e.g. /48, /24
  // By an earlier process of ours: what other addresses it has are not wanted any more.
  bool passed_on = false;
};

struct ConfigureResult {
  bool ipv6 = false;        // IPv6 was wanted, and every IPv6 address is set
  std::string why_no_ipv6;  // a sentence, when IPv6 was wanted and is not there
};

// Needs CAP_NET_ADMIN. Errors name the interface and the cause; afterwards the interface may be
// half configured: close the device.
//
// An IPv4 prefix that overlaps one that is on-link at another interface is an error naming both:
// the mesh would take a part of that network away, or the other way round.
Result<ConfigureResult> configure(const Settings& settings);

}  // namespace meshnode::tun
