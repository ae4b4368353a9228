// meshhub's command line. Everything in a Config has been checked; all problems are found in one
// go.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/endpoint.h"
#include "base/host_port.h"
#include "base/result.h"
#include "io/log.h"

namespace meshnode::hub {

using io::LogLevel;
using io::LogModule;

inline constexpr std::uint16_t kDefaultPort = 3731;
// The second port, named in OTHER-ADDRESS: the first one and two.
inline constexpr std::uint16_t kOtherPort = 2;
inline constexpr std::size_t kMaxAddresses = 16;
inline constexpr std::size_t kMaxBootstraps = 16;

struct Config {
  std::vector<IpAddress> addresses;  // empty: the wildcard address of both families
  std::uint16_t port = kDefaultPort;
  std::vector<HostPort> bootstraps;
  std::uint32_t dht_network = 3731;
  std::string state_dir;  // empty: nothing is remembered
  io::LogSettings log{};
  std::optional<Endpoint> metrics;  // where they are told; not given: nowhere
};

// --help or --version: print it on stdout and exit 0.
struct Printed {
  std::string text;
};

// An Error here has kind `usage`; its message holds one sentence per line, one for each problem.
std::variant<Config, Printed, Error> parse(int argc, const char* const* argv);

}  // namespace meshnode::hub
