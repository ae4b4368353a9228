// How much each part of a program logs. The modules are a closed list, named after the folders
// whose doings a user knows; one text names the levels of all of them, on command lines, in files
// and on the control socket:
//
//   debug                    all modules
//   dht=debug,overlay=warn   these two; the others stay as they are
//   warn,dht=debug           all, then one
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace meshnode {

enum class LogLevel : std::uint8_t { trace, debug, info, warn, error, off };
enum class LogModule : std::uint8_t {
  node,       // start and end, files, privileges
  overlay,    // members, edges, addresses
  discovery,  // bootstraps, names, the NAT here
  dht,        // the DHT, and serving it to others
  dataplane,  // what the kernel does for us
  tun,        // the interface
  control,    // the control socket
  monitor,    // the parent that keeps the rights: workers, hooks
  metrics,    // the metrics endpoint
  hub,        // meshhub: STUN, known nodes
  count_,
};
inline constexpr std::size_t kLogModules = static_cast<std::size_t>(LogModule::count_);
inline constexpr std::size_t kMaxLogLevelsText = 512;  // bytes

std::string_view name(LogLevel level);
std::string_view name(LogModule module);
std::optional<LogLevel> parse_log_level(std::string_view word);

class LogLevels {
 public:
  explicit LogLevels(LogLevel all = LogLevel::info) { levels_.fill(all); }

  LogLevel operator[](LogModule module) const { return levels_[static_cast<std::size_t>(module)]; }
  void set(LogModule module, LogLevel level) { levels_[static_cast<std::size_t>(module)] = level; }
  // Does a line of this level get written?
  bool allow(LogModule module, LogLevel level) const {
    return level != LogLevel::off && level >= (*this)[module];
  }

  // What `text` asks for, on top of these. An Error has kind `usage` and a half sentence.
  Result<LogLevels> with(std::string_view text) const;
  // The shortest text that means these levels whatever was before; with() reads it.
  std::string to_string() const;
  bool operator==(const LogLevels&) const = default;

 private:
  std::array<LogLevel, kLogModules> levels_{};
};

}  // namespace meshnode
