// For tests: a TUN interface whose packets come back after a while. The kernel of a namespace
// routes what shall be slow into it, and what comes out goes on as usual (nat.sh: slow_internet).
//
//   delay_router NAME MILLISECONDS [LOSS-PERCENT [SEED]]
//
// Prints "ready" when the interface is there; ends with SIGTERM. The delay is constant, so order is
// kept.
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <random>
#include <vector>

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

struct Held {
  Clock::time_point due;
  std::vector<std::uint8_t> packet;
};

constexpr std::size_t kMostHeld = 100'000;

int open_tun(const char* name) {
  const int fd = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  ifreq request{};
  std::strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (fd < 0 || ::ioctl(fd, TUNSETIFF, &request) != 0) return -1;
  return fd;
}

int wait_milliseconds(const std::deque<Held>& held) {
  if (held.empty()) return -1;
  const auto left = held.front().due - Clock::now();
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  return ms < 0 ? 0 : static_cast<int>(ms);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const int fd = open_tun(argv[1]);
  if (fd < 0) {
    std::perror("delay_router");
    return 1;
  }
  const std::chrono::milliseconds delay(std::atoi(argv[2]));
  const int loss = argc > 3 ? std::atoi(argv[3]) : 0;
  std::mt19937 random(argc > 4 ? static_cast<unsigned>(std::atoi(argv[4])) : 1U);
  std::uniform_int_distribution<int> percent(0, 99);
  std::puts("ready");
  std::fflush(stdout);
  std::deque<Held> held;
  std::vector<std::uint8_t> buffer(65536);
  for (;;) {
    pollfd readable{fd, POLLIN, 0};
    if (::poll(&readable, 1, wait_milliseconds(held)) < 0 && errno != EINTR) return 1;
    for (;;) {
      const ssize_t size = ::read(fd, buffer.data(), buffer.size());
      if (size <= 0) break;
      if (percent(random) < loss || held.size() >= kMostHeld) continue;
      held.push_back({Clock::now() + delay, {buffer.begin(), buffer.begin() + size}});
    }
    for (; !held.empty() && held.front().due <= Clock::now(); held.pop_front())
      if (::write(fd, held.front().packet.data(), held.front().packet.size()) < 0 &&
          errno != EAGAIN && errno != EINVAL && errno != EIO)
        return 1;
  }
}
