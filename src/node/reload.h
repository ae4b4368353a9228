// What of a changed configuration takes effect at once, and what a worker can only begin with.
#pragma once

#include <string>
#include <vector>

#include "node/config.h"

namespace meshnode::node {

struct ReloadPlan {
  std::vector<std::string> live;     // names of options
  std::vector<std::string> restart;  // take effect with another worker (meshctl reload --exec)
};

ReloadPlan plan_reload(const Config& now, const Config& wanted);

// Takes over into `now` what is live of `wanted`.
void take_live(Config& now, const Config& wanted);

// "applied: log-level; needs a new worker (meshctl reload --exec): mtu", or that nothing changed.
std::string sentence(const ReloadPlan& plan);
std::string to_json(const ReloadPlan& plan);

}  // namespace meshnode::node
