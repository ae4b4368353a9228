// A program's log: one line per event to stderr, through spdlog (whose header stays in the .cpp).
// Never with a secret in it; nothing that a stranger sends causes a line above debug.
//
//   log(LogModule::overlay, LogLevel::warn, {as("peer", plain(name)), " claims ", address});
//
// Invariants
//  1. An address is written only where the settings say so, or where the line's module is at debug.
//  2. No cause is written more than once a second (io/log_limiter.h).
//  3. Any thread may log.
#pragma once

#include "base/log_levels.h"
#include "io/log_format.h"
#include "io/log_line.h"

namespace meshnode::io {

using meshnode::LogLevel;
using meshnode::LogModule;

// Process-wide; plain values, so that a process that we start can be given the same.
struct LogSettings {
  LogLevels levels{};
  LogFormat format = LogFormat::text;
  bool addresses = false;
  bool operator==(const LogSettings&) const = default;
};

void set_log(const LogSettings& settings);
void set_log_levels(const LogLevels& levels);
LogSettings log_settings();
// For what costs something to find out.
bool logs(LogModule module, LogLevel level);

void log(LogModule module, LogLevel level, const LogLine& line);
// About once a second: tells what was held back and came no more.
void log_tick();

// Is stderr the journal's? As JOURNAL_STREAM says it (sd-daemon(3)): device and inode of stderr.
bool stderr_is_journal();

}  // namespace meshnode::io
