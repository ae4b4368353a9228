#include "node/config.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include <unistd.h>

#include "base/secret.h"
#include "control/printable.h"
#include "node/argv.h"
#include "node/config_check.h"
#include "node/config_inputs.h"
#include "node/config_text.h"

namespace meshnode::node {
namespace {

constexpr std::size_t kMaxKeyText = 4096;
constexpr std::size_t kMaxSeedText = 1024;
constexpr std::size_t kMaxSocketPath = 107;  // sockaddr_un
constexpr std::size_t kShownText = 60;

void wipe_text(std::string& text) {
  wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
}

// Turns inputs into a Config, and whatever does not fit into problems.
class Reading {
 public:
  Reading(Inputs inputs, Problems problems, std::vector<std::string> notices,
          const Surroundings& surroundings)
      : inputs_(std::move(inputs)), problems_(std::move(problems)), surroundings_(surroundings) {
    config_.notices = std::move(notices);
  }

  Parsed result() {
    settle_opposites("key", "seed", "--key and --seed both name the network: give one of them");
    settle_opposites("lan-only", "bootstrap",
                     "--lan-only leaves the DHT out and --bootstrap leads into it: give one");
    read_network();
    read_node();
    read_ports();
    read_hooks();
    toggle("names.dns", config_.names.dns);
    toggle("names.hosts", config_.names.hosts);
    read_files();
    read_log();
    read_metrics();
    read_serving();
    read_edges();
    toggle("share-map", config_.share_map);
    read_data_plane();
    if (problems_.empty()) return std::move(config_);
    std::string all;
    for (const std::string& problem : problems_) all += (all.empty() ? "" : "\n") + problem;
    return Error::usage(std::move(all));
  }

 private:
  // ---- the inputs

  const std::vector<Given>& all(const char* name) {
    return inputs_[name];  // nothing given: an empty list
  }
  const Given* one(const char* name) {
    const auto& values = all(name);
    return values.empty() ? nullptr : &values.front();
  }

  // On one level the two are a contradiction; a flag pushes the file's opposite out.
  void settle_opposites(const char* a, const char* b, const char* contradiction) {
    const Given* first = one(a);
    const Given* second = one(b);
    if (first == nullptr || second == nullptr) return;
    if (first->from_file == second->from_file)
      problems_.push_back(first->from_file ? first->place + ": " + contradiction : contradiction);
    inputs_[first->from_file ? a : b].clear();
  }

  void complain(const Given& given, const std::string& what) {
    std::string text = control::printable(std::string_view(given.text).substr(0, kShownText));
    if (text.empty()) text = "\"\"";
    problems_.push_back(given.place + (given.from_file ? " = " : " ") + text + ": " + what);
  }
  // Without the text: it is a secret.
  void complain_secretly(const Given& given, const std::string& what) {
    problems_.push_back(given.place + ": " + what);
  }
  // True when it is right.
  bool check(const Given& given, const Status& status) {
    if (!status) complain(given, status.error().message);
    return status.ok();
  }

  template <typename Int>
  void number(const char* name, std::uint32_t low, std::uint32_t high, const char* what, Int& to) {
    const Given* given = one(name);
    if (given == nullptr) return;
    if (const auto value = parse_number(given->text, low, high))
      to = static_cast<Int>(*value);
    else
      complain(*given, what);
  }

  void toggle(const char* name, bool& to) {
    const Given* given = one(name);
    if (given == nullptr) return;
    if (given->text == "on" || given->text == "off")
      to = given->text == "on";
    else
      complain(*given, "is on or off");
  }

  // ---- the groups of options

  void read_network() {
    config_.lan_only = one("lan-only") != nullptr;
    read_key();
    read_seed();
    read_hosts("bootstrap", config_.bootstraps);
  }

  void read_key() {
    const Given* given = one("key");
    if (given == nullptr) return;
    auto text = key_text(*given);
    if (!text) return complain_secretly(*given, text.error().message);
    auto network = parse_key(*text);
    wipe_text(*text);
    if (!network) {
      const bool in_file = given->text.starts_with('@');
      return complain_secretly(*given,
                               (in_file ? given->text + ": " : "") + network.error().message);
    }
    config_.key = std::move(*network);
  }

  Result<std::string> key_text(const Given& given) {
    if (given.text == "@-") return key_from_stdin();
    if (!given.text.starts_with('@')) return given.text;
    const std::string path = given.text.substr(1);
    auto file = read_text(path, kMaxKeyText);
    if (!file) return Error::usage(control::printable(path) + " " + file.error().message);
    if (file->others_can_read) config_.notices.push_back(others_can_read(path));
    return std::move(file->text);
  }

  Result<std::string> key_from_stdin() {
    if (::isatty(surroundings_.stdin_fd) == 1)
      std::fputs("Paste the key (mesh1…) and press Enter: ", stderr);
    auto line = read_one_line(surroundings_.stdin_fd, kMaxKeyText);
    if (!line) return Error::usage("standard input " + line.error().message);
    return line;
  }

  void read_seed() {
    const Given* given = one("seed");
    if (given == nullptr) return;
    if (given->text.empty() || given->text.size() > kMaxSeedText)
      return complain_secretly(*given, "a text of 1 to 1024 bytes is needed");
    config_.seed = given->text;
    if (weak_seed(given->text))
      config_.notices.push_back(
          "the text of --seed is easy to guess, and who guesses it is in: for anything but play "
          "take a key from meshctl genkey");
  }

  void read_node() {
    config_.name = default_name(surroundings_.host_name);
    if (const Given* given = one("name"); given && check(*given, check_name(given->text)))
      config_.name = given->text;
    if (const Given* given = one("interface"); given && check(*given, check_interface(given->text)))
      config_.interface = given->text;
    // 1280: below it the kernel switches IPv6 off on the interface (RFC 8200 §5).
    number("mtu", 1280, 9000, "an MTU is 1280 (the smallest that IPv6 allows) to 9000",
           config_.mtu);
    for (const Given& given : all("address")) read_address(given);
  }

  void read_address(const Given& given) {
    const auto claim = parse_claim(given.text);
    if (!claim) return complain(given, claim.error().message);
    const auto same = [&](const Cidr& other) { return other.ip == claim->ip; };
    auto& known = config_.addresses;
    if (std::any_of(known.begin(), known.end(), same))
      complain(given, "is given twice");
    else if (known.size() == kMaxAddresses)
      complain(given, "one too many: a node has at most 2 addresses of its own choice");
    else
      known.push_back(*claim);
  }

  void read_ports() {
    constexpr const char* kPort = "a port is a number from 1 to 65535";
    std::uint16_t port = 0;
    number("port", 1, 65535, kPort, port);
    if (port != 0) config_.port = port;
    number("lan-port", 1, 65535, kPort, config_.lan_port);
    if (config_.port == config_.lan_port)
      problems_.push_back("--port and --lan-port are both " + std::to_string(port) +
                          ": the LAN beacon needs a port of its own");
    number("dht-network", 0, 0xffffffffU, "a DHT network is a number from 0 to 4294967295",
           config_.dht_network);
    read_hosts("stun", config_.stuns);
  }

  void read_hosts(const char* name, std::vector<HostPort>& out) {
    for (const Given& given : all(name)) {
      const auto host = parse_host_port(given.text);
      if (!host)
        complain(given, host.error().message);
      else if (out.size() == kMaxHosts)
        return complain(given, "one too many: at most 16");
      else if (std::find(out.begin(), out.end(), *host) == out.end())
        out.push_back(*host);
    }
  }

  void read_edges() {
    const Given* given = one("edges");
    if (given == nullptr || given->text == "auto") return;
    if (given->text == "all")
      config_.full_mesh = true;
    else
      complain(*given, "is auto or all");
  }

  void read_data_plane() {
    DataPlane& to = config_.data_plane;
    toggle("data_plane.tun_offloads", to.tun_offloads);
    toggle("data_plane.tun_tcp_coalescing", to.tun_tcp_coalescing);
    toggle("data_plane.tun_udp_coalescing", to.tun_udp_coalescing);
    toggle("data_plane.udp_gso", to.udp_gso);
    toggle("data_plane.udp_gro", to.udp_gro);
    toggle("data_plane.ipsec_mb", to.ipsec_mb);
    toggle("data_plane.copy_dscp", to.copy_dscp);
    read_threads(to);
  }

  // A path from / on: which program runs with rights must not depend on a working directory.
  void read_hooks() {
    constexpr std::array kNames{"hooks.interface-up", "hooks.interface-down", "hooks.peer-up",
                                "hooks.peer-down"};
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      const Given* given = one(kNames[i]);
      if (given == nullptr) continue;
      if (!given->text.empty() && !given->text.starts_with('/'))
        complain(*given, "is the path of a program, from / on");
      config_.hooks[i] = given->text;
    }
  }

  void read_threads(DataPlane& to) {
    const Given* given = one("data_plane.threads");
    if (given == nullptr || given->text == "auto") return;
    to.threads = parse_number(given->text, 1, 2);
    if (!to.threads) complain(*given, "is auto, 1 or 2");
  }

  void read_serving() {
    const Given* given = one("serve-dht");
    if (given == nullptr || given->text == "auto") return;
    if (given->text == "on" || given->text == "off")
      config_.serve_dht = given->text == "on";
    else
      complain(*given, "is auto, on or off");
  }

  void read_files() {
    config_.state_dir = "/var/lib/meshnode/" + config_.interface;
    if (const Given* given = one("state-dir")) {
      if (given->text.empty()) complain(*given, "needs the path of a folder");
      config_.state_dir = given->text;
    }
    config_.control = "/run/meshnode/" + config_.interface + ".sock";
    if (const Given* given = one("control")) {
      if (given->text.empty() || given->text.size() > kMaxSocketPath)
        complain(*given, "a socket's path has 1 to 107 bytes");
      config_.control = given->text;
    }
  }

  void read_log() {
    if (const Given* given = one("log-level")) {
      const auto levels = config_.log.levels.with(given->text);
      if (levels)
        config_.log.levels = *levels;
      else
        complain(*given, levels.error().message);
    }
    if (const Given* given = one("log.format")) {
      const auto format = io::parse_log_format(given->text);
      if (!format) complain(*given, "is text, key=value or json");
      config_.log.format = format.value_or(io::LogFormat::text);
    }
    toggle("log.addresses", config_.log.addresses);
  }

  void read_metrics() {
    const Given* given = one("metrics.listen");
    if (given == nullptr) return;
    const auto where = Endpoint::parse(given->text);
    if (where && where->port != 0)
      config_.metrics = *where;
    else
      complain(*given, "needs ADDRESS:PORT, like 127.0.0.1:9731 or [::1]:9731");
  }

  Inputs inputs_;
  Problems problems_;
  const Surroundings& surroundings_;
  Config config_;
};

// A flag hides all that the file says about the same option.
void add_under(Inputs& flags, const Inputs& file) {
  for (const auto& [name, values] : file)
    if (flags[name].empty()) flags[name] = values;
}

std::string verdict(const Config& config) {
  std::string out = "the configuration is right\n";
  for (const std::string& notice : config.notices) out += "note: " + notice + "\n";
  return out;
}

}  // namespace

Surroundings machine_surroundings() {
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) != 0) name[0] = '\0';
  return {name, STDIN_FILENO};
}

std::string default_name(const std::string& host_name) {
  std::string out = host_name.substr(0, host_name.find('.')).substr(0, kMaxName);
  for (char& c : out) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!plain && c != '_') c = '-';
  }
  return out.empty() ? "node" : out;
}

Parsed parse_again(std::vector<std::string> arguments) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  return parse(static_cast<int>(argv.size()), argv.data(), machine_surroundings());
}

Parsed parse(int argc, char** argv, const Surroundings& surroundings) {
  std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  wipe_secrets(argc, argv);
  auto read = read_command_line(std::move(arguments));
  if (auto* printed = std::get_if<Printed>(&read)) return std::move(*printed);
  if (auto* error = std::get_if<Error>(&read)) return std::move(*error);
  auto& line = std::get<CommandLine>(read);
  std::vector<std::string> notices;
  if (line.config_file) {
    Inputs file;
    read_config_file(*line.config_file, file, line.problems, notices);
    add_under(line.inputs, file);
  }
  Parsed parsed =
      Reading(std::move(line.inputs), std::move(line.problems), std::move(notices), surroundings)
          .result();
  if (const auto* config = std::get_if<Config>(&parsed); config != nullptr && line.check_only)
    return Printed{verdict(*config)};
  return parsed;
}

}  // namespace meshnode::node
