// The order matters: 1 refuse what would damage another network → 2 mark as overlay, before anybody
// can take it for an underlay → 3 allow IPv6, but none of its automatisms → 4 up → 5 addresses
// (IPv6 ones need the interface up, or the kernel drops their routes).
#include "tun/configure.h"

#include <algorithm>
#include <fstream>
#include <optional>

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/route/link/inet6.h>
#include <sys/socket.h>

#include "tun/device.h"
#include "tun/netlink.h"
#include "tun/overlap.h"

namespace meshnode::tun {
namespace {

constexpr std::uint32_t kSmallestIpv6Mtu = 1280;  // RFC 8200 §5

std::string sysctl_path(const std::string& name, const char* key) {
  return "/proc/sys/net/ipv6/conf/" + name + "/" + key;
}

// Reads before it writes: in containers the value is often right and the file read-only.
bool set_sysctl(const std::string& name, const char* key, const std::string& value) {
  const std::string path = sysctl_path(name, key);
  std::string current;
  if (std::ifstream(path) >> current && current == value) return true;
  std::ofstream file(path);
  file << value << std::flush;
  return file.good();
}

// Why IPv6 cannot work on this interface; empty if it can.
std::string enable_ipv6(const Settings& settings) {
  if (settings.mtu < kSmallestIpv6Mtu)
    return "an MTU below " + std::to_string(kSmallestIpv6Mtu) + " excludes IPv6";
  if (!std::ifstream(sysctl_path(settings.name, "disable_ipv6"))) return "this machine has no IPv6";
  if (!set_sysctl(settings.name, "disable_ipv6", "0"))
    return "IPv6 is disabled on " + settings.name + " and cannot be enabled (" +
           sysctl_path(settings.name, "disable_ipv6") + " is not writable)";
  // Without a link-local address there are no router solicitations either. A courtesy: where it is
  // refused, the interface works all the same.
  set_sysctl(settings.name, "accept_ra", "0");
  return {};
}

class Configurator {
 public:
  Configurator(nl_sock* socket, Netlink<rtnl_link> link, const Settings& settings)
      : socket_(socket), link_(std::move(link)), settings_(settings) {}

  Status check_addresses() {
    for (const Cidr& address : settings_.addresses) {
      if (!address.ip.is_v4()) continue;
      if (Status free = check_overlap(socket_, index(), address); !free) return free;
    }
    return success();
  }

  Status set_properties() {
    auto changes = own(rtnl_link_alloc());
    rtnl_link_set_ifalias(changes.get(), kOverlayAlias);
    rtnl_link_set_mtu(changes.get(), settings_.mtu);
    rtnl_link_set_txqlen(changes.get(), settings_.tx_queue_length);
    return apply(*changes, "set alias, MTU and queue length of");
  }

  // No kernel-made link-local address: nothing on the mesh speaks to it. A failure is harmless.
  void stop_address_generation() {
    auto changes = own(rtnl_link_alloc());
    rtnl_link_inet6_set_addr_gen_mode(changes.get(), IN6_ADDR_GEN_MODE_NONE);
    rtnl_link_change(socket_, link_.get(), changes.get(), 0);
  }

  Status bring_up() {
    auto changes = own(rtnl_link_alloc());
    rtnl_link_set_flags(changes.get(), IFF_UP);
    return apply(*changes, "bring up");
  }

  // 0 or a negative libnl error. An address that is already there (persistent TUN) is fine.
  int add(const Cidr& address) {
    const ByteView bytes = address.ip.bytes();
    const int family = address.ip.is_v6() ? AF_INET6 : AF_INET;
    auto local = own(nl_addr_build(family, bytes.data(), bytes.size()));
    nl_addr_set_prefixlen(local.get(), address.prefix);
    auto request = own(rtnl_addr_alloc());
    rtnl_addr_set_ifindex(request.get(), index());
    rtnl_addr_set_local(request.get(), local.get());
    // Nobody on the mesh answers duplicate address detection; addresses are proven by sessions.
    if (address.ip.is_v6()) rtnl_addr_set_flags(request.get(), IFA_F_NODAD);
    const int error = rtnl_addr_add(socket_, request.get(), 0);
    return error == -NLE_EXIST ? 0 : error;
  }

  // What an earlier process of ours set on an interface that was passed on.
  void remove_others() {
    nl_cache* raw = nullptr;
    if (rtnl_addr_alloc_cache(socket_, &raw) < 0) return;
    for_each<rtnl_addr>(own(raw), [this](rtnl_addr& address) {
      if (rtnl_addr_get_ifindex(&address) == index() && !is_wanted(address))
        rtnl_addr_delete(socket_, &address, 0);
    });
  }

 private:
  bool is_wanted(rtnl_addr& address) const {
    if (rtnl_addr_get_scope(&address) == RT_SCOPE_LINK) return true;
    const Cidr there = to_cidr(rtnl_addr_get_local(&address), rtnl_addr_get_prefixlen(&address));
    return std::any_of(settings_.addresses.begin(), settings_.addresses.end(),
                       [&there](const Cidr& wanted) {
                         return wanted.ip == there.ip && wanted.prefix == there.prefix;
                       });
  }

  int index() const { return rtnl_link_get_ifindex(link_.get()); }

  Status apply(rtnl_link& changes, const std::string& what) {
    const int error = rtnl_link_change(socket_, link_.get(), &changes, 0);
    if (error < 0) return netlink_error(what + " interface " + settings_.name, error);
    return success();
  }

  nl_sock* socket_;
  Netlink<rtnl_link> link_;
  const Settings& settings_;
};

bool means_forbidden(int error) {
  return error == -NLE_PERM || error == -NLE_NOACCESS || error == -NLE_OPNOTSUPP ||
         error == -NLE_AF_NOSUPPORT;
}

// Adds all addresses; IPv6 ones only while `result` has nothing against it.
Status add_addresses(Configurator& configurator, const Settings& settings,
                     ConfigureResult& result) {
  for (const Cidr& address : settings.addresses) {
    if (address.ip.is_v6() && !result.ipv6) continue;
    const int error = configurator.add(address);
    if (error == 0) continue;
    const Error failed =
        netlink_error("add address " + address.to_string() + " to " + settings.name, error);
    if (!address.ip.is_v6() || !means_forbidden(error)) return failed;
    result = {false, failed.message};
  }
  return success();
}

}  // namespace

Result<ConfigureResult> configure(const Settings& settings) {
  if (Status valid = check_interface_name(settings.name); !valid) return valid.error();
  auto socket = connect_netlink();
  if (!socket) return socket.error();
  rtnl_link* found = nullptr;
  if (const int error = rtnl_link_get_kernel(socket->get(), 0, settings.name.c_str(), &found);
      error < 0)
    return netlink_error("find interface " + settings.name, error);
  Configurator configurator(socket->get(), own(found), settings);

  if (Status free = configurator.check_addresses(); !free) return free.error();
  if (Status done = configurator.set_properties(); !done) return done.error();
  ConfigureResult result;
  const bool wanted = std::any_of(settings.addresses.begin(), settings.addresses.end(),
                                  [](const Cidr& address) { return address.ip.is_v6(); });
  if (wanted) {
    result.why_no_ipv6 = enable_ipv6(settings);
    result.ipv6 = result.why_no_ipv6.empty();
  }
  configurator.stop_address_generation();
  if (Status done = configurator.bring_up(); !done) return done.error();
  if (settings.passed_on) configurator.remove_others();
  if (Status done = add_addresses(configurator, settings, result); !done) return done.error();
  return result;
}

}  // namespace meshnode::tun
