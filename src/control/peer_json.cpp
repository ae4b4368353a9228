// A peer's status as JSON, both ways.
#include "base/text.h"
#include "control/json_values.h"

namespace meshnode::control {
namespace {

constexpr Words<PeerState, 4> kPeerStates{{{PeerState::connected, "connected"},
                                           {PeerState::connecting, "connecting"},
                                           {PeerState::idle, "idle"},
                                           {PeerState::unreachable, "unreachable"}}};
constexpr Words<PathKind, 2> kPathKinds{{{PathKind::lan, "lan"}, {PathKind::direct, "direct"}}};

}  // namespace

const char* word(PeerState state) {
  return word(kPeerStates, state);
}

const char* word(PathKind kind) {
  return word(kPathKinds, kind);
}

PathKind path_kind_of(const Json& json) {
  return value_of(kPathKinds, json.get<std::string>());
}

Json json_of(const PathStatus& path) {
  return {{"kind", word(path.kind)},
          {"local", text_or_null(path.local)},
          {"remote", path.remote.to_string()},
          {"rtt_ms", ms_or_null(path.rtt_ms)}};
}

Json json_of(const EdgeStatus& edge) {
  return {{"observed", text_or_null(edge.observed)},
          {"rtt_last_ms", rounded(edge.rtt_last_ms)},
          {"rtt_min_ms", rounded(edge.rtt_min_ms)},
          {"rtt_avg_ms", rounded(edge.rtt_avg_ms)},
          {"rtt_jitter_ms", rounded(edge.rtt_jitter_ms)},
          {"probes", edge.probes},
          {"lost", edge.lost},
          {"heard_s", edge.heard_s},
          {"keep_alive_s", edge.keep_alive_s},
          {"datagram", edge.datagram},
          {"mtu_settled", edge.mtu_settled},
          {"cipher", or_null(edge.cipher)},
          {"handshakes", edge.handshakes},
          {"path_changes", edge.path_changes}};
}

Json json_of(const PeerStatus& peer) {
  return {{"id", peer.id.to_string()},
          {"name", or_null(peer.name)},
          {"addresses", texts(peer.addresses)},
          {"state", word(peer.state)},
          {"path", peer.path ? json_of(*peer.path) : Json(nullptr)},
          {"tx_bytes", peer.tx_bytes},
          {"rx_bytes", peer.rx_bytes},
          {"tx_packets", peer.tx_packets},
          {"rx_packets", peer.rx_packets},
          {"handshake_age_s", or_null(peer.handshake_age_s)},
          {"reason", or_null(peer.reason)},
          {"reason_text", or_null(peer.reason_text)},
          {"edge", peer.edge ? json_of(*peer.edge) : Json(nullptr)}};
}

PathStatus path_of(const Json& json) {
  PathStatus out;
  out.kind = path_kind_of(json.at("kind"));
  if (!json.at("local").is_null()) out.local = parsed<Endpoint>(json.at("local"));
  out.remote = parsed<Endpoint>(json.at("remote"));
  out.rtt_ms = optional_of<double>(json.at("rtt_ms"));
  return out;
}

EdgeStatus edge_of(const Json& json) {
  EdgeStatus out;
  if (!json.at("observed").is_null()) out.observed = parsed<Endpoint>(json.at("observed"));
  json.at("rtt_last_ms").get_to(out.rtt_last_ms);
  json.at("rtt_min_ms").get_to(out.rtt_min_ms);
  json.at("rtt_avg_ms").get_to(out.rtt_avg_ms);
  json.at("rtt_jitter_ms").get_to(out.rtt_jitter_ms);
  json.at("probes").get_to(out.probes);
  json.at("lost").get_to(out.lost);
  json.at("heard_s").get_to(out.heard_s);
  json.at("keep_alive_s").get_to(out.keep_alive_s);
  json.at("datagram").get_to(out.datagram);
  json.at("mtu_settled").get_to(out.mtu_settled);
  out.cipher = optional_of<std::string>(json.at("cipher"));
  json.at("handshakes").get_to(out.handshakes);
  json.at("path_changes").get_to(out.path_changes);
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
  // Not told by earlier versions.
  if (const auto edge = json.find("edge"); edge != json.end() && !edge->is_null())
    out.edge = edge_of(*edge);
  return out;
}

}  // namespace meshnode::control
