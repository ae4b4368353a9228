// What the running node knows that explains its edges: gathered for control::why().
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/snapshot.h"
#include "control/why.h"
#include "node/config.h"
#include "overlay/core.h"

namespace meshnode::node {

// What the host knows besides the core.
struct HereFacts {
  const overlay::Core& core;
  const Config& config;
  const Interfaces& interfaces;
  Now now{};
  TimePoint started{};
  std::string fingerprint{};
  control::DiscoveryStatus discovery{};
  std::uint64_t sends_forbidden = 0;  // lately
};
// All but `twin`.
control::HereEvidence here_evidence(const HereFacts& facts);

// All peers that an edge is wanted with, or the one that is asked for.
std::vector<control::Explanation> explain(const overlay::Core& core, Now now,
                                          const control::HereEvidence& here,
                                          const std::optional<NodeId>& only);

}  // namespace meshnode::node
