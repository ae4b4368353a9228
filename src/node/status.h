// From the core's view of the mesh to what the control socket tells.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/reports.h"
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
  control::NamesStatus names{};
};

control::Snapshot make_status(const StatusFacts& facts);
std::vector<control::PeerStatus> make_peers(const overlay::Core& core, std::uint16_t port,
                                            TimePoint now);
// Nothing for a member that is no peer.
std::optional<control::PeerDetails> make_details(const overlay::Core& core, std::uint16_t port,
                                                 TimePoint now, const NodeId& id);
// What the other side of an edge said.
control::EdgeView view_of(const wire::Trace& trace);
control::PathKind to_control(discovery::PathKind kind);
// A word of docs/control.md.
std::string word(discovery::PathCause cause);

// The peer's name, fit for a terminal; its short id where it has none.
std::string shown_name(const std::string& name, const NodeId& id);

}  // namespace meshnode::node
