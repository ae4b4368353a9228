// Asks all members to whom there is an edge, some at a time, and makes a map of what they tell. A
// look at the map makes no edges; an idle one is woken up.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "ctl/mesh_map.h"

namespace meshnode::ctl {

// `tell` gets a sentence about once a second for whoever waits.
Result<MeshMap> gather_map(const std::string& socket,
                           const std::function<void(const std::string&)>& tell);

}  // namespace meshnode::ctl
