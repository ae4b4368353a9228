// The program's log: one line per event to stderr, through spdlog (whose header stays in the .cpp).
// Nothing that a stranger sends can cause a line.
#pragma once

#include <cstdint>
#include <string>

namespace meshnode::hub {

enum class LogLevel : std::uint8_t { trace, debug, info, warn, error, off };

void set_log_level(LogLevel level);
void log(LogLevel level, const std::string& line);

}  // namespace meshnode::hub
