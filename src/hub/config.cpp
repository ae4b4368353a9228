#include "hub/config.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <CLI/CLI.hpp>

namespace meshnode::hub {
namespace {

// As typed.
struct Texts {
  std::vector<std::string> addresses;
  std::string port;
  std::vector<std::string> bootstraps;
  std::string network;
  std::string state_dir;
  std::string log_level;
  std::string log_format;
  std::string log_addresses;
  std::string metrics;
};

using Problems = std::vector<std::string>;

// What a terminal must not see becomes '?'.
std::string printable(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = '?';
  constexpr std::size_t kMost = 100;
  if (text.size() > kMost) text = text.substr(0, kMost) + "…";
  return text;
}

template <typename Int>
std::optional<Int> number(const std::string& text, std::uint64_t least, std::uint64_t most) {
  std::uint64_t value = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (wrong != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (value < least || value > most) return std::nullopt;
  return static_cast<Int>(value);
}

void take_addresses(const std::vector<std::string>& texts, Config& out, Problems& problems) {
  for (const std::string& text : texts) {
    const auto address = IpAddress::parse(text);
    if (!address || address->is_multicast() || address->is_limited_broadcast())
      problems.push_back("--address " + printable(text) +
                         ": not an IPv4 or IPv6 address of a machine (as in 192.0.2.1, ::)");
    else if (address->is_link_local() && address->is_v6())
      problems.push_back("--address " + printable(text) + ": link-local, nobody can reach it");
    else if (std::find(out.addresses.begin(), out.addresses.end(), *address) != out.addresses.end())
      problems.push_back("--address " + printable(text) + ": given twice");
    else
      out.addresses.push_back(*address);
  }
  if (out.addresses.size() > kMaxAddresses)
    problems.push_back("--address: at most " + std::to_string(kMaxAddresses) + " addresses");
  for (const IpAddress& any : out.addresses)
    if (any.is_unspecified() &&
        std::any_of(out.addresses.begin(), out.addresses.end(), [&any](const IpAddress& other) {
          return other.family() == any.family() && other != any;
        }))
      problems.push_back("--address " + any.to_string() +
                         ": means every address of its family, no further one can be given");
}

void take_bootstraps(const std::vector<std::string>& texts, Config& out, Problems& problems) {
  for (const std::string& text : texts) {
    const auto bootstrap = HostPort::parse(text);
    if (!bootstrap)
      problems.push_back("--bootstrap " + printable(text) +
                         ": not HOST:PORT (as in hub.example:3731, 192.0.2.1:3731, "
                         "[2001:db8::1]:3731)");
    else if (std::find(out.bootstraps.begin(), out.bootstraps.end(), *bootstrap) ==
             out.bootstraps.end())
      out.bootstraps.push_back(*bootstrap);
  }
  if (out.bootstraps.size() > kMaxBootstraps)
    problems.push_back("--bootstrap: at most " + std::to_string(kMaxBootstraps) + " of them");
}

void take_log(const Texts& texts, Config& out, Problems& problems) {
  if (const auto levels = out.log.levels.with(texts.log_level))
    out.log.levels = *levels;
  else
    problems.push_back("--log-level " + printable(texts.log_level) + ": " + levels.error().message);
  if (const auto format = io::parse_log_format(texts.log_format))
    out.log.format = *format;
  else
    problems.push_back("--log.format " + printable(texts.log_format) +
                       ": is text, key=value or json");
  out.log.addresses = texts.log_addresses == "on";
  if (texts.log_addresses != "on" && texts.log_addresses != "off")
    problems.push_back("--log.addresses " + printable(texts.log_addresses) + ": is on or off");
}

void take_metrics(const std::string& text, Config& out, Problems& problems) {
  if (text.empty()) return;
  const auto where = Endpoint::parse(text);
  if (where && where->port != 0)
    out.metrics = *where;
  else
    problems.push_back("--metrics.listen " + printable(text) +
                       ": needs ADDRESS:PORT, like 127.0.0.1:9732 or [::1]:9732");
}

std::variant<Config, Printed, Error> check(const Texts& texts, Problems problems) {
  Config out;
  take_addresses(texts.addresses, out, problems);
  constexpr std::uint64_t kLastPort = 65535 - kOtherPort;
  if (const auto port = number<std::uint16_t>(texts.port, 1, kLastPort))
    out.port = *port;
  else
    problems.push_back("--port " + printable(texts.port) + ": not a number from 1 to " +
                       std::to_string(kLastPort) + " (the second port is the first one and " +
                       std::to_string(kOtherPort) + ")");
  take_bootstraps(texts.bootstraps, out, problems);
  if (const auto network = number<std::uint32_t>(texts.network, 0, 0xffffffffU))
    out.dht_network = *network;
  else
    problems.push_back("--dht-network " + printable(texts.network) +
                       ": not a number from 0 to 4294967295");
  out.state_dir = texts.state_dir;
  take_log(texts, out, problems);
  take_metrics(texts.metrics, out, problems);
  if (problems.empty()) return out;
  std::string all;
  for (const std::string& problem : problems) all += (all.empty() ? "" : "\n") + problem;
  return Error::usage(all);
}

void one(CLI::App& app, const std::string& names, std::string& target,
         const std::string& placeholder, const std::string& help) {
  app.add_option(names, target, help)
      ->type_name(placeholder)
      ->capture_default_str()
      ->multi_option_policy(CLI::MultiOptionPolicy::Throw);
}

// A vector option would swallow whatever follows it.
void many(CLI::App& app, const std::string& names, std::vector<std::string>& target,
          const std::string& placeholder, const std::string& help) {
  app.add_option(names, target, help)
      ->type_name(placeholder)
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void describe(CLI::App& app, Texts& texts) {
  app.name("meshhub");
  app.get_formatter()->column_width(36);
  app.get_formatter()->label("OPTIONS", "OPTION…");
  app.set_help_flag("-h,--help", "print this and exit");
  app.set_version_flag("--version", "meshhub " MESHNODE_VERSION, "print the version and exit");
  app.allow_extras();
  many(app, "-a,--address", texts.addresses, "ADDRESS",
       "answer on this address; may be given again (every address of this machine)");
  one(app, "-p,--port", texts.port, "PORT",
      "UDP port of DHT and STUN; STUN is answered on PORT+2 too");
  many(app, "--bootstrap", texts.bootstraps, "HOST:PORT",
       "another hub or any node of the same DHT; may be given again");
  one(app, "--dht-network", texts.network, "N", "OpenDHT's network id; 0 is the public DHT");
  one(app, "--state-dir", texts.state_dir, "DIR",
      "remember the node id and known nodes here (nothing is remembered)");
  one(app, "--log-level", texts.log_level, "LEVELS",
      "trace, debug, info, warn, error or off; of one module: dht=debug");
  one(app, "--log.format", texts.log_format, "text|key=value|json", "how lines of the log look");
  one(app, "--log.addresses", texts.log_addresses, "on|off", "addresses of others in the log");
  one(app, "--metrics.listen", texts.metrics, "ADDRESS:PORT",
      "tell Prometheus here, over HTTP (nowhere)");
  app.footer("Needs no privileges and no key, and carries no data.");
}

}  // namespace

std::variant<Config, Printed, Error> parse(int argc, const char* const* argv) {
  CLI::App app("A public seed of meshnode's directory and a mirror for addresses (DHT and STUN).");
  Texts texts;
  texts.port = std::to_string(kDefaultPort);
  texts.network = "3731";
  texts.log_level = "info";
  texts.log_format = "text";
  texts.log_addresses = "off";
  describe(app, texts);
  std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
  try {
    app.parse(arguments);
  } catch (const CLI::CallForHelp&) {
    return Printed{app.help()};
  } catch (const CLI::CallForVersion& version) {
    return Printed{version.what() + std::string("\n")};
  } catch (const CLI::ParseError& wrong) {
    return Error::usage(printable(wrong.what()) + " (see meshhub --help)");
  }
  Problems problems;
  for (const std::string& unknown : app.remaining())
    problems.push_back(printable(unknown) + ": meshhub knows no such " +
                       (unknown.starts_with("-") ? "option" : "argument") +
                       " (see meshhub --help)");
  return check(texts, std::move(problems));
}

}  // namespace meshnode::hub
