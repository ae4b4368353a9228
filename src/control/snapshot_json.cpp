#include "control/snapshot_json.h"

#include "base/text.h"
#include "control/json_values.h"

namespace meshnode::control {
namespace {

constexpr Words<DhtState, 3> kDhtStates{{{DhtState::connected, "connected"},
                                         {DhtState::connecting, "connecting"},
                                         {DhtState::disconnected, "disconnected"}}};
constexpr Words<DiscoveryMode, 2> kModes{
    {{DiscoveryMode::dht, "dht"}, {DiscoveryMode::lan_only, "lan-only"}}};

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

Json json_of(const NamesStatus& names) {
  return {{"server", text_or_null(names.server)},
          {"hosts", names.hosts},
          {"conflicts", names.conflicts}};
}

Json json_of(const DropCounters& drops) {
  Json out = Json::object();
  for (std::size_t i = 0; i < static_cast<std::size_t>(Drop::count_); ++i) {
    const auto reason = static_cast<Drop>(i);
    if (drops[reason] != 0) out[std::string(name(reason))] = drops[reason];
  }
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

// Not told by earlier versions.
NamesStatus names_of(const Json& json) {
  NamesStatus out;
  const auto found = json.find("names");
  if (found == json.end()) return out;
  if (!found->at("server").is_null()) out.server = parsed<Endpoint>(found->at("server"));
  found->at("hosts").get_to(out.hosts);
  found->at("conflicts").get_to(out.conflicts);
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
                    {"names", json_of(snapshot.names)},
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
    out.names = names_of(json);
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
