#include "io/bell.h"

#include <algorithm>
#include <array>

#include <poll.h>
#include <sys/eventfd.h>

namespace meshnode::io {
namespace {

// In whole milliseconds; -1 is for ever.
int timeout_of(std::optional<Duration> at_most) {
  if (!at_most) return -1;
  const Duration rest = std::clamp<Duration>(*at_most, Duration{}, hours(1));
  return static_cast<int>(std::chrono::ceil<milliseconds>(rest).count());
}

}  // namespace

Bell::Bell() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

void Bell::ring() const {
  eventfd_write(fd_.get(), 1);
}

Bell::Ready Bell::wait(int fd, std::optional<Duration> at_most) const {
  std::array<pollfd, 2> on{{{fd_.get(), POLLIN, 0}, {fd, POLLIN, 0}}};
  if (poll(on.data(), on.size(), timeout_of(at_most)) <= 0) return {};
  return {on[0].revents != 0, on[1].revents != 0};
}

void Bell::silence() const {
  eventfd_t rings = 0;
  eventfd_read(fd_.get(), &rings);
}

}  // namespace meshnode::io
