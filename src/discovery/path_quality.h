// Which of two paths carries the data? One pure function, with a little stickiness so that equal
// paths do not flap.
#pragma once

#include <cstdint>

#include "base/clock.h"

namespace meshnode::discovery {

enum class PathKind : std::uint8_t { lan, direct };

struct PathQuality {
  PathKind kind = PathKind::direct;
  Duration rtt{};
  TimePoint last_heard{};   // last answer or authentic frame on it
  unsigned unanswered = 0;  // probes since then
};

// True if data should move from `current` to `candidate`. Both are confirmed.
bool better(const PathQuality& candidate, const PathQuality& current);

}  // namespace meshnode::discovery
