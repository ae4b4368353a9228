// The one thread that owns everything: readable descriptors, one deadline, signals, and work posted
// from other threads (OpenDHT's). Plain epoll: a wake-up costs one system call, and none to ask for
// the next (docs/decisions/0022-event-loop.md).
//
// Thread safety
//  post() and stop() may be called from any thread; everything else only from the thread in run(),
//  or before run().
//
// Invariants
//  1. Handlers run one at a time, inside run(), never inside the call that registers them.
//  2. After unwatch(fd) has returned, fd's handler is not called again, even if readiness was
//     already queued. A handler may unwatch itself, watch anew, or stop the loop.
//  3. The loop never closes a watched descriptor: its owner unwatches first, then closes.
//  4. An exception from a handler leaves run(); nobody catches it here.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>

#include "base/clock.h"

namespace meshnode::io {

class EventLoop {
 public:
  EventLoop();  // aborts if the kernel has no epoll or timerfd for us (out of descriptors at start)
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Level-triggered: the handler is called again as long as the descriptor is readable, hung up or
  // in error; it may read as little as it likes, so that several descriptors share the loop fairly.
  // The descriptor becomes non-blocking. Watching a descriptor twice replaces the handler.
  void watch_readable(int fd, std::function<void()> handler);
  void unwatch(int fd);  // no effect when not watched

  // One deadline slot on CLOCK_BOOTTIME, absolute; a deadline that passed while the machine slept
  // is due on wake-up, one in the past at the next turn. The slot is empty when the handler is
  // called: it sets the next one. Cheap to call after each batch: a system call is made only when
  // the deadline moves forward in time (nearer); one that moves away lets the timer fire once in
  // vain, which the handler does not see.
  void on_deadline(std::function<void()> handler);
  void set_deadline(std::optional<TimePoint> deadline);

  // Calls the function in the loop's thread, in the order of posting. The bound on what waits here
  // is the poster's duty (one queue entry per wake-up, not one per item).
  void post(std::function<void()> function);

  // The signals no longer kill the process; the handler gets the number, in the loop's thread.
  // Called at most once per program: signals are process-wide.
  void on_signals(std::initializer_list<int> signals, std::function<void(int)> handler);

  // Runs until stop(). A stop() before run() is kept: run() then returns at once. May run again
  // afterwards; what was posted but not run stays queued.
  void run();
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace meshnode::io
