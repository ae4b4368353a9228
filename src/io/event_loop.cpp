#include "io/event_loop.h"

#include <map>
#include <utility>

#include <asio/executor_work_guard.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <asio/signal_set.hpp>
#include <sys/timerfd.h>

#include "base/result.h"
#include "io/clock.h"
#include "io/event_loop_asio.h"
#include "io/unique_fd.h"

namespace meshnode::io {
namespace {

// Lives as long as a wait that refers to it is queued in Asio, which may be longer than the watch.
struct Watch {
  Watch(asio::io_context& context, std::function<void()> function)
      : descriptor(context), handler(std::move(function)) {}

  void end() {
    active = false;
    // Gives the descriptor back instead of closing it; a queued wait ends with operation_aborted.
    if (descriptor.is_open()) descriptor.release();
  }

  asio::posix::stream_descriptor descriptor;
  std::function<void()> handler;
  bool active = true;
};

// Each async_wait asks the kernel anew, so that data left unread wakes us again: level-triggered.
void arm(const std::shared_ptr<Watch>& watch) {
  watch->descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                               [watch](const std::error_code&) {
                                 if (!watch->active) return;
                                 watch->handler();
                                 if (watch->active) arm(watch);
                               });
}

timespec to_timespec(TimePoint time) {
  // Zero would disarm the timer; any moment in the past fires at once.
  const std::int64_t ns = std::max<std::int64_t>(time.time_since_epoch().count(), 1);
  return {static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
}

}  // namespace

struct EventLoop::Impl {
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  std::map<int, std::shared_ptr<Watch>> watches;
  std::unique_ptr<asio::signal_set> signals;
  std::function<void(int)> signal_handler;

  UniqueFd timer{timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC)};
  std::optional<TimePoint> armed;  // when the timer will fire; never later than `deadline`
  std::optional<TimePoint> deadline;
  std::function<void()> deadline_handler;

  ~Impl() {
    for (auto& [fd, watch] : watches) watch->end();
  }

  void arm_timer(TimePoint time) {
    const itimerspec when{{}, to_timespec(time)};
    timerfd_settime(timer.get(), TFD_TIMER_ABSTIME, &when, nullptr);
    armed = time;
  }

  void timer_fired() {
    std::uint64_t expirations = 0;
    if (read(timer.get(), &expirations, sizeof expirations) < 0) return;  // re-armed meanwhile
    armed.reset();
    if (!deadline) return;
    if (read_clocks().mono < *deadline) return arm_timer(*deadline);
    deadline.reset();
    if (deadline_handler) deadline_handler();
  }

  void wait_for_signal() {
    signals->async_wait([this](const std::error_code& error, int number) {
      if (error) return;  // the loop is being destroyed
      signal_handler(number);
      wait_for_signal();
    });
  }
};

EventLoop::EventLoop() : impl_(std::make_unique<Impl>()) {
  MESH_ASSERT(impl_->timer);
  watch_readable(impl_->timer.get(), [impl = impl_.get()] { impl->timer_fired(); });
}

EventLoop::~EventLoop() = default;

void EventLoop::watch_readable(int fd, std::function<void()> handler) {
  unwatch(fd);
  auto watch = std::make_shared<Watch>(impl_->context, std::move(handler));
  std::error_code error;
  watch->descriptor.assign(fd, error);
  MESH_ASSERT(!error);
  impl_->watches.emplace(fd, watch);
  arm(watch);
}

void EventLoop::unwatch(int fd) {
  const auto found = impl_->watches.find(fd);
  if (found == impl_->watches.end()) return;
  found->second->end();
  impl_->watches.erase(found);
}

void EventLoop::on_deadline(std::function<void()> handler) {
  impl_->deadline_handler = std::move(handler);
}

void EventLoop::set_deadline(std::optional<TimePoint> deadline) {
  impl_->deadline = deadline;
  if (deadline && (!impl_->armed || *deadline < *impl_->armed)) impl_->arm_timer(*deadline);
}

void EventLoop::post(std::function<void()> function) {
  asio::post(impl_->context, std::move(function));
}

void EventLoop::on_signals(std::initializer_list<int> signals, std::function<void(int)> handler) {
  impl_->signals = std::make_unique<asio::signal_set>(impl_->context);
  for (const int number : signals) impl_->signals->add(number);
  impl_->signal_handler = std::move(handler);
  impl_->wait_for_signal();
}

void EventLoop::run() {
  impl_->context.run();
  impl_->context.restart();
}

void EventLoop::stop() {
  impl_->context.stop();
}

asio::io_context& EventLoop::context() {
  return impl_->context;
}

}  // namespace meshnode::io
