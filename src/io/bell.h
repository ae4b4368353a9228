// Wakes a thread from others: one with an event loop by a descriptor to watch, one without by
// wait(), for the bell and one more descriptor.
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
  int fd() const { return fd_.get(); }  // readable while it is rung

 private:
  UniqueFd fd_;
};

}  // namespace meshnode::io
