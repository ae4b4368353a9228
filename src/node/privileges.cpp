#include "node/privileges.h"

#include <charconv>
#include <fstream>

namespace meshnode::node {
namespace {

constexpr int kCapNetAdmin = 12;  // linux/capability.h

// The effective capabilities from /proc/self/status; all of them if that cannot be read: the
// attempt itself will tell.
std::uint64_t effective_capabilities() {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    if (!line.starts_with("CapEff:")) continue;
    const auto digits = line.find_first_not_of(" \t", 7);
    std::uint64_t bits = 0;
    if (digits != line.npos)
      std::from_chars(line.data() + digits, line.data() + line.size(), bits, 16);
    return bits;
  }
  return ~std::uint64_t{0};
}

}  // namespace

Status check_privileges(const std::string& interface) {
  if ((effective_capabilities() >> kCapNetAdmin & 1) != 0) return success();
  return Error::world("making the interface " + interface +
                      " needs root or the capability CAP_NET_ADMIN: start it with sudo");
}

}  // namespace meshnode::node
