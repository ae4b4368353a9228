// Members that an earlier start knew, and the file in which they are kept: only a cache, so nothing
// that goes wrong with it ends anything.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "node/state_dir.h"
#include "overlay/core.h"

namespace meshnode::node {

class MemberMemory {
 public:
  // Tells the core what is in the file; after its start.
  void recall(Now now, StateDir& state, const std::string& fingerprint, overlay::Core& core);
  // Writes the file if something in it is worth storing anew.
  void remember(Now now, StateDir& state, const std::string& fingerprint,
                const overlay::Core& core);
  // It is written that often at most, and more rarely where it is large.
  bool due(TimePoint now) const { return now >= next_; }

 private:
  std::uint64_t version_ = 0;
  TimePoint next_{};
  bool told_failed_ = false;
};

}  // namespace meshnode::node
