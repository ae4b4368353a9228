// What meshnode tells Prometheus (docs/metrics.md). Pure; names are an interface: none is renamed
// or given another meaning.
#pragma once

#include <string>
#include <string_view>

#include "control/snapshot.h"
#include "node/edge_ledger.h"

namespace meshnode::node {

// `edges` has looked at the snapshot's peers.
std::string metrics_text(const control::Snapshot& snapshot, const EdgeLedger& edges,
                         std::string_view version);

}  // namespace meshnode::node
