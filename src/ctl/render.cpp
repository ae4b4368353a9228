#include "ctl/render.h"

#include <vector>

#include "control/printable.h"
#include "ctl/hint.h"
#include "ctl/render_peer.h"
#include "ctl/units.h"

namespace meshnode::ctl {
namespace {

using control::PeerStatus;
using control::printable;
using control::Snapshot;

Row row_of(const PeerStatus& peer) {
  return {{shown_name(peer)},
          state_cell(peer.state),
          {shown_address(peer)},
          {peer.path ? word(peer.path->kind) : kUnknown},
          {peer.path ? peer.path->remote.to_string() : kUnknown},
          {peer.path && peer.path->rtt_ms ? human_ms(*peer.path->rtt_ms) : kUnknown},
          {human_bytes(peer.tx_bytes)},
          {human_bytes(peer.rx_bytes)},
          {peer.handshake_age_s ? human_seconds(*peer.handshake_age_s) + " ago" : kUnknown}};
}

std::string peer_table(std::vector<PeerStatus> peers, const Look& look) {
  sort_for_people(peers);
  std::vector<Row> rows;
  for (const PeerStatus& peer : peers) rows.push_back(row_of(peer));
  return table({{"PEER"},
                {"STATE"},
                {"ADDRESS"},
                {"PATH"},
                {"ENDPOINT"},
                {"RTT", true},
                {"SENT", true},
                {"RECEIVED", true},
                {"HANDSHAKE", true}},
               rows, look);
}

template <typename T>
std::string joined(const std::vector<T>& values) {
  std::string out;
  for (const T& value : values) out += (out.empty() ? "" : ", ") + value.to_string();
  return out.empty() ? kUnknown : out;
}

std::string node_lines(const control::NodeStatus& node) {
  std::string out = "node       " + printable(node.name) + " (" + node.id.short_string() + "), " +
                    printable(node.interface) + ", UDP port " + std::to_string(node.port) +
                    ", up " + human_seconds(node.uptime_s) + "\n";
  out += "addresses  " + joined(node.addresses) + "\n";
  if (!node.reflexive.empty()) out += "seen as    " + joined(node.reflexive) + "\n";
  return out + "network    " + printable(node.network) + "\n";
}

const char* word(control::DhtState state) {
  switch (state) {
    case control::DhtState::connected:
      return "connected";
    case control::DhtState::connecting:
      return "connecting";
    case control::DhtState::disconnected:
      return "disconnected";
  }
  return kUnknown;
}

std::string discovery_line(const control::DiscoveryStatus& discovery) {
  std::string out = "discovery  ";
  if (discovery.mode == control::DiscoveryMode::lan_only) return out + "LAN only\n";
  out += "LAN and DHT";
  if (discovery.dht)
    out += std::string(" (") + word(discovery.dht->state) + ", " +
           std::to_string(discovery.dht->nodes) +
           (discovery.dht->nodes == 1 ? " node)" : " nodes)");
  for (const auto& bootstrap : discovery.bootstraps)
    out += ", " + printable(bootstrap.address) + (bootstrap.up ? " up" : " down");
  return out + "\n";
}

// Rungs with one reason stand together.
std::string data_plane_line(const control::DataPlaneStatus& data_plane) {
  const auto& rungs = data_plane.rungs;
  if (rungs.empty()) return {};  // an earlier version
  std::string missing;
  for (std::size_t i = 0; i < rungs.size(); ++i) {
    if (rungs[i].active) continue;
    missing += (missing.empty() ? "without " : ", ") + printable(rungs[i].name);
    const bool more = i + 1 < rungs.size() && rungs[i + 1].why_not == rungs[i].why_not;
    if (!more) missing += " (" + printable(rungs[i].why_not) + ")";
  }
  std::string threads;
  if (data_plane.threads > 0)
    threads = ", " + std::to_string(data_plane.threads) +
              (data_plane.threads == 1 ? " thread" : " threads");
  return "data plane " + (missing.empty() ? "all offloads" : missing) + threads + "\n";
}

std::string names_lines(const control::NamesStatus& names) {
  std::string out;
  if (names.server) out = "names      NAME.mesh, asked for at " + names.server->to_string() + "\n";
  for (const std::string& conflict : names.conflicts)
    out += "names      " + printable(conflict) + "\n";
  return out;
}

}  // namespace

std::string render_status(const Snapshot& snapshot, const Look& look) {
  std::string out = node_lines(snapshot.node) + discovery_line(snapshot.discovery) +
                    data_plane_line(snapshot.data_plane) + names_lines(snapshot.names);
  // In a large network most members have an edge only while it is of use.
  if (snapshot.node.known_members > snapshot.peers.size())
    out += "members    " + std::to_string(snapshot.node.known_members) +
           " known; the first packet to one makes an edge\n";
  if (!snapshot.peers.empty()) out += "\n" + peer_table(snapshot.peers, look);
  if (const auto text = hint(snapshot))
    out += "\n" + coloured("hint:", kYellow, look) + " " + *text + "\n";
  return out;
}

}  // namespace meshnode::ctl
