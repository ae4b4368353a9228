// Signals as something to read: a descriptor that gets one byte, the number, per signal. No thread
// has to block signals for it, so libraries may start threads whenever they like, and programs
// that we start inherit nothing.
#pragma once

#include <csignal>
#include <initializer_list>
#include <optional>
#include <utility>
#include <vector>

#include "io/unique_fd.h"

namespace meshnode::io {

// One per program at a time: signals are process-wide. From its construction to its destruction the
// signals do nothing but this; afterwards they do what they did before.
class SignalPipe {
 public:
  explicit SignalPipe(std::initializer_list<int> signals);  // aborts without descriptors
  ~SignalPipe();
  SignalPipe(const SignalPipe&) = delete;
  SignalPipe& operator=(const SignalPipe&) = delete;

  int fd() const { return read_end_.get(); }  // readable when a signal waits; non-blocking
  std::optional<int> next();                  // the number of the oldest that waits

 private:
  UniqueFd read_end_;
  UniqueFd write_end_;
  std::vector<std::pair<int, struct sigaction>> before_;
};

}  // namespace meshnode::io
