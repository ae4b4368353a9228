// What the running node knows that explains its edges: gathered for control::why().
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/why.h"
#include "overlay/core.h"

namespace meshnode::node {

control::NatKind to_control(wire::NatMapping mapping);

// All peers that an edge is wanted with, or the one that is asked for.
std::vector<control::Explanation> explain(const overlay::Core& core, TimePoint now,
                                          const control::HereEvidence& here,
                                          const std::optional<NodeId>& only);

}  // namespace meshnode::node
