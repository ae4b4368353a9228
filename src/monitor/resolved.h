// Tells systemd-resolved, where it runs, whom to ask for names of the mesh: per link, so that
// nothing else of the machine's DNS changes and resolv.conf is never touched.
//
// Nothing here waits: calls are answered whenever they are. A systemd-resolved that is started
// later, or again, is told then.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/endpoint.h"
#include "io/event_loop.h"

namespace meshnode::monitor {

class Resolved {
 public:
  static constexpr Duration kPatience = seconds(5);      // with a call
  static constexpr Duration kLastPatience = seconds(1);  // with the one that takes all back
  static constexpr Duration kReconnectEvery = seconds(30);

  struct Link {
    int index = 0;  // of the interface
    IpAddress server{};
    std::uint16_t port = 0;
    std::vector<std::string> zones{};  // asked for there, and nowhere else
    bool operator==(const Link&) const = default;
  };

  // `loop` outlives this. Its deadline's handler calls timeout() and sets the next deadline anew;
  // it is called at once when next_deadline() is another one than whoever asked last was told.
  explicit Resolved(io::EventLoop& loop);
  ~Resolved();
  Resolved(const Resolved&) = delete;
  Resolved& operator=(const Resolved&) = delete;

  // Nothing: takes back what was told.
  void set(TimePoint now, std::optional<Link> link);
  void timeout(TimePoint now);
  std::optional<TimePoint> next_deadline() const;
  // Whether nothing is under way that is worth waiting for at the end.
  bool idle() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace meshnode::monitor
