// Time without a clock. The core is handed the time; it cannot ask for it: BootClock has no now(),
// so a slip does not compile. The only place that reads the machine's clocks is io/clock.h.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace meshnode {

// Counts like CLOCK_BOOTTIME: monotonic, and goes on while the machine sleeps, so that keys die on
// time in a closed laptop.
struct BootClock {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = std::chrono::duration<rep, period>;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
};

using TimePoint = BootClock::time_point;
using Duration = BootClock::duration;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// Wall-clock time, milliseconds since 1970. It may jump, both ways: only for numbers that want to
// grow over reboots and for epochs, never for time-outs.
struct UnixTime {
  std::int64_t ms = 0;
  auto operator<=>(const UnixTime&) const = default;
};

struct Now {
  TimePoint mono;
  UnixTime unix;
};

}  // namespace meshnode
