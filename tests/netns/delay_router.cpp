// For tests: a TUN interface whose packets come back after a while. The kernel of a namespace
// routes what shall be slow into it, and what comes out goes on as usual (nat.sh: slow_internet).
//
//   delay_router NAME MILLISECONDS [LOSS-PERCENT [SEED [LATE-PERCENT [TWICE-PERCENT]]]]
//
// Prints "ready" when the interface is there; ends with SIGTERM. The delay is constant, so order is
// kept, except that late packets wait kLate longer. Some come twice, the second time a little
// later.
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
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

// By when they are due; equal times keep their order.
using Held = std::multimap<Clock::time_point, std::vector<std::uint8_t>>;

constexpr std::chrono::milliseconds kLate{2};
constexpr std::chrono::milliseconds kAgain{1};

constexpr std::size_t kMostHeld = 100'000;

int open_tun(const char* name) {
  const int fd = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  ifreq request{};
  std::strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (fd < 0 || ::ioctl(fd, TUNSETIFF, &request) != 0) return -1;
  return fd;
}

int wait_milliseconds(const Held& held) {
  if (held.empty()) return -1;
  const auto left = held.begin()->first - Clock::now();
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
  const int late = argc > 5 ? std::atoi(argv[5]) : 0;
  const int twice = argc > 6 ? std::atoi(argv[6]) : 0;
  std::uniform_int_distribution<int> percent(0, 99);
  std::puts("ready");
  std::fflush(stdout);
  Held held;
  std::vector<std::uint8_t> buffer(65536);
  for (;;) {
    pollfd readable{fd, POLLIN, 0};
    if (::poll(&readable, 1, wait_milliseconds(held)) < 0 && errno != EINTR) return 1;
    for (;;) {
      const ssize_t size = ::read(fd, buffer.data(), buffer.size());
      if (size <= 0) break;
      if (percent(random) < loss || held.size() >= kMostHeld) continue;
      const std::vector<std::uint8_t> packet(buffer.begin(), buffer.begin() + size);
      auto due = Clock::now() + delay;
      if (late > 0 && percent(random) < late) due += kLate;
      if (twice > 0 && percent(random) < twice) held.emplace(due + kAgain, packet);
      held.emplace(due, packet);
    }
    for (; !held.empty() && held.begin()->first <= Clock::now(); held.erase(held.begin())) {
      const std::vector<std::uint8_t>& packet = held.begin()->second;
      if (::write(fd, packet.data(), packet.size()) < 0 && errno != EAGAIN && errno != EINVAL &&
          errno != EIO)
        return 1;
    }
  }
}
