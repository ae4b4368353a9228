// The snapshot as JSON text, both ways. Field names are a promise to other people's programs: add
// fields, never rename one.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "control/snapshot.h"

namespace meshnode::control {

// One line. Bytes that are no UTF-8 (a peer may call itself anything) become U+FFFD.
std::string to_json(const Snapshot& snapshot);

// Unknown fields and drop reasons are skipped, so that an older meshctl reads a newer daemon. Fails
// with a sentence for text that is no status.
Result<Snapshot> from_json(std::string_view text);

}  // namespace meshnode::control
