#include "tun/netlink.h"

namespace meshnode::tun {

Error netlink_error(const std::string& what, int error) {
  const std::string hint = error == -NLE_PERM ? " (needs root or CAP_NET_ADMIN)" : std::string();
  return Error::world("cannot " + what + ": " + nl_geterror(error) + hint);
}

Result<Netlink<nl_sock>> connect_netlink() {
  auto socket = own(nl_socket_alloc());
  if (const int error = nl_connect(socket.get(), NETLINK_ROUTE); error < 0)
    return netlink_error("talk to the kernel about interfaces", error);
  return socket;
}

Cidr to_cidr(const nl_addr* address, int prefix) {
  if (address == nullptr) return {};
  const auto* bytes = static_cast<const std::uint8_t*>(nl_addr_get_binary_addr(address));
  return {IpAddress::from_bytes({bytes, nl_addr_get_len(address)}),
          static_cast<std::uint8_t>(prefix)};
}

}  // namespace meshnode::tun
