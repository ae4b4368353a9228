// If something is wrong: the one thing to look at first.
#pragma once

#include <optional>
#include <string>

#include "control/snapshot.h"

namespace meshnode::ctl {

// A sentence without control characters, or nothing. Drops are no reason for a hint: whoever can
// reach the port can cause them.
std::optional<std::string> hint(const control::Snapshot& snapshot);

}  // namespace meshnode::ctl
