// A program's log: one line per event to stderr, through spdlog (whose header stays in the .cpp).
// Never with a secret in it; nothing that a stranger sends causes a line.
#pragma once

#include <cstdint>
#include <string>

namespace meshnode::io {

enum class LogLevel : std::uint8_t { trace, debug, info, warn, error, off };

void set_log_level(LogLevel level);
LogLevel log_level();
// For the thread that runs the event loop.
void log(LogLevel level, const std::string& line);

}  // namespace meshnode::io
