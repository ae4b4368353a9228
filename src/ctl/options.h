// meshctl's command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/host_port.h"
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
  map,
  netcheck,
  log_level,
  reload,
  id,
  genkey,
  join_line,
};

struct Options {
  Command command = Command::status;
  bool json = false;
  std::string peer{};       // of peer, ping, trace, why; of why also empty: all
  std::string level{};      // of log-level; empty: only ask
  bool exec = false;        // of reload
  std::uint64_t count = 5;  // of ping; 0: until it is interrupted
  double interval_s = 1;    // of ping, top
  bool dot = false;         // of map
  // Of netcheck.
  std::vector<HostPort> servers{};  // none: those of the running meshnode
  std::uint16_t port = 0;           // 0: any
  std::uint32_t lifetime_s = 0;     // 0: not measured
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
