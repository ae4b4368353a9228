// The program's log: one line per event to stderr, through spdlog (whose header stays in the .cpp).
// Never with a secret in it.
#pragma once

#include <string>

#include "node/config.h"

namespace meshnode::node {

void set_log_level(LogLevel level);
void log(LogLevel level, const std::string& line);

}  // namespace meshnode::node
