// A line of the log as bytes: for people, as key=value pairs, or as JSON. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "io/log_line.h"

namespace meshnode::io {

enum class LogFormat : std::uint8_t { text, key_value, json };
std::optional<LogFormat> parse_log_format(std::string_view word);  // "text", "key=value", "json"
std::string_view name(LogFormat format);

struct LogEntry {
  LogModule module;
  LogLevel level;
  const LogLine& line;
  std::uint64_t held_back = 0;  // further lines of this cause since its last one
  bool addresses = false;       // shown, not hidden
};

inline constexpr std::size_t kMaxLogText = 2048;  // bytes of one value; what is longer is cut

// One line without its end and without the time; no control character in it.
std::string render(LogFormat format, const LogEntry& entry);
// The same for journald: sd-daemon(3) priority in front.
std::string render_for_journal(LogFormat format, const LogEntry& entry);

}  // namespace meshnode::io
