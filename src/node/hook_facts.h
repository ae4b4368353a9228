// What hooks are told (meshnode.conf(5), "Hooks").
#pragma once

#include <optional>

#include "monitor/hooks.h"
#include "node/config.h"
#include "overlay/core.h"

namespace meshnode::node {

// What they hear of whatever happens: which interface it is about.
struct HookSubject {
  const Config& config;
  const overlay::NetworkSecret& network;
  IpAddress address{};  // ours inside
};

monitor::HookFacts interface_facts(monitor::HookEvent event, const HookSubject& subject);
// Nothing for what no hook is for.
std::optional<monitor::HookFacts> peer_facts(const overlay::Event& event,
                                             const HookSubject& subject);

}  // namespace meshnode::node
