// Reports and events as JSON text, both ways. Field names are a promise, as in snapshot_json.h.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "control/reports.h"
#include "control/why.h"

namespace meshnode::control {

std::string to_json(const std::vector<PeerStatus>& peers);
std::string to_json(const PeerDetails& details);
std::string to_json(const PingReport& report);
std::string to_json(const TraceReport& report);
std::string to_json(const EdgesReport& report);
std::string to_json(const Event& event);
std::string to_json(const std::vector<Explanation>& explanations);

Result<std::vector<PeerStatus>> peers_from_json(std::string_view text);
Result<PeerDetails> details_from_json(std::string_view text);
Result<PingReport> ping_from_json(std::string_view text);
Result<TraceReport> trace_from_json(std::string_view text);
Result<EdgesReport> edges_from_json(std::string_view text);
Result<Event> event_from_json(std::string_view text);
Result<std::vector<Explanation>> explanations_from_json(std::string_view text);

}  // namespace meshnode::control
