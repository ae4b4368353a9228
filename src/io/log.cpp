#include "io/log.h"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/log_limiter.h"

namespace meshnode::io {
namespace {

struct Held {
  LogModule module;
  LogLevel level;
  LogLine line;
};

class Log {
 public:
  Log() : journal_(stderr_is_journal()), logger_(spdlog::stderr_logger_st("log")) {
    logger_->set_level(spdlog::level::trace);  // the levels are ours
    logger_->flush_on(spdlog::level::trace);
    arrange();
  }

  void set(const LogSettings& settings) {
    const std::lock_guard lock(mutex_);
    settings_ = settings;
    arrange();
  }
  void set_levels(const LogLevels& levels) {
    const std::lock_guard lock(mutex_);
    settings_.levels = levels;
  }
  LogSettings settings() const {
    const std::lock_guard lock(mutex_);
    return settings_;
  }

  void write(LogModule module, LogLevel level, const LogLine& line) {
    const std::lock_guard lock(mutex_);
    if (!settings_.levels.allow(module, level)) return;
    const TimePoint now = read_clocks().mono;
    release(now);
    const auto held = limiter_.admit(now, line.cause(module, level), {module, level, line});
    if (held) put({module, level, line, *held, shows_addresses(module)});
  }

  void tick() {
    const std::lock_guard lock(mutex_);
    release(read_clocks().mono);
  }

 private:
  // The time is spdlog's to write: the pattern holds its place.
  void arrange() {
    logger_->set_pattern(
        journal_                                   ? "%v"
        : settings_.format == LogFormat::json      ? "{\"time\":\"%Y-%m-%dT%H:%M:%S.%e%z\",%v"
        : settings_.format == LogFormat::key_value ? "time=%Y-%m-%dT%H:%M:%S.%e%z %v"
                                                   : "%Y-%m-%dT%H:%M:%S.%e %v");
  }

  bool shows_addresses(LogModule module) const {
    return settings_.addresses || settings_.levels[module] <= LogLevel::debug;
  }

  void release(TimePoint now) {
    limiter_.release(now, [this](const Held& held, std::uint64_t before) {
      if (settings_.levels.allow(held.module, held.level))
        put({held.module, held.level, held.line, before, shows_addresses(held.module)});
    });
  }

  void put(const LogEntry& entry) {
    if (journal_) return logger_->info(render_for_journal(settings_.format, entry));
    std::string line = render(settings_.format, entry);
    // The pattern has begun the object.
    if (settings_.format == LogFormat::json) line.erase(0, 1);
    logger_->info(line);
  }

  mutable std::mutex mutex_;
  bool journal_;
  LogSettings settings_;
  LogLimiter<Held> limiter_;
  std::shared_ptr<spdlog::logger> logger_;
};

Log& the_log() {
  static Log instance;
  return instance;
}

}  // namespace

void set_log(const LogSettings& settings) {
  the_log().set(settings);
}

void set_log_levels(const LogLevels& levels) {
  the_log().set_levels(levels);
}

LogSettings log_settings() {
  return the_log().settings();
}

bool logs(LogModule module, LogLevel level) {
  return the_log().settings().levels.allow(module, level);
}

void log(LogModule module, LogLevel level, const LogLine& line) {
  the_log().write(module, level, line);
}

void log_tick() {
  the_log().tick();
}

bool stderr_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  unsigned long long device = 0;
  unsigned long long inode = 0;
  int used = 0;
  struct stat about {};
  return stream != nullptr && std::sscanf(stream, "%llu:%llu%n", &device, &inode, &used) == 2 &&
         stream[used] == '\0' && ::fstat(STDERR_FILENO, &about) == 0 && about.st_dev == device &&
         about.st_ino == inode;
}

}  // namespace meshnode::io
