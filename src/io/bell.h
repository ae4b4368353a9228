// How a thread without an event loop waits: for a bell that others ring, and for one descriptor.
#pragma once

#include <optional>

#include "base/clock.h"
#include "io/unique_fd.h"

namespace meshnode::io {

class Bell {
 public:
  Bell();
  explicit operator bool() const { return static_cast<bool>(fd_); }  // false: errno says why

  // From any thread. It stays rung until silence().
  void ring() const;

  // The waiting thread's.
  struct Ready {
    bool rung = false;
    bool readable = false;  // the descriptor; also if it is hung up or in error
  };
  // Until one of them, at most that long if given. `fd` -1: for the bell only.
  Ready wait(int fd, std::optional<Duration> at_most = {}) const;
  void silence() const;

 private:
  UniqueFd fd_;
};

}  // namespace meshnode::io
