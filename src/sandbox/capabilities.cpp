#include "sandbox/capabilities.h"

#include <algorithm>
#include <array>

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace meshnode::sandbox {

bool drop_capabilities() {
  // Whether it can or not: the kernel keeps none ambient that is not permitted and inheritable.
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> held{};
  // Service managers forbid capset() to who has nothing to drop.
  if (::syscall(SYS_capget, &header, held.data()) == 0 &&
      std::all_of(held.begin(), held.end(), [](const __user_cap_data_struct& each) {
        return each.effective == 0 && each.permitted == 0 && each.inheritable == 0;
      }))
    return true;
  // Not the bounding set: what it bounds is gained by exec only, which is over.
  held = {};
  return ::syscall(SYS_capset, &header, held.data()) == 0;
}

}  // namespace meshnode::sandbox
