// Owning handles for libnl. Inside tun/ only.
#pragma once

#include <memory>
#include <string>

#include <netlink/cache.h>
#include <netlink/errno.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/route.h>
#include <netlink/socket.h>

#include "base/endpoint.h"
#include "base/result.h"

namespace meshnode::tun {

struct NetlinkFree {
  void operator()(nl_sock* socket) const { nl_socket_free(socket); }
  void operator()(nl_cache* cache) const { nl_cache_free(cache); }
  void operator()(nl_addr* address) const { nl_addr_put(address); }
  void operator()(rtnl_link* link) const { rtnl_link_put(link); }
  void operator()(rtnl_addr* address) const { rtnl_addr_put(address); }
};
template <typename T>
using Netlink = std::unique_ptr<T, NetlinkFree>;

// Aborts when libnl has no memory.
template <typename T>
Netlink<T> own(T* object) {
  MESH_ASSERT(object != nullptr);
  return Netlink<T>(object);
}

// "cannot <what>: <why>" from a (negative) libnl error.
Error netlink_error(const std::string& what, int error);

Result<Netlink<nl_sock>> connect_netlink();

// The none address for anything but IPv4 and IPv6.
Cidr to_cidr(const nl_addr* address, int prefix);

template <typename T, typename Function>
void for_each(const Netlink<nl_cache>& cache, Function function) {
  for (nl_object* object = nl_cache_get_first(cache.get()); object != nullptr;
       object = nl_cache_get_next(object))
    function(*reinterpret_cast<T*>(object));
}

}  // namespace meshnode::tun
