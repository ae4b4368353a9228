#include "tun/overlap.h"

#include <array>
#include <optional>

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/route/nexthop.h>
#include <sys/socket.h>

namespace meshnode::tun {
namespace {

constexpr int kShortestNetwork = 8;

struct OnLink {
  Cidr prefix;
  int ifindex = 0;
};

bool overlap(const Cidr& a, const Cidr& b) {
  return a.prefix <= b.prefix ? a.contains(b.ip) : b.contains(a.ip);
}

OnLink on_link(rtnl_addr& address) {
  return {to_cidr(rtnl_addr_get_local(&address), rtnl_addr_get_prefixlen(&address)),
          rtnl_addr_get_ifindex(&address)};
}

// None for routes through a gateway, and for those that are not in the main table.
OnLink on_link(rtnl_route& route) {
  if (rtnl_route_get_table(&route) != RT_TABLE_MAIN || rtnl_route_get_type(&route) != RTN_UNICAST ||
      rtnl_route_get_nnexthops(&route) != 1)
    return {};
  rtnl_nexthop* hop = rtnl_route_nexthop_n(&route, 0);
  if (rtnl_route_nh_get_gateway(hop) != nullptr || rtnl_route_nh_get_via(hop) != nullptr) return {};
  const nl_addr* destination = rtnl_route_get_dst(&route);
  if (destination == nullptr) return {};
  return {to_cidr(destination, static_cast<int>(nl_addr_get_prefixlen(destination))),
          rtnl_route_nh_get_ifindex(hop)};
}

// Looks through one kind of netlink object.
template <typename T>
std::optional<OnLink> find_conflict(const Netlink<nl_cache>& cache, int own_index,
                                    const Cidr& wanted) {
  std::optional<OnLink> found;
  for_each<T>(cache, [&](T& object) {
    const OnLink other = on_link(object);
    if (other.ifindex == own_index || !other.prefix.ip.is_v4()) return;
    if (other.prefix.prefix >= kShortestNetwork && overlap(other.prefix, wanted)) found = other;
  });
  return found;
}

Error conflict_error(const Cidr& wanted, const OnLink& other) {
  std::array<char, IF_NAMESIZE> name{};
  const bool known = if_indextoname(static_cast<unsigned>(other.ifindex), name.data()) != nullptr;
  return Error::world("address " + wanted.to_string() + " overlaps " + other.prefix.to_string() +
                      " on interface " + (known ? name.data() : std::to_string(other.ifindex)) +
                      ": choose another range");
}

}  // namespace

Status check_overlap(nl_sock* socket, int own_index, const Cidr& wanted) {
  nl_cache* raw = nullptr;
  if (const int error = rtnl_addr_alloc_cache(socket, &raw); error < 0)
    return netlink_error("list addresses", error);
  if (const auto found = find_conflict<rtnl_addr>(own(raw), own_index, wanted))
    return conflict_error(wanted, *found);
  if (const int error = rtnl_route_alloc_cache(socket, AF_INET, 0, &raw); error < 0)
    return netlink_error("list routes", error);
  if (const auto found = find_conflict<rtnl_route>(own(raw), own_index, wanted))
    return conflict_error(wanted, *found);
  return success();
}

}  // namespace meshnode::tun
