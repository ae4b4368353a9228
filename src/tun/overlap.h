// Does an IPv4 prefix collide with a network that the machine is already on? Inside tun/ only.
#pragma once

#include "base/endpoint.h"
#include "base/result.h"
#include "tun/netlink.h"

namespace meshnode::tun {

// An error naming the other prefix and its interface, if `wanted` overlaps an address's prefix or
// an on-link route (no gateway, main table) of an interface other than `own_index`. Prefixes
// shorter than /8 do not count: they are ways to say "default route".
Status check_overlap(nl_sock* socket, int own_index, const Cidr& wanted);

}  // namespace meshnode::tun
