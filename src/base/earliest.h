// The earliest of several deadlines, of which any may be missing; nothing if all are.
#pragma once

#include <initializer_list>
#include <optional>

#include "base/clock.h"

namespace meshnode {

inline std::optional<TimePoint> earliest(
    std::initializer_list<std::optional<TimePoint>> deadlines) {
  std::optional<TimePoint> out;
  for (const std::optional<TimePoint>& due : deadlines)
    if (due && (!out || *due < *out)) out = due;
  return out;
}

// As an entry in such a list: a deadline that counts only where `condition` holds.
inline std::optional<TimePoint> due_if(bool condition, TimePoint due) {
  return condition ? std::optional(due) : std::nullopt;
}

}  // namespace meshnode
