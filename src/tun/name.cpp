// Interface names, by the kernel's rules (dev_valid_name) and one of ours: no '%', which the kernel
// would replace by a number.
#include <algorithm>

#include <linux/if.h>

#include "tun/device.h"

namespace meshnode::tun {
namespace {

bool usable(char c) {
  return c > ' ' && c < 0x7f && c != '/' && c != ':' && c != '%';
}

}  // namespace

Status check_interface_name(std::string_view name) {
  const std::string quoted = "interface name \"" + std::string(name) + "\"";
  if (name.empty()) return Error::usage("the interface name is empty");
  if (name.size() >= IFNAMSIZ)
    return Error::usage(quoted + " is too long: at most " + std::to_string(IFNAMSIZ - 1) +
                        " characters");
  if (name == "." || name == ".." || !std::all_of(name.begin(), name.end(), usable))
    return Error::usage(quoted + " is not possible: use letters, digits, \"-\", \"_\" and \".\"");
  return success();
}

}  // namespace meshnode::tun
