// A block of lines of ours in /etc/hosts. All else in the file stays byte for byte as it is.
//
//   # BEGIN meshnode mesh0: kept by meshnode, what is changed in here is lost
//   fd12:3456:789a::2 beta.mesh ck3vq7xa.id.mesh
//   # END meshnode mesh0
//
// Invariants
//  1. At any moment there is a whole file. It keeps its owner, group and mode.
//  2. A change by somebody else who replaces the file between our reading and our replacing it is
//     noticed and kept. Two who replace it within the same few microseconds, again and again, may
//     still lose one of their changes.
//  3. A file with half a block, or two, is left alone.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace meshnode::monitor {

inline constexpr const char* kHostsFile = "/etc/hosts";
inline constexpr std::size_t kMaxHostsFile = std::size_t{1}
                                             << 20;  // bytes; a larger one is left alone

// The file with that block instead of the one it had; `lines` empty: without one.
Result<std::string> with_block(std::string_view file, std::string_view interface,
                               std::string_view lines);

// Reads, changes and replaces the file, unless it is right already. Needs the right to write in its
// folder. Does not follow symbolic links.
Status write_hosts(const std::string& path, std::string_view interface, std::string_view lines);

}  // namespace meshnode::monitor
