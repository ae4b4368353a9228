#include "io/event_loop.h"

#include <array>
#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <utility>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include "base/result.h"
#include "io/bell.h"
#include "io/clock.h"
#include "io/signal_pipe.h"
#include "io/unique_fd.h"

namespace meshnode::io {
namespace {

using Handler = std::function<void()>;

timespec to_timespec(TimePoint time) {
  // Zero would disarm the timer; any moment in the past fires at once.
  const std::int64_t ns = std::max<std::int64_t>(time.time_since_epoch().count(), 1);
  return {static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
}

}  // namespace

struct EventLoop::Impl {
  // `number` tells a watch from an earlier one of the same descriptor, whose readiness may still
  // be among the events of this turn.
  struct Watch {
    std::uint32_t number = 0;
    std::shared_ptr<Handler> handler;  // shared with its own running call, which may unwatch it
  };

  UniqueFd epoll{epoll_create1(EPOLL_CLOEXEC)};
  std::map<int, Watch> watches;
  std::uint32_t last_number = 0;

  Bell bell;
  std::atomic<bool> stopped = false;
  std::mutex mutex;  // of `posted`
  std::deque<Handler> posted;

  std::optional<SignalPipe> signals;

  UniqueFd timer{timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC)};
  std::optional<TimePoint> armed;  // when the timer will fire; never later than `deadline`
  std::optional<TimePoint> deadline;
  Handler deadline_handler;

  void turn() {
    std::array<epoll_event, 32> events;
    const int ready =
        epoll_wait(epoll.get(), events.data(), static_cast<int>(events.size()), /*timeout=*/-1);
    for (int i = 0; i < ready && !stopped; ++i) call(events[static_cast<std::size_t>(i)].data.u64);
  }

  static std::uint64_t name(int fd, std::uint32_t number) {
    return std::uint64_t{number} << 32 | static_cast<std::uint32_t>(fd);
  }

  void call(std::uint64_t named) {
    const auto found = watches.find(static_cast<int>(named & 0xffffffff));
    if (found == watches.end() || found->second.number != named >> 32) return;
    const std::shared_ptr<Handler> handler = found->second.handler;
    (*handler)();
  }

  void run_posted() {
    std::unique_lock lock(mutex);
    // What is posted meanwhile waits for the next turn.
    for (std::size_t left = posted.size(); left > 0 && !stopped; --left) {
      const Handler next = std::move(posted.front());
      posted.pop_front();
      lock.unlock();
      next();
      lock.lock();
    }
    if (posted.empty()) bell.silence();
  }

  void arm_timer(TimePoint time) {
    const itimerspec when{{}, to_timespec(time)};
    timerfd_settime(timer.get(), TFD_TIMER_ABSTIME, &when, nullptr);
    armed = time;
  }

  void take_expirations() const {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto taken = read(timer.get(), &count, sizeof count);
  }

  // Setting the timer anew takes its readiness away, so that reading it is for the end only.
  void timer_fired() {
    const TimePoint now = read_clocks().mono;
    if (armed && now < *armed) return;  // re-armed since it fired
    armed.reset();
    if (deadline && now < *deadline) return arm_timer(*deadline);
    if (std::exchange(deadline, std::nullopt) && deadline_handler) deadline_handler();
    if (!armed) take_expirations();
  }
};

EventLoop::EventLoop() : impl_(std::make_unique<Impl>()) {
  MESH_ASSERT(impl_->epoll && impl_->bell && impl_->timer);
  watch_readable(impl_->timer.get(), [impl = impl_.get()] { impl->timer_fired(); });
  watch_readable(impl_->bell.fd(), [impl = impl_.get()] { impl->run_posted(); });
}

EventLoop::~EventLoop() = default;

void EventLoop::watch_readable(int fd, Handler handler) {
  unwatch(fd);
  const std::uint32_t number = ++impl_->last_number;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = Impl::name(fd, number);
  const bool watched = fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0 &&
                       epoll_ctl(impl_->epoll.get(), EPOLL_CTL_ADD, fd, &event) == 0;
  MESH_ASSERT(watched);
  impl_->watches.insert_or_assign(
      fd, Impl::Watch{number, std::make_shared<Handler>(std::move(handler))});
}

void EventLoop::unwatch(int fd) {
  if (impl_->watches.erase(fd) > 0) epoll_ctl(impl_->epoll.get(), EPOLL_CTL_DEL, fd, nullptr);
}

void EventLoop::on_deadline(Handler handler) {
  impl_->deadline_handler = std::move(handler);
}

void EventLoop::set_deadline(std::optional<TimePoint> deadline) {
  impl_->deadline = deadline;
  if (deadline && (!impl_->armed || *deadline < *impl_->armed)) impl_->arm_timer(*deadline);
}

void EventLoop::post(Handler function) {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->posted.empty()) impl_->bell.ring();
  impl_->posted.push_back(std::move(function));
}

void EventLoop::on_signals(std::initializer_list<int> signals, std::function<void(int)> handler) {
  SignalPipe& pipe = impl_->signals.emplace(signals);
  watch_readable(pipe.fd(), [&pipe, handler = std::move(handler)] {
    if (const auto number = pipe.next()) handler(*number);
  });
}

void EventLoop::run() {
  while (!impl_->stopped) impl_->turn();
  impl_->stopped = false;
}

void EventLoop::stop() {
  impl_->stopped = true;
  impl_->bell.ring();
}

}  // namespace meshnode::io
