// meshnode's configuration: command line over file over defaults. Everything in a Config has been
// checked; all problems are found in one go.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/endpoint.h"
#include "base/host_port.h"
#include "base/result.h"
#include "io/log.h"
#include "overlay/network.h"

namespace meshnode::node {

using io::LogLevel;
using io::LogModule;

// What the kernel may do for us, each with a switch, since kernels have bugs.
struct DataPlane {
  bool tun_offloads = true;        // super-frames and open checksums at the TUN device
  bool tun_tcp_coalescing = true;  // TCP super-frames are written to it
  bool tun_udp_coalescing = true;  // UDP super-frames
  bool udp_gso = true;             // runs of datagrams are sent whole
  bool udp_gro = true;             // and received whole
  bool ipsec_mb = true;            // AES with the CPU's vector instructions
  bool copy_dscp = false;          // the underlay sees the DSCP of inner packets
  // That move packets, 1 or 2; not given: as suits the CPUs.
  std::optional<unsigned> threads{};
};

// How names of members are made known to this machine.
struct NameOptions {
  bool dns = true;     // answered on our own address; systemd-resolved is told to ask there
  bool hosts = false;  // kept in /etc/hosts
};

struct Config {
  std::vector<HostPort> bootstraps;  // at most kMaxHosts
  bool lan_only = false;
  std::optional<bool> serve_dht;  // not given: whoever can be reached serves
  bool full_mesh = false;         // an edge with every member, however many there are
  bool share_map = true;          // members may ask with whom we have edges
  std::optional<overlay::NetworkSecret> key;
  std::optional<std::string> seed;    // never together with `key`
  std::string name;                   // printable UTF-8, 1 to 32 bytes
  std::optional<std::uint16_t> port;  // only if given: then a busy port is an error
  std::uint16_t lan_port = 3732;
  std::string interface = "mesh0";
  std::vector<Cidr> addresses;  // IPv4 host addresses, at most 2
  std::uint16_t mtu = 1420;
  std::uint32_t dht_network = 3731;
  std::vector<HostPort> stuns;  // at most kMaxHosts
  std::string state_dir;        // default /var/lib/meshnode/INTERFACE
  std::string control;          // default /run/meshnode/INTERFACE.sock
  io::LogSettings log{};
  std::optional<Endpoint> metrics;  // where they are told; not given: nowhere
  DataPlane data_plane{};
  NameOptions names{};
  // Absolute paths by monitor::HookEvent; empty: none.
  std::array<std::string, 4> hooks{};
  // What a person should know though nothing is wrong; one sentence each, no secrets in them.
  std::vector<std::string> notices;
};

inline constexpr std::size_t kMaxHosts = 16;
inline constexpr std::size_t kMaxName = 32;      // bytes, as on the wire
inline constexpr std::size_t kMaxAddresses = 2;  // claims

// --help, --version, --check-config when all is right, …: print it on stdout and exit 0.
struct Printed {
  std::string text;
};

// An Error here has kind `usage`; its message holds one sentence per line, one for each problem.
using Parsed = std::variant<Config, Printed, Error>;

// What parsing needs from the machine.
struct Surroundings {
  std::string host_name;  // any bytes: sanitized into the default name
  int stdin_fd = 0;       // read for `--key @-`: one line, nothing behind it
};
Surroundings machine_surroundings();

// Overwrites the secrets in argv before anything else happens. Reads the files that --config and
// --key name; writes nothing but the prompt for `--key @-` on a terminal (stderr).
Parsed parse(int argc, char** argv, const Surroundings& surroundings);

// What the same options mean by now, files read again.
Parsed parse_again(std::vector<std::string> arguments);

// The machine's name as a node's name: its first label, foreign characters as '-', "node" if
// nothing is left.
std::string default_name(const std::string& host_name);

}  // namespace meshnode::node
