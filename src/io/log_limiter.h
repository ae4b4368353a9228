// No cause logs more than once a second. What is held back is counted, and the latest of it kept:
// so the last line of a burst is told in the end, with the number of those before it.
//
// Bounded: kCauses causes at a time; while all of these are fresh, the others share one place. So
// no second has more than kCauses + 1 lines.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/clock.h"

namespace meshnode::io {

template <typename Line>
class LogLimiter {
 public:
  static constexpr std::size_t kCauses = 128;
  static constexpr seconds kPause{1};

  // How many lines of this cause were held back before this one, or nothing: this one is, too.
  std::optional<std::uint64_t> admit(TimePoint now, std::uint64_t cause, const Line& line) {
    Place& place = place_of(now, cause);
    if (place.last && now - *place.last < kPause) {
      ++place.held;
      place.latest = line;
      return std::nullopt;
    }
    place.cause = cause;
    place.last = now;
    place.latest.reset();
    return std::exchange(place.held, 0);
  }

  // `tell` gets, of each cause whose second is over, the latest line that was held back and how
  // many were before it.
  template <typename Tell>
  void release(TimePoint now, Tell tell) {
    for (Place& place : places_) {
      if (place.held == 0 || now - *place.last < kPause) continue;
      place.last = now;
      tell(*place.latest, std::exchange(place.held, 0) - 1);
      place.latest.reset();
    }
  }

 private:
  struct Place {
    std::uint64_t cause = 0;
    std::optional<TimePoint> last{};  // when a line was written
    std::uint64_t held = 0;
    std::optional<Line> latest{};
  };

  Place& place_of(TimePoint now, std::uint64_t cause) {
    Place* free = nullptr;
    for (std::size_t i = 0; i < kCauses; ++i) {
      Place& place = places_[i];
      if (place.last && place.cause == cause) return place;
      const bool old = !place.last || (place.held == 0 && now - *place.last >= kPause);
      if (old && free == nullptr) free = &place;
    }
    if (free == nullptr) return places_[kCauses];
    *free = {};
    return *free;
  }

  std::array<Place, kCauses + 1> places_{};  // the last one is shared
};

}  // namespace meshnode::io
