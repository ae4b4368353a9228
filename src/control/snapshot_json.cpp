#include "control/snapshot_json.h"

#include <array>
#include <cmath>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/text.h"

namespace meshnode::control {
namespace {

using Json = nlohmann::ordered_json;

// Words of the enums, in both directions.
template <typename Enum, std::size_t N>
using Words = std::array<std::pair<Enum, const char*>, N>;

constexpr Words<DhtState, 3> kDhtStates{{{DhtState::connected, "connected"},
                                         {DhtState::connecting, "connecting"},
                                         {DhtState::disconnected, "disconnected"}}};
constexpr Words<DiscoveryMode, 2> kModes{
    {{DiscoveryMode::dht, "dht"}, {DiscoveryMode::lan_only, "lan-only"}}};
constexpr Words<PeerState, 4> kPeerStates{{{PeerState::connected, "connected"},
                                           {PeerState::connecting, "connecting"},
                                           {PeerState::idle, "idle"},
                                           {PeerState::unreachable, "unreachable"}}};
constexpr Words<PathKind, 2> kPathKinds{{{PathKind::lan, "lan"}, {PathKind::direct, "direct"}}};

template <typename Enum, std::size_t N>
const char* word(const Words<Enum, N>& words, Enum value) {
  for (const auto& [known, text] : words)
    if (known == value) return text;
  return "unknown";
}

// What does not fit the snapshot; caught in from_json() like nlohmann's own exceptions.
struct Misfit : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <typename Enum, std::size_t N>
Enum value_of(const Words<Enum, N>& words, const std::string& text) {
  for (const auto& [known, name] : words)
    if (text == name) return known;
  throw Misfit("\"" + text + "\"");
}

template <typename T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

template <typename T>
Json texts(const std::vector<T>& values) {
  Json out = Json::array();
  for (const T& value : values) out.push_back(value.to_string());
  return out;
}

double rounded(double ms) {
  return std::round(ms * 1000) / 1000;
}

Json json_of(const NodeStatus& node) {
  return {{"id", node.id.to_string()},
          {"name", node.name},
          {"addresses", texts(node.addresses)},
          {"interface", node.interface},
          {"port", node.port},
          {"uptime_s", node.uptime_s},
          {"network", node.network},
          {"reflexive", texts(node.reflexive)},
          {"known_members", node.known_members}};
}

Json json_of(const DiscoveryStatus& discovery) {
  Json dht;
  if (discovery.dht)
    dht = {{"state", word(kDhtStates, discovery.dht->state)}, {"nodes", discovery.dht->nodes}};
  Json bootstraps = Json::array();
  for (const BootstrapStatus& bootstrap : discovery.bootstraps)
    bootstraps.push_back({{"address", bootstrap.address}, {"state", bootstrap.up ? "up" : "down"}});
  return {{"mode", word(kModes, discovery.mode)},
          {"dht", std::move(dht)},
          {"bootstraps", std::move(bootstraps)}};
}

Json json_of(const DataPlaneStatus& data_plane) {
  Json out = Json::object();
  for (const RungStatus& rung : data_plane.rungs)
    out[rung.name] = {{"active", rung.active},
                      {"reason", rung.active ? Json(nullptr) : Json(rung.why_not)}};
  if (data_plane.threads > 0) out["threads"] = data_plane.threads;
  return out;
}

Json json_of(const PathStatus& path) {
  Json out = {{"kind", word(kPathKinds, path.kind)}, {"local", nullptr}};
  if (path.local) out["local"] = path.local->to_string();
  out["remote"] = path.remote.to_string();
  out["rtt_ms"] = path.rtt_ms ? Json(rounded(*path.rtt_ms)) : Json(nullptr);
  return out;
}

Json json_of(const PeerStatus& peer) {
  return {{"id", peer.id.to_string()},
          {"name", or_null(peer.name)},
          {"addresses", texts(peer.addresses)},
          {"state", word(kPeerStates, peer.state)},
          {"path", peer.path ? json_of(*peer.path) : Json(nullptr)},
          {"tx_bytes", peer.tx_bytes},
          {"rx_bytes", peer.rx_bytes},
          {"tx_packets", peer.tx_packets},
          {"rx_packets", peer.rx_packets},
          {"handshake_age_s", or_null(peer.handshake_age_s)},
          {"reason", or_null(peer.reason)},
          {"reason_text", or_null(peer.reason_text)}};
}

Json json_of(const DropCounters& drops) {
  Json out = Json::object();
  for (std::size_t i = 0; i < static_cast<std::size_t>(Drop::count_); ++i) {
    const auto reason = static_cast<Drop>(i);
    if (drops[reason] != 0) out[std::string(name(reason))] = drops[reason];
  }
  return out;
}

// Reading. at() throws for a missing field, get() for a wrong type.

template <typename T>
std::optional<T> optional_of(const Json& json) {
  if (json.is_null()) return std::nullopt;
  return json.get<T>();
}

template <typename T>
T parsed(const Json& json) {
  const auto text = json.get<std::string>();
  const auto value = T::parse(text);
  if (!value) throw Misfit("\"" + text + "\"");
  return *value;
}

template <typename T>
std::vector<T> parsed_list(const Json& json) {
  std::vector<T> out;
  for (const Json& entry : json) out.push_back(parsed<T>(entry));
  return out;
}

NodeStatus node_of(const Json& json) {
  NodeStatus out;
  out.id = parsed<NodeId>(json.at("id"));
  json.at("name").get_to(out.name);
  out.addresses = parsed_list<IpAddress>(json.at("addresses"));
  json.at("interface").get_to(out.interface);
  json.at("port").get_to(out.port);
  json.at("uptime_s").get_to(out.uptime_s);
  json.at("network").get_to(out.network);
  out.reflexive = parsed_list<Endpoint>(json.at("reflexive"));
  // Not told by earlier versions.
  out.known_members = json.value("known_members", std::uint64_t{0});
  return out;
}

DiscoveryStatus discovery_of(const Json& json) {
  DiscoveryStatus out;
  out.mode = value_of(kModes, json.at("mode").get<std::string>());
  const Json& dht = json.at("dht");
  if (!dht.is_null())
    out.dht = DhtStatus{value_of(kDhtStates, dht.at("state").get<std::string>()),
                        dht.at("nodes").get<std::uint32_t>()};
  for (const Json& entry : json.at("bootstraps"))
    out.bootstraps.push_back({entry.at("address").get<std::string>(), entry.at("state") == "up"});
  return out;
}

// Not told by earlier versions.
DataPlaneStatus data_plane_of(const Json& json) {
  DataPlaneStatus out;
  const auto found = json.find("data_plane");
  if (found == json.end()) return out;
  out.threads = found->value("threads", 0U);
  for (const auto& [name, rung] : found->items())
    if (rung.is_object())
      out.rungs.push_back({name, rung.at("active").get<bool>(),
                           optional_of<std::string>(rung.at("reason")).value_or("")});
  return out;
}

PathStatus path_of(const Json& json) {
  PathStatus out;
  out.kind = value_of(kPathKinds, json.at("kind").get<std::string>());
  if (!json.at("local").is_null()) out.local = parsed<Endpoint>(json.at("local"));
  out.remote = parsed<Endpoint>(json.at("remote"));
  out.rtt_ms = optional_of<double>(json.at("rtt_ms"));
  return out;
}

PeerStatus peer_of(const Json& json) {
  PeerStatus out;
  out.id = parsed<NodeId>(json.at("id"));
  out.name = optional_of<std::string>(json.at("name"));
  out.addresses = parsed_list<IpAddress>(json.at("addresses"));
  out.state = value_of(kPeerStates, json.at("state").get<std::string>());
  if (!json.at("path").is_null()) out.path = path_of(json.at("path"));
  json.at("tx_bytes").get_to(out.tx_bytes);
  json.at("rx_bytes").get_to(out.rx_bytes);
  json.at("tx_packets").get_to(out.tx_packets);
  json.at("rx_packets").get_to(out.rx_packets);
  out.handshake_age_s = optional_of<std::uint64_t>(json.at("handshake_age_s"));
  out.reason = optional_of<std::string>(json.at("reason"));
  out.reason_text = optional_of<std::string>(json.at("reason_text"));
  return out;
}

DropCounters drops_of(const Json& json) {
  DropCounters out;
  for (std::size_t i = 0; i < static_cast<std::size_t>(Drop::count_); ++i) {
    const auto reason = static_cast<Drop>(i);
    const auto found = json.find(std::string(name(reason)));
    if (found != json.end()) out.count(reason, found->get<std::uint64_t>());
  }
  return out;
}

}  // namespace

std::string to_json(const Snapshot& snapshot) {
  Json peers = Json::array();
  for (const PeerStatus& peer : snapshot.peers) peers.push_back(json_of(peer));
  const Json out = {{"version", 1},
                    {"node", json_of(snapshot.node)},
                    {"discovery", json_of(snapshot.discovery)},
                    {"data_plane", json_of(snapshot.data_plane)},
                    {"peers", std::move(peers)},
                    {"drops", json_of(snapshot.drops)}};
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Snapshot> from_json(std::string_view text) {
  if (nests_deeper_than(text, kJsonDepth))
    return Error::world("the daemon's status cannot be read: it nests too deeply");
  try {
    const Json json = Json::parse(text);
    Snapshot out;
    out.node = node_of(json.at("node"));
    out.discovery = discovery_of(json.at("discovery"));
    out.data_plane = data_plane_of(json);
    for (const Json& entry : json.at("peers")) out.peers.push_back(peer_of(entry));
    out.drops = drops_of(json.at("drops"));
    return out;
  } catch (const std::exception& misfit) {
    return Error::world(std::string("the daemon's status cannot be read (is meshctl as new as "
                                    "meshnode?): ") +
                        misfit.what());
  }
}

}  // namespace meshnode::control
