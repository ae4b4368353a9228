// The only place that reads the machine's clocks. The host reads once per turn of its loop and
// hands the value down; the core cannot ask (base/clock.h).
#pragma once

#include "base/clock.h"

namespace meshnode::io {

// CLOCK_BOOTTIME (goes on during suspend) and CLOCK_REALTIME (may jump). About 40 ns; cannot fail
// on a kernel that we support.
Now read_clocks();

}  // namespace meshnode::io
