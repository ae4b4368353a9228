// OpenDHT behind the messages of discovery/dht/messages.h.
//
// Threads: all functions on one thread. OpenDHT has a thread of its own inside, which calls `tell`
// with results and datagrams; so does the calling thread. `tell` may wait for the host: nobody here
// has anything better to do. It is called with locks of OpenDHT's held, and must not call back.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/result.h"
#include "discovery/dht/messages.h"

namespace meshnode::dht_child {

struct EngineDoors {
  std::function<void(const dht::FromChild&)> tell;
  std::function<TimePoint()> now;  // any thread
};

class Engine {
 public:
  // Starts OpenDHT's thread.
  static Result<std::unique_ptr<Engine>> open(const dht::Open& config, EngineDoors doors);
  // Waits for OpenDHT's thread: milliseconds.
  ~Engine();

  // Anything but Open.
  void take(const dht::ToChild& message);

 private:
  struct Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace meshnode::dht_child
