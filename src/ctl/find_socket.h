// Which running meshnode is meant.
#pragma once

#include <string>

#include "base/result.h"
#include "ctl/options.h"

namespace meshnode::ctl {

inline constexpr const char* kRunFolder = "/run/meshnode";

// What --control or --interface say, else the only socket in `folder`. Several are listed (kind
// `usage`); none is a failure of the world.
Result<std::string> find_socket(const Options& options, const std::string& folder = kRunFolder);

}  // namespace meshnode::ctl
