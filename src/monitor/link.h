// The worker's end: what it tells the monitor, and what the monitor tells it.
//
// Invariant: when the monitor is gone, nobody holds the interface any more, and the worker ends at
// once.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "monitor/channel.h"
#include "monitor/hooks.h"

namespace meshnode::monitor {

// What earlier workers gave into safekeeping.
class Kept {
 public:
  void put(Slot slot, io::UniqueFd fd) { fds_[static_cast<std::size_t>(slot)] = std::move(fd); }
  io::UniqueFd take(Slot slot) { return std::move(fds_[static_cast<std::size_t>(slot)]); }
  int look(Slot slot) const { return fds_[static_cast<std::size_t>(slot)].get(); }

 private:
  std::array<io::UniqueFd, kSlots> fds_;
};

class Link {
 public:
  explicit Link(Channel channel) : channel_(std::move(channel)) {}
  // Of a worker that a monitor started anew: by an environment variable, which is taken away.
  static std::optional<Link> inherited();

  // Of a worker that was started anew, in this order: prepared, or why not; then wait.
  void prepared() const { channel_.send({.kind = Kind::prepared}); }
  void prepare_failed(const std::string& why) const;
  // Until it may begin; nothing if it never may.
  std::optional<Kept> wait_for_go() const;

  void ready(const std::string& status) const;
  void alive() const { channel_.send({.kind = Kind::alive}); }
  void stopping() const { channel_.send({.kind = Kind::stopping}); }
  void keep(Slot slot, int fd) const { channel_.send({.kind = Kind::keep, .slot = slot}, fd); }
  void ask_for_upgrade() const { channel_.send({.kind = Kind::upgrade}); }

  // Answered by the handler `dht`, whenever it is there.
  void want_dht() const { channel_.send({.kind = Kind::want_dht}); }

  void happened(const HookFacts& facts) const;
  void reloaded() const { channel_.send({.kind = Kind::reloaded}); }
  // Where DNS questions are answered; 0: nowhere.
  void names_at(std::uint16_t port) const;
  // All of them, each as names.h wants it.
  void hosts(const std::vector<std::string>& lines) const;

  int fd() const { return channel_.fd(); }
  struct Handlers {
    std::function<void()> leave;
    std::function<void(const std::string& why)> refused;
    std::function<void(io::UniqueFd)> dht{};
    std::function<void()> gone;  // the monitor
  };
  // When fd() is readable. A handler may end the program's loop.
  void read(const Handlers& handlers) const;

 private:
  Channel channel_;
};

}  // namespace meshnode::monitor
