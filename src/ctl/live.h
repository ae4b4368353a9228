// meshctl's commands that go on for a while.
#pragma once

#include <string>

#include "base/result.h"
#include "ctl/run.h"

namespace meshnode::ctl {

// Succeeds if at least one ping was answered.
Status ping(const std::string& socket, const Options& options, const Surroundings& to);
// Until the daemon ends it: so it fails in the end.
Status watch(const std::string& socket, const Options& options, const Surroundings& to);
// On a terminal until it is interrupted; else once.
Status top(const std::string& socket, const Options& options, const Surroundings& to);

}  // namespace meshnode::ctl
