// Peers for people: one in full, all as a live table, a ping, an event. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "control/reports.h"
#include "ctl/table.h"

namespace meshnode::ctl {

// What several views say alike.
Cell state_cell(control::PeerState state);
const char* word(control::PathKind kind);
std::string shown_name(const control::PeerStatus& peer);
std::string shown_name(const NodeId& id, const std::string& name);
std::string shown_address(const control::PeerStatus& peer);
// Connected ones first, then by name.
void sort_for_people(std::vector<control::PeerStatus>& peers);

// "0.4 ms" and so on; without an edge only the state and its reason. Text of peers is sanitized.
std::string render_peers(std::vector<control::PeerStatus> peers, const Look& look);
std::string render_details(const control::PeerDetails& details, const Look& look);
std::string render_trace(const control::TraceReport& report, const Look& look);
std::string render_ping(const control::PingReport& report, std::uint64_t sequence);

// Rates are what passed since `before`, `seconds` ago.
std::string render_top(std::vector<control::PeerStatus> now,
                       const std::vector<control::PeerStatus>& before, double seconds,
                       const Look& look);
// The same for programs.
std::string top_json(const std::vector<control::PeerStatus>& now,
                     const std::vector<control::PeerStatus>& before, double seconds);

// "12:03:07 beta: …", local time as `utc_offset_s` says.
std::string render_event(const control::Event& event, long utc_offset_s);

}  // namespace meshnode::ctl
