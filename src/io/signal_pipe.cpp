#include "io/signal_pipe.h"

#include <array>
#include <atomic>
#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "base/result.h"

namespace meshnode::io {
namespace {

std::atomic<int> write_end = -1;
static_assert(std::atomic<int>::is_always_lock_free, "read by a signal handler");

// A full pipe loses the signal: 65,536 of them wait already.
void on_signal(int number) {
  const int error = errno;
  const auto byte = static_cast<unsigned char>(number);
  [[maybe_unused]] const auto written = write(write_end.load(), &byte, 1);
  errno = error;
}

}  // namespace

SignalPipe::SignalPipe(std::initializer_list<int> signals) {
  std::array<int, 2> ends{-1, -1};
  const bool made = pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC) == 0;
  MESH_ASSERT(made && write_end.load() < 0);
  read_end_ = UniqueFd(ends[0]);
  write_end_ = UniqueFd(ends[1]);
  write_end.store(write_end_.get());
  for (const int number : signals) {
    struct sigaction action {};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    struct sigaction before {};
    const bool set = sigaction(number, &action, &before) == 0;
    MESH_ASSERT(set);
    before_.emplace_back(number, before);
  }
}

SignalPipe::~SignalPipe() {
  for (const auto& [number, action] : before_) sigaction(number, &action, nullptr);
  write_end.store(-1);
}

std::optional<int> SignalPipe::next() {
  unsigned char byte = 0;
  if (read(read_end_.get(), &byte, 1) != 1) return std::nullopt;
  return byte;
}

}  // namespace meshnode::io
