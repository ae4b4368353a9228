#include "io/clock.h"

#include <time.h>

namespace meshnode::io {
namespace {

std::int64_t nanoseconds(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

Now read_clocks() {
  return {TimePoint(Duration(nanoseconds(CLOCK_BOOTTIME))),
          UnixTime{nanoseconds(CLOCK_REALTIME) / 1'000'000}};
}

}  // namespace meshnode::io
