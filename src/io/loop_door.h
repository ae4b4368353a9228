// The event loop as those see it who watch one descriptor: call `readable` each time `fd` is
// readable (level-triggered) until unwatch(fd). Calls come on the loop's thread; unwatch() may come
// from inside `readable`. Both functions outlive who has them.
#pragma once

#include <functional>

namespace meshnode::io {

struct LoopDoor {
  std::function<void(int fd, std::function<void()> readable)> watch;
  std::function<void(int fd)> unwatch;
};

}  // namespace meshnode::io
