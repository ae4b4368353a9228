// meshctl's command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "base/result.h"

namespace meshnode::ctl {

enum class Command : std::uint8_t {
  status,
  peers,
  peer,
  ping,
  trace,
  why,
  watch,
  top,
  log_level,
  id,
  genkey,
  join_line,
};

struct Options {
  Command command = Command::status;
  bool json = false;
  std::string peer{};       // of peer, ping, trace, why; of why also empty: all
  std::string level{};      // of log-level; empty: only ask
  std::uint64_t count = 5;  // of ping; 0: until it is interrupted
  double interval_s = 1;    // of ping, top
  // At most one of the two.
  std::optional<std::string> interface {};
  std::optional<std::string> control{};
};

// --help or --version: for stdout, exit 0.
struct Printed {
  std::string text;
};

std::variant<Options, Printed, Error> parse(int argc, const char* const* argv);

}  // namespace meshnode::ctl
