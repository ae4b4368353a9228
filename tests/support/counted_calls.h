// How often a thread took a mutex, read a clock, or rang another thread's bell. Linking this
// replaces the functions in the whole program (not under a sanitizer, which has its own).
#pragma once

#include <cstddef>

namespace meshnode::test {

struct Calls {
  std::size_t locks = 0;   // pthread_mutex_lock
  std::size_t clocks = 0;  // clock_gettime
  std::size_t bells = 0;   // eventfd_write
};

// Of the calling thread so far.
Calls calls();

}  // namespace meshnode::test
