// From the core's view of the mesh to what the control socket tells.
#pragma once

#include <string>
#include <vector>

#include "control/snapshot.h"
#include "node/config.h"
#include "overlay/core.h"

namespace meshnode::node {

struct StatusFacts {
  const overlay::Core& core;
  const Config& config;
  TimePoint now{};
  TimePoint started{};
  std::vector<IpAddress> addresses{};
  std::uint16_t port = 0;
  std::string fingerprint{};
  DropCounters drops{};  // the host's own
  control::DiscoveryStatus discovery{};
  control::DataPlaneStatus data_plane{};
};

control::Snapshot make_status(const StatusFacts& facts);

// The peer's name, fit for a terminal; its short id where it has none.
std::string shown_name(const std::string& name, const NodeId& id);

}  // namespace meshnode::node
