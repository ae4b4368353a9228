#include "node/status.h"

#include "control/printable.h"

namespace meshnode::node {
namespace {

template <typename Unit>
std::uint64_t whole(Duration duration) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<Unit>(duration).count());
}

control::PeerState to_control(overlay::PeerState state) {
  switch (state) {
    case overlay::PeerState::connected:
      return control::PeerState::connected;
    case overlay::PeerState::connecting:
      return control::PeerState::connecting;
    case overlay::PeerState::idle:
      return control::PeerState::idle;
    case overlay::PeerState::unreachable:
      break;
  }
  return control::PeerState::unreachable;
}

control::PathStatus path_status(const overlay::PeerSnapshot& peer, std::uint16_t port) {
  control::PathStatus out;
  out.kind = peer.path_kind == discovery::PathKind::lan ? control::PathKind::lan
                                                        : control::PathKind::direct;
  if (peer.path->local) out.local = Endpoint{peer.path->local, port};
  out.remote = peer.path->remote;
  if (peer.rtt) out.rtt_ms = static_cast<double>(peer.rtt->count()) / 1e6;
  return out;
}

control::PeerStatus peer_status(const overlay::PeerSnapshot& peer, const StatusFacts& facts) {
  control::PeerStatus out;
  out.id = peer.id;
  if (!peer.name.empty()) out.name = peer.name;
  out.addresses = peer.addresses;
  out.state = to_control(peer.state);
  if (peer.path) out.path = path_status(peer, facts.port);
  const auto sent = facts.core.sent(peer.number);
  const auto received = facts.core.received(peer.number);
  out.tx_bytes = sent.bytes;
  out.tx_packets = sent.packets;
  out.rx_bytes = received.bytes;
  out.rx_packets = received.packets;
  if (peer.handshake_age) out.handshake_age_s = whole<seconds>(*peer.handshake_age);
  if (peer.reason != overlay::Reason::none) {
    out.reason = std::string(overlay::code(peer.reason));
    out.reason_text = std::string(overlay::text(peer.reason));
  }
  return out;
}

}  // namespace

std::string shown_name(const std::string& name, const NodeId& id) {
  return name.empty() ? id.short_string() : control::printable(name);
}

control::Snapshot make_status(const StatusFacts& facts) {
  control::Snapshot out;
  out.node.id = facts.core.engine().id();
  out.node.name = facts.config.name;
  out.node.addresses = facts.addresses;
  out.node.interface = facts.config.interface;
  out.node.port = facts.port;
  out.node.uptime_s = whole<seconds>(facts.now - facts.started);
  out.node.network = facts.fingerprint;
  const overlay::Snapshot mesh = facts.core.engine().snapshot(facts.now);
  out.node.reflexive = mesh.reflexive;
  out.node.known_members = mesh.known;
  for (const auto& peer : mesh.peers) out.peers.push_back(peer_status(peer, facts));
  out.discovery = facts.discovery;
  out.data_plane = facts.data_plane;
  out.drops = facts.core.drops();
  out.drops.add(facts.drops);
  return out;
}

}  // namespace meshnode::node
