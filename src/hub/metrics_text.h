// What meshhub tells Prometheus (docs/metrics.md). Pure; names are an interface.
#pragma once

#include <string>
#include <string_view>

#include "discovery/bootstraps.h"
#include "discovery/dht/port.h"

namespace meshnode::hub {

struct HubFigures {
  std::string_view version{};
  std::uint64_t uptime_s = 0;
  dht::State state = dht::State::disconnected;
  dht::Picture picture{};  // of the last look, a few seconds ago
  dht::Counters counters{};
  std::uint64_t stun_answered = 0;
  DropCounters drops{};  // all together
  std::vector<discovery::Bootstraps::NameStatus> bootstraps{};
};

std::string metrics_text(const HubFigures& figures);

}  // namespace meshnode::hub
