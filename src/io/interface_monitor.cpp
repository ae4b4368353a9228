#include "io/interface_monitor.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <memory>
#include <string_view>
#include <utility>

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netlink/cache.h>
#include <netlink/errno.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <netlink/socket.h>
#include <sys/socket.h>

#include "io/socket_options.h"

namespace meshnode::io {
namespace {

struct Free {
  void operator()(nl_sock* socket) const { nl_socket_free(socket); }
  void operator()(nl_cache* cache) const { nl_cache_free(cache); }
};
using Socket = std::unique_ptr<nl_sock, Free>;
using Cache = std::unique_ptr<nl_cache, Free>;

template <typename T, typename Function>
void for_each(const Cache& cache, Function function) {
  for (nl_object* object = nl_cache_get_first(cache.get()); object != nullptr;
       object = nl_cache_get_next(object))
    function(*reinterpret_cast<T*>(object));
}

// A wireless link waiting for its key exchange has carrier, but is dormant.
bool is_up(rtnl_link& link) {
  const unsigned flags = rtnl_link_get_flags(&link);
  return (flags & IFF_UP) != 0 && (flags & IFF_LOWER_UP) != 0 && (flags & IFF_DORMANT) == 0;
}

Interface describe(rtnl_link& link) {
  const unsigned flags = rtnl_link_get_flags(&link);
  const char* name = rtnl_link_get_name(&link);
  const char* alias = rtnl_link_get_ifalias(&link);
  Interface out;
  out.index = static_cast<std::uint32_t>(rtnl_link_get_ifindex(&link));
  out.name = name != nullptr ? name : "";
  out.up = is_up(link);
  out.broadcast = (flags & IFF_BROADCAST) != 0 && (flags & IFF_POINTOPOINT) == 0;
  out.loopback = (flags & IFF_LOOPBACK) != 0;
  out.overlay = alias != nullptr && std::string_view(alias).starts_with("meshnode");
  return out;
}

// Nothing for an address that cannot be used (yet).
Cidr describe(rtnl_addr& address) {
  const nl_addr* local = rtnl_addr_get_local(&address);
  constexpr unsigned kUnusable = IFA_F_TENTATIVE | IFA_F_DADFAILED;
  if (local == nullptr || (rtnl_addr_get_flags(&address) & kUnusable) != 0) return {};
  const auto* bytes = static_cast<const std::uint8_t*>(nl_addr_get_binary_addr(local));
  return {IpAddress::from_bytes({bytes, nl_addr_get_len(local)}),
          static_cast<std::uint8_t>(rtnl_addr_get_prefixlen(&address))};
}

constexpr std::size_t kMaxRoutes = 64;  // per interface

// A private network behind a router; nothing for any other route.
Cidr describe(rtnl_route& route) {
  nl_addr* to = rtnl_route_get_dst(&route);
  const bool ordinary = rtnl_route_get_type(&route) == RTN_UNICAST &&
                        rtnl_route_get_table(&route) == RT_TABLE_MAIN &&
                        rtnl_route_get_nnexthops(&route) > 0;
  if (!ordinary || to == nullptr || nl_addr_get_prefixlen(to) == 0) return {};
  const auto* bytes = static_cast<const std::uint8_t*>(nl_addr_get_binary_addr(to));
  const Cidr out{IpAddress::from_bytes({bytes, nl_addr_get_len(to)}),
                 static_cast<std::uint8_t>(nl_addr_get_prefixlen(to))};
  return out.ip.is_private() ? out : Cidr{};
}

// What is on-link is known by the addresses; here only what has a gateway.
std::uint32_t interface_behind_gateway(rtnl_route& route) {
  rtnl_nexthop* hop = rtnl_route_nexthop_n(&route, 0);
  if (hop == nullptr || rtnl_route_nh_get_gateway(hop) == nullptr) return 0;
  return static_cast<std::uint32_t>(rtnl_route_nh_get_ifindex(hop));
}

Error netlink_error(int error) {
  return Error::world(std::string("cannot read the list of network interfaces: ") +
                      nl_geterror(error));
}

}  // namespace

Result<InterfaceMonitor> InterfaceMonitor::open() {
  UniqueFd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
  if (!fd || bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    return Error::world("cannot watch the network interfaces: " + system_text(errno));
  return InterfaceMonitor(std::move(fd));
}

InterfaceMonitor::InterfaceMonitor(UniqueFd fd) : fd_(std::move(fd)) {}

// The answer of the kernel to a dump may be inconsistent when something changes meanwhile; libnl
// asks again then.
Result<Interfaces> InterfaceMonitor::list() const {
  const Socket socket(nl_socket_alloc());
  MESH_ASSERT(socket);
  if (const int error = nl_connect(socket.get(), NETLINK_ROUTE); error < 0)
    return netlink_error(error);
  nl_cache* links = nullptr;
  if (const int error = rtnl_link_alloc_cache(socket.get(), AF_UNSPEC, &links); error < 0)
    return netlink_error(error);
  const Cache link_cache(links);
  nl_cache* addresses = nullptr;
  if (const int error = rtnl_addr_alloc_cache(socket.get(), &addresses); error < 0)
    return netlink_error(error);
  const Cache address_cache(addresses);
  nl_cache* routes = nullptr;
  if (const int error = rtnl_route_alloc_cache(socket.get(), AF_UNSPEC, 0, &routes); error < 0)
    return netlink_error(error);
  const Cache route_cache(routes);

  std::map<std::uint32_t, Interface> by_index;
  for_each<rtnl_link>(link_cache, [&](rtnl_link& link) {
    Interface interface = describe(link);
    by_index[interface.index] = std::move(interface);
  });
  for_each<rtnl_addr>(address_cache, [&](rtnl_addr& address) {
    const auto owner = by_index.find(static_cast<std::uint32_t>(rtnl_addr_get_ifindex(&address)));
    const Cidr cidr = describe(address);
    if (cidr.ip && owner != by_index.end()) owner->second.addresses.push_back(cidr);
  });
  for_each<rtnl_route>(route_cache, [&](rtnl_route& route) {
    const Cidr to = describe(route);
    if (!to.ip) return;
    const auto owner = by_index.find(interface_behind_gateway(route));
    if (owner != by_index.end() && owner->second.routes.size() < kMaxRoutes)
      owner->second.routes.push_back(to);
  });
  Interfaces out;
  for (auto& [index, interface] : by_index) {
    std::sort(interface.addresses.begin(), interface.addresses.end());
    std::sort(interface.routes.begin(), interface.routes.end());
    out.push_back(std::move(interface));
  }
  return out;
}

bool InterfaceMonitor::drain() {
  std::array<char, 4096> ignored{};  // longer messages are cut off, which is fine
  bool changed = false;
  for (;;) {
    const ssize_t size = recv(fd_.get(), ignored.data(), ignored.size(), MSG_DONTWAIT);
    if (size < 0 && errno != ENOBUFS) return changed;  // ENOBUFS: messages were lost
    changed = true;
  }
}

}  // namespace meshnode::io
