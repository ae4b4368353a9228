#include "node/metrics_text.h"

#include <array>

#include "control/printable.h"
#include "metrics/exposition.h"

namespace meshnode::node {
namespace {

using control::PeerState;
using control::PeerStatus;
using control::Snapshot;
using metrics::Exposition;
using metrics::Labels;
using Type = Exposition::Type;

double from_ms(double ms) {
  return ms / 1e3;
}

// ---- the node

void tell_node(Exposition& out, const Snapshot& snapshot, std::string_view version) {
  const control::NodeStatus& node = snapshot.node;
  out.family(Type::info, "meshnode_build", "The running program and its interface.");
  out.sample({{"version", std::string(version)},
              {"interface", control::printable(node.interface)},
              {"network", control::printable(node.network)}},
             1U);
  out.family(Type::gauge, "meshnode_uptime_seconds", "Since the program started.", "seconds");
  out.sample({}, node.uptime_s);
  out.family(Type::gauge, "meshnode_known_members", "Other members, with or without an edge.");
  out.sample({}, node.known_members);
}

void tell_discovery(Exposition& out, const control::DiscoveryStatus& discovery) {
  if (discovery.dht) {
    constexpr std::array<std::pair<const char*, control::DhtState>, 3> kStates{
        {{"connected", control::DhtState::connected},
         {"connecting", control::DhtState::connecting},
         {"disconnected", control::DhtState::disconnected}}};
    out.family(Type::gauge, "meshnode_dht_state", "1 for the state that the DHT is in.");
    for (const auto& [word, state] : kStates)
      out.sample({{"state", word}}, discovery.dht->state == state ? 1U : 0U);
    out.family(Type::gauge, "meshnode_dht_good_nodes", "Nodes of the DHT that answer.");
    out.sample({}, discovery.dht->nodes);
  }
  if (discovery.bootstraps.empty()) return;
  out.family(Type::gauge, "meshnode_bootstrap_up", "1 where the bootstrap answers.");
  for (const auto& bootstrap : discovery.bootstraps)
    out.sample({{"bootstrap", control::printable(bootstrap.address)}}, bootstrap.up ? 1U : 0U);
}

void tell_data_plane(Exposition& out, const control::DataPlaneStatus& data_plane) {
  out.family(Type::gauge, "meshnode_data_plane_threads", "Threads that move packets.");
  out.sample({}, data_plane.threads);
  out.family(Type::gauge, "meshnode_data_plane_active",
             "1 where the kernel or the CPU does it for us.");
  for (const auto& rung : data_plane.rungs)
    out.sample({{"rung", control::printable(rung.name)}}, rung.active ? 1U : 0U);
}

void tell_drops(Exposition& out, const DropCounters& drops) {
  out.family(Type::counter, "meshnode_drops", "Datagrams and packets thrown away, by reason.");
  for (std::size_t i = 0; i < static_cast<std::size_t>(Drop::count_); ++i) {
    const auto reason = static_cast<Drop>(i);
    out.sample({{"reason", std::string(name(reason))}}, drops[reason]);
  }
}

void tell_peers(Exposition& out, const std::vector<PeerStatus>& peers) {
  constexpr std::array<std::pair<const char*, PeerState>, 4> kStates{
      {{"connected", PeerState::connected},
       {"connecting", PeerState::connecting},
       {"idle", PeerState::idle},
       {"unreachable", PeerState::unreachable}}};
  std::array<std::uint64_t, kStates.size()> counts{};
  for (const PeerStatus& peer : peers) ++counts[static_cast<std::size_t>(peer.state)];
  out.family(Type::gauge, "meshnode_peers", "Peers by state.");
  for (const auto& [word, state] : kStates)
    out.sample({{"state", word}}, counts[static_cast<std::size_t>(state)]);
}

// ---- what goes through the tunnel

struct Flow {
  const char* name;  // after "meshnode_" and "meshnode_edge_"
  const char* help;
  const char* unit;
  std::uint64_t PeerStatus::*of_peer;
  std::uint64_t EdgeLedger::Traffic::*of_ledger;
};

constexpr std::array<Flow, 4> kFlows{
    {{"sent_bytes", "Bytes of inner packets sent.", "bytes", &PeerStatus::tx_bytes,
      &EdgeLedger::Traffic::tx_bytes},
     {"received_bytes", "Bytes of inner packets received.", "bytes", &PeerStatus::rx_bytes,
      &EdgeLedger::Traffic::rx_bytes},
     {"sent_packets", "Inner packets sent.", "", &PeerStatus::tx_packets,
      &EdgeLedger::Traffic::tx_packets},
     {"received_packets", "Inner packets received.", "", &PeerStatus::rx_packets,
      &EdgeLedger::Traffic::rx_packets}}};

void tell_totals(Exposition& out, const EdgeLedger& edges) {
  for (const Flow& flow : kFlows) {
    out.family(Type::counter, std::string("meshnode_") + flow.name,
               std::string(flow.help) + " All edges together.", flow.unit);
    out.sample({}, edges.all().*flow.of_ledger);
  }
}

// ---- the edges

using Edges = std::vector<const PeerStatus*>;

// Names may be equal; ids are not.
Labels labels_of(const PeerStatus& peer) {
  return {{"peer", control::printable(peer.name.value_or(peer.id.short_string()))},
          {"id", peer.id.to_string()}};
}

void tell_edge_state(Exposition& out, const Edges& edges, std::uint64_t without_labels) {
  out.family(Type::gauge, "meshnode_edges_without_labels",
             "Peers beyond the bound, told of with id rest only.");
  out.sample({}, without_labels);
  out.family(Type::gauge, "meshnode_edge_connected", "1 where there is an edge that works.");
  for (const PeerStatus* peer : edges)
    out.sample(labels_of(*peer), peer->state == PeerState::connected ? 1U : 0U);
  out.family(Type::info, "meshnode_edge", "The kind of path, and the cipher.");
  for (const PeerStatus* peer : edges) {
    if (!peer->path || !peer->edge) continue;
    Labels labels = labels_of(*peer);
    labels.emplace_back("path", peer->path->kind == control::PathKind::lan ? "lan" : "direct");
    labels.emplace_back("cipher", control::printable(peer->edge->cipher.value_or("none")));
    out.sample(labels, 1U);
  }
}

void tell_edge_traffic(Exposition& out, const Edges& edges, const EdgeLedger& ledger) {
  for (const Flow& flow : kFlows) {
    out.family(Type::counter, std::string("meshnode_edge_") + flow.name,
               std::string(flow.help) + " By edge; id rest: all that have no labels.",
               flow.unit);
    for (const PeerStatus* peer : edges) out.sample(labels_of(*peer), peer->*flow.of_peer);
    out.sample({{"peer", ""}, {"id", "rest"}}, ledger.rest().*flow.of_ledger);
  }
}

struct Figure {
  Type type;
  const char* name;
  const char* help;
  const char* unit;
  double (*of)(const control::EdgeStatus& edge);
};

constexpr std::array<Figure, 11> kFigures{{
    {Type::gauge, "meshnode_edge_rtt_seconds", "Round trip, the last one.", "seconds",
     [](const control::EdgeStatus& edge) { return from_ms(edge.rtt_last_ms); }},
    {Type::gauge, "meshnode_edge_rtt_average_seconds", "Round trip, on average.", "seconds",
     [](const control::EdgeStatus& edge) { return from_ms(edge.rtt_avg_ms); }},
    {Type::gauge, "meshnode_edge_rtt_least_seconds", "Round trip, the shortest one.", "seconds",
     [](const control::EdgeStatus& edge) { return from_ms(edge.rtt_min_ms); }},
    {Type::gauge, "meshnode_edge_rtt_jitter_seconds", "How much round trips differ.", "seconds",
     [](const control::EdgeStatus& edge) { return from_ms(edge.rtt_jitter_ms); }},
    {Type::gauge, "meshnode_edge_probe_loss_ratio", "Of the last probes, those without an answer.",
     "ratio",
     [](const control::EdgeStatus& edge) {
       return edge.probes == 0 ? 0.0 : static_cast<double>(edge.lost) / edge.probes;
     }},
    {Type::gauge, "meshnode_edge_silence_seconds", "Since something was heard.", "seconds",
     [](const control::EdgeStatus& edge) { return static_cast<double>(edge.heard_s); }},
    {Type::gauge, "meshnode_edge_keep_alive_seconds", "Between probes, at rest.", "seconds",
     [](const control::EdgeStatus& edge) { return static_cast<double>(edge.keep_alive_s); }},
    {Type::gauge, "meshnode_edge_datagram_bytes", "What the path is known to carry.", "bytes",
     [](const control::EdgeStatus& edge) { return static_cast<double>(edge.datagram); }},
    {Type::gauge, "meshnode_edge_mtu_settled", "1 where larger datagrams are known not to fit.", "",
     [](const control::EdgeStatus& edge) { return edge.mtu_settled ? 1.0 : 0.0; }},
    {Type::counter, "meshnode_edge_handshakes", "Handshakes done.", "",
     [](const control::EdgeStatus& edge) { return static_cast<double>(edge.handshakes); }},
    {Type::counter, "meshnode_edge_path_changes", "Changes of the path that carries data.", "",
     [](const control::EdgeStatus& edge) { return static_cast<double>(edge.path_changes); }},
}};

void tell_figures(Exposition& out, const Edges& edges) {
  for (const Figure& figure : kFigures) {
    out.family(figure.type, figure.name, figure.help, figure.unit);
    for (const PeerStatus* peer : edges)
      if (peer->edge) out.sample(labels_of(*peer), figure.of(*peer->edge));
  }
  out.family(Type::gauge, "meshnode_edge_handshake_age_seconds", "Since the last handshake.",
             "seconds");
  for (const PeerStatus* peer : edges)
    if (peer->handshake_age_s) out.sample(labels_of(*peer), *peer->handshake_age_s);
}

}  // namespace

std::string metrics_text(const Snapshot& snapshot, const EdgeLedger& edges,
                         std::string_view version) {
  Edges labelled;
  for (const PeerStatus& peer : snapshot.peers)
    if (edges.labelled(peer.id)) labelled.push_back(&peer);
  Exposition out;
  tell_node(out, snapshot, version);
  tell_discovery(out, snapshot.discovery);
  tell_data_plane(out, snapshot.data_plane);
  tell_drops(out, snapshot.drops);
  tell_peers(out, snapshot.peers);
  tell_totals(out, edges);
  tell_edge_state(out, labelled, edges.rest_edges());
  tell_edge_traffic(out, labelled, edges);
  tell_figures(out, labelled);
  return std::move(out).finish();
}

}  // namespace meshnode::node
