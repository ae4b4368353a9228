// What a running node knows about itself, as plain values: the engine's side fills it in, meshctl
// shows it. The names of the members are the names in `meshctl status --json`; an empty optional is
// `null` there and means unknown.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/drop.h"
#include "base/endpoint.h"
#include "base/ids.h"

namespace meshnode::control {

struct NodeStatus {
  NodeId id;
  std::string name;
  std::vector<IpAddress> addresses;  // inside the tunnel, the IPv6 one first
  std::string interface;
  std::uint16_t port = 0;
  std::uint64_t uptime_s = 0;
  std::string network;  // fingerprint, "7f3a-91c2"
  std::vector<Endpoint> reflexive;
  std::uint64_t known_members = 0;  // others, with or without an edge
};

enum class DhtState : std::uint8_t { connected, connecting, disconnected };
struct DhtStatus {
  DhtState state = DhtState::disconnected;
  std::uint32_t nodes = 0;
};

struct BootstrapStatus {
  std::string address;  // HOST:PORT as it was given
  bool up = false;
};

enum class DiscoveryMode : std::uint8_t { dht, lan_only };
struct DiscoveryStatus {
  DiscoveryMode mode = DiscoveryMode::lan_only;
  std::optional<DhtStatus> dht;
  std::vector<BootstrapStatus> bootstraps;
};

enum class PeerState : std::uint8_t { connected, connecting, idle, unreachable };
enum class PathKind : std::uint8_t { lan, direct };

struct PathStatus {
  PathKind kind = PathKind::direct;
  std::optional<Endpoint> local;
  Endpoint remote;
  std::optional<double> rtt_ms;
};

// What is known of an edge besides its path. Times of our own probes in milliseconds; what they
// mean exactly is in docs/control.md.
struct EdgeStatus {
  std::optional<Endpoint> observed{};  // where the peer saw us
  double rtt_last_ms = 0;
  double rtt_min_ms = 0;
  double rtt_avg_ms = 0;
  double rtt_jitter_ms = 0;
  std::uint32_t probes = 0;             // of the last ones, those whose fate is known
  std::uint32_t lost = 0;               // of these
  std::uint64_t heard_s = 0;            // since something was heard
  std::uint64_t keep_alive_s = 0;       // between probes, at rest
  std::uint32_t datagram = 0;           // bytes that the path is known to carry
  bool mtu_settled = false;             // what is larger does not fit, as far as we know
  std::optional<std::string> cipher{};  // nothing: no keys at present
  std::uint32_t handshakes = 0;
  std::uint64_t path_changes = 0;
  bool operator==(const EdgeStatus&) const = default;
};

// Bytes and packets are inner ones (what went through the tunnel).
struct PeerStatus {
  NodeId id;
  std::optional<std::string> name;  // as the peer says it: untrusted bytes, at most 32
  std::vector<IpAddress> addresses;
  PeerState state = PeerState::idle;
  std::optional<PathStatus> path;
  std::uint64_t tx_bytes = 0;
  std::uint64_t rx_bytes = 0;
  std::uint64_t tx_packets = 0;
  std::uint64_t rx_packets = 0;
  std::optional<std::uint64_t> handshake_age_s;
  std::optional<std::string> reason;       // a code for programs
  std::optional<std::string> reason_text;  // a sentence for people
  std::optional<EdgeStatus> edge;          // while there is a path
};

// Something fast that the kernel can do for us, and whether it does.
struct RungStatus {
  std::string name;  // of its setting
  bool active = false;
  std::string why_not;  // empty while active
  bool operator==(const RungStatus&) const = default;
};

struct DataPlaneStatus {
  std::vector<RungStatus> rungs;
  std::uint32_t threads = 0;  // that move packets; 0: an earlier version does not tell
};

// How names of members are known to the machine.
struct NamesStatus {
  static constexpr std::size_t kMostConflicts = 16;
  std::optional<Endpoint> server;      // where DNS questions are answered
  bool hosts = false;                  // members stand in /etc/hosts
  std::vector<std::string> conflicts;  // a sentence each, at most kMostConflicts
  bool operator==(const NamesStatus&) const = default;
};

// All members known, in any order; to_json keeps it.
struct Snapshot {
  NodeStatus node;
  DiscoveryStatus discovery;
  DataPlaneStatus data_plane;
  NamesStatus names;
  std::vector<PeerStatus> peers;
  DropCounters drops;
};

}  // namespace meshnode::control
