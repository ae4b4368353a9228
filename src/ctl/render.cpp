#include "ctl/render.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <vector>

#include "control/printable.h"
#include "ctl/hint.h"
#include "ctl/units.h"

namespace meshnode::ctl {
namespace {

using control::PathKind;
using control::PeerState;
using control::PeerStatus;
using control::printable;
using control::Snapshot;

constexpr const char* kUnknown = "-";
constexpr const char* kPlain = "\033[0m";
constexpr const char* kBold = "\033[1m";
constexpr const char* kYellow = "\033[33m";

struct Cell {
  std::string text;
  const char* colour = nullptr;
};

constexpr std::size_t kColumns = 9;
using Row = std::array<Cell, kColumns>;
// Numbers stand right, words left.
constexpr std::array<bool, kColumns> kRight{false, false, false, false, false,
                                            true,  true,  true,  true};

std::string coloured(const std::string& text, const char* colour, const Look& look) {
  if (!look.colour || colour == nullptr) return text;
  return colour + text + kPlain;
}

Cell cell_of(PeerState state) {
  switch (state) {
    case PeerState::connected:
      return {"connected", "\033[32m"};
    case PeerState::connecting:
      return {"connecting", kYellow};
    case PeerState::idle:
      return {"idle", "\033[2m"};
    case PeerState::unreachable:
      return {"unreachable", "\033[31m"};
  }
  return {kUnknown};
}

const char* word(PathKind kind) {
  return kind == PathKind::lan ? "lan" : "direct";
}

// The address that people type: the IPv4 one, if there is one.
std::string address_of(const PeerStatus& peer) {
  for (const IpAddress& address : peer.addresses)
    if (address.is_v4()) return address.to_string();
  return peer.addresses.empty() ? kUnknown : peer.addresses.front().to_string();
}

std::string name_of(const PeerStatus& peer) {
  if (!peer.name || peer.name->empty()) return peer.id.short_string();
  return printable(*peer.name);
}

Row row_of(const PeerStatus& peer) {
  Row row;
  row[0] = {name_of(peer)};
  row[1] = cell_of(peer.state);
  row[2] = {address_of(peer)};
  row[3] = {peer.path ? word(peer.path->kind) : kUnknown};
  row[4] = {peer.path ? peer.path->remote.to_string() : kUnknown};
  row[5] = {peer.path && peer.path->rtt_ms ? human_ms(*peer.path->rtt_ms) : kUnknown};
  row[6] = {human_bytes(peer.tx_bytes)};
  row[7] = {human_bytes(peer.rx_bytes)};
  row[8] = {peer.handshake_age_s ? human_seconds(*peer.handshake_age_s) + " ago" : kUnknown};
  return row;
}

Row heading() {
  constexpr std::array<const char*, kColumns> kWords{
      "PEER", "STATE", "ADDRESS", "PATH", "ENDPOINT", "RTT", "SENT", "RECEIVED", "HANDSHAKE"};
  Row row;
  for (std::size_t i = 0; i < kColumns; ++i) row[i] = {kWords[i], kBold};
  return row;
}

std::vector<Row> rows_of(std::vector<PeerStatus> peers) {
  const auto order = [](const PeerStatus& peer) {
    return std::tuple(peer.state, name_of(peer), peer.id);
  };
  std::sort(peers.begin(), peers.end(),
            [&](const PeerStatus& a, const PeerStatus& b) { return order(a) < order(b); });
  std::vector<Row> rows{heading()};
  for (const PeerStatus& peer : peers) rows.push_back(row_of(peer));
  return rows;
}

std::string table(const std::vector<Row>& rows, const Look& look) {
  std::array<std::size_t, kColumns> widths{};
  for (const Row& row : rows)
    for (std::size_t i = 0; i < kColumns; ++i)
      widths[i] = std::max(widths[i], control::width(row[i].text));
  std::string out;
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < kColumns; ++i) {
      const std::string gap(widths[i] - control::width(row[i].text), ' ');
      const std::string text = coloured(row[i].text, row[i].colour, look);
      const bool last = i + 1 == kColumns;
      out += kRight[i] ? gap + text : text + (last ? "" : gap);
      out += last ? "\n" : "  ";
    }
  }
  return out;
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

}  // namespace

std::string render_status(const Snapshot& snapshot, const Look& look) {
  std::string out = node_lines(snapshot.node) + discovery_line(snapshot.discovery) +
                    data_plane_line(snapshot.data_plane);
  // In a large network most members have an edge only while it is of use.
  if (snapshot.node.known_members > snapshot.peers.size())
    out += "members    " + std::to_string(snapshot.node.known_members) +
           " known; the first packet to one makes an edge\n";
  if (!snapshot.peers.empty()) out += "\n" + table(rows_of(snapshot.peers), look);
  if (const auto text = hint(snapshot))
    out += "\n" + coloured("hint:", kYellow, look) + " " + *text + "\n";
  return out;
}

}  // namespace meshnode::ctl
