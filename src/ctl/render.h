// The status for people: a pure function of the snapshot.
#pragma once

#include <string>

#include "control/snapshot.h"
#include "ctl/table.h"

namespace meshnode::ctl {

// Lines ending in newlines; the last one is the hint, if there is one. Text from peers is
// sanitized: the only escape sequences in it are ours.
std::string render_status(const control::Snapshot& snapshot, const Look& look);

}  // namespace meshnode::ctl
