// Programs of the administrator that run when something happens: with the monitor's rights, never
// through a shell, one after the other in the order of events. What it is about stands in their
// environment (meshnode.conf(5), "Hooks"); they inherit nothing else but PATH, and read nothing.
//
// Invariants
//  1. Which programs there are is read from the configuration by the monitor itself; the worker
//     only says what happened. It cannot name a program, and of an event there are the documented
//     variables only, each once and each what it is said to be: an address, an id, a number. A
//     peer's name is any text without control characters.
//  2. At most kMostWaiting events wait; what comes then is told and left out. Only interface-down,
//     which takes back what interface-up did and which the monitor itself says, always finds room.
//  3. A program that runs longer than kPatience is killed, with its process group.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "base/clock.h"

namespace meshnode::monitor {

enum class HookEvent : std::uint8_t { interface_up, interface_down, peer_up, peer_down };
inline constexpr std::size_t kHookEvents = 4;
std::string_view name(HookEvent event);  // "interface-up"

// By event; an empty path: none.
using HookPrograms = std::array<std::string, kHookEvents>;

// What happened. In a message: the event's name and the fields, a line each, "KEY=value".
struct HookFacts {
  HookEvent event{};
  std::vector<std::pair<std::string, std::string>> fields;  // in the environment as MESHNODE_KEY
};
std::string to_text(const HookFacts& facts);
// Nothing for what is none: an unknown or repeated key, or a value that does not fit its key.
std::optional<HookFacts> hook_from_text(std::string_view text);

class Hooks {
 public:
  static constexpr std::size_t kMostWaiting = 64;
  static constexpr Duration kPatience = seconds(30);

  void set_programs(HookPrograms programs) { programs_ = std::move(programs); }
  void happened(TimePoint now, HookFacts facts);
  // A child of this process has ended. True if it was a program of ours.
  bool ended(TimePoint now, pid_t pid, int status);
  void timeout(TimePoint now);
  std::optional<TimePoint> next_deadline() const;
  bool idle() const { return !running_; }

 private:
  struct Running {
    pid_t pid = -1;
    std::string program;
    TimePoint until{};
    bool killed = false;
  };
  void start_next(TimePoint now);

  HookPrograms programs_;
  std::deque<HookFacts> waiting_;
  std::optional<Running> running_;
  bool told_full_ = false;
};

}  // namespace meshnode::monitor
