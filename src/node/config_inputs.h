// What was typed, before anybody asks what it means: texts by option name, each with the place that
// it came from. Command line and file meet here.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "node/config.h"

namespace meshnode::node {

// flag: given or not. toggle: on or off, true or false in the file. count: a number or a word.
enum class Shape : std::uint8_t { text, number, flag, toggle, count, list };

// The one list of options: command line, file and help are made from it.
struct OptionSpec {
  const char* name;  // long name without dashes, and key in the file; a dot divides section and key
  Shape shape;
  const char* placeholder;
  const char* standard;  // the default, as help shows it
  const char* group;
  const char* help;
};

inline constexpr std::array<OptionSpec, 35> kOptions{{
    {"key", Shape::text, "TOKEN|@FILE|@-", "", "Network",
     "the join token, or a file that holds it, or - for standard input"},
    {"seed", Shape::text, "TEXT", "", "Network", "a network made from any text: for play"},
    {"lan-only", Shape::flag, "", "", "Network", "this LAN only: no DHT, no internet"},
    {"bootstrap", Shape::list, "HOST:PORT", "", "Network",
     "a hub, or any member that can be reached: a way into the DHT; up to 16"},
    {"serve-dht", Shape::text, "auto|on|off", "auto", "Network",
     "be a way into the DHT for others (auto: with a public address)"},
    {"edges", Shape::text, "auto|all", "auto", "Network",
     "keep an edge with every member (auto: with up to 64, the others on demand)"},
    {"share-map", Shape::toggle, "on|off", "on", "Network",
     "tell members that ask with whom there are edges (meshctl map)"},
    {"name", Shape::text, "NAME", "", "This node",
     "what the others call this node (default: the host name)"},
    {"address", Shape::list, "CIDR", "", "This node",
     "an IPv4 address inside, like 10.77.0.1/24; up to 2"},
    {"interface", Shape::text, "NAME", "mesh0", "This node",
     "the network interface to make; another one is a second network"},
    {"mtu", Shape::number, "N", "1420", "This node", "largest packet inside, 1280 to 9000"},
    {"port", Shape::number, "N", "", "Ports",
     "UDP port for everything (default: a free one, remembered)"},
    {"lan-port", Shape::number, "N", "3732", "Ports", "UDP port of the LAN beacon"},
    {"dht-network", Shape::number, "N", "3731", "Ports", "OpenDHT network number"},
    {"stun", Shape::list, "HOST:PORT", "", "Ports",
     "a STUN server, besides the bootstraps; up to 16"},
    {"state-dir", Shape::text, "DIR", "/var/lib/meshnode/INTERFACE", "Files and log",
     "what is remembered between starts"},
    {"control", Shape::text, "PATH", "/run/meshnode/INTERFACE.sock", "Files and log",
     "the socket for meshctl"},
    {"log-level", Shape::text, "LEVELS", "info", "Files and log",
     "trace, debug, info, warn, error or off; of one module: dht=debug"},
    {"names.dns", Shape::toggle, "on|off", "on", "Names",
     "answer for NAME.mesh on this machine; systemd-resolved asks us where it runs"},
    {"names.hosts", Shape::toggle, "on|off", "off", "Names",
     "keep the members in /etc/hosts, for machines without it"},
    {"data_plane.tun_offloads", Shape::toggle, "on|off", "on", "Data plane",
     "super-frames and open checksums at the interface"},
    {"data_plane.tun_tcp_coalescing", Shape::toggle, "on|off", "on", "Data plane",
     "join TCP segments for the interface"},
    {"data_plane.tun_udp_coalescing", Shape::toggle, "on|off", "on", "Data plane",
     "join UDP datagrams for the interface"},
    {"data_plane.udp_gso", Shape::toggle, "on|off", "on", "Data plane",
     "send runs of datagrams in one piece"},
    {"data_plane.udp_gro", Shape::toggle, "on|off", "on", "Data plane",
     "receive runs of datagrams in one piece"},
    {"data_plane.ipsec_mb", Shape::toggle, "on|off", "on", "Data plane",
     "encrypt with vector instructions"},
    {"data_plane.copy_dscp", Shape::toggle, "on|off", "off", "Data plane",
     "show the packets' DSCP outside"},
    {"data_plane.threads", Shape::count, "auto|1|2", "auto", "Data plane",
     "threads that move packets (auto: 2 with more than two CPUs)"},
    {"log.format", Shape::text, "text|key=value|json", "text", "Log and metrics",
     "how lines of the log look"},
    {"log.addresses", Shape::toggle, "on|off", "off", "Log and metrics",
     "addresses of peers and of the inside in the log"},
    {"metrics.listen", Shape::text, "ADDRESS:PORT", "", "Log and metrics",
     "tell Prometheus here, over HTTP (default: nowhere)"},
    {"hooks.interface-up", Shape::text, "PROGRAM", "", "Hooks", "run when the interface is there"},
    {"hooks.interface-down", Shape::text, "PROGRAM", "", "Hooks", "run before it goes"},
    {"hooks.peer-up", Shape::text, "PROGRAM", "", "Hooks", "run when a peer is connected"},
    {"hooks.peer-down", Shape::text, "PROGRAM", "", "Hooks", "run when it is not any more"},
}};

struct Given {
  std::string text;   // flags: "true", or they are not in the inputs at all
  std::string place;  // "--port" or "mesh.toml:3: port"
  bool from_file = false;
};

using Inputs = std::map<std::string, std::vector<Given>, std::less<>>;
using Problems = std::vector<std::string>;  // one sentence each

struct CommandLine {
  Inputs inputs;
  Problems problems;
  std::optional<std::string> config_file;
  bool check_only = false;
};

// `arguments` without the program's name. Only CLI11's own complaints end in an Error.
std::variant<CommandLine, Printed, Error> read_command_line(std::vector<std::string> arguments);

// All that is wrong with keys and types becomes problems; the values are not looked at.
void read_config_file(const std::string& path, Inputs& inputs, Problems& problems,
                      std::vector<std::string>& notices);

// "; did you mean NAME?", or nothing if no option's name is near. `dashes` go before both.
std::string did_you_mean(std::string_view mistyped, std::string_view dashes);

// The notice about a secret in a file that is not private.
std::string others_can_read(const std::string& path);

}  // namespace meshnode::node
