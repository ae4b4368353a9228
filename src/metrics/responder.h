// Answers scrapes over HTTP, on the event loop of its program (docs/decisions/0023).
//
// Invariants
//  1. At most kMaxClients connections. A further one takes the place of the one that has waited
//     longest: whoever hangs keeps nobody out.
//  2. No client can stop the loop, make it wait or raise SIGPIPE. One that is not done kPatience
//     after it came is dropped by tick(), whatever it does.
//  3. A text serves for kFresh: many scrapes cost one.
//  4. Each connection gets one answer and a close.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/endpoint.h"
#include "base/result.h"
#include "io/loop_door.h"

namespace meshnode::metrics {

// What the responder needs of its program. All outlives it.
struct Doors {
  io::LoopDoor loop;
  std::function<TimePoint()> now;
  std::function<std::string()> text;  // of the metrics, at present
};

class Responder {
 public:
  static constexpr std::size_t kMaxClients = 16;
  static constexpr seconds kPatience{5};
  static constexpr milliseconds kFresh{500};

  // Fails with kind `usage` where the address cannot be had.
  static Result<std::unique_ptr<Responder>> open(const Endpoint& where, Doors doors);
  virtual ~Responder() = default;

  virtual void tick() = 0;  // about once a second, or a little less often
  virtual std::size_t clients() const = 0;
  virtual std::uint16_t port() const = 0;  // that the kernel gave, if `where` had none
};

}  // namespace meshnode::metrics
