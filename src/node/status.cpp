#include "node/status.h"

#include <algorithm>

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

double in_ms(Duration duration) {
  return static_cast<double>(duration.count()) / 1e6;
}

control::PathStatus path_status(const overlay::PeerSnapshot& peer, std::uint16_t port) {
  control::PathStatus out;
  out.kind = node::to_control(peer.path_kind);
  if (peer.path->local) out.local = Endpoint{peer.path->local, port};
  out.remote = peer.path->remote;
  if (peer.rtt) out.rtt_ms = in_ms(*peer.rtt);
  return out;
}

std::optional<std::string> cipher_name(std::optional<crypto::Cipher> cipher) {
  if (!cipher) return std::nullopt;
  return *cipher == crypto::Cipher::aes_256_gcm ? "AES-256-GCM" : "ChaCha20-Poly1305";
}

control::EdgeStatus edge_status(const overlay::PeerSnapshot& peer) {
  const discovery::PathFigures figures = peer.figures.value_or(discovery::PathFigures{});
  control::EdgeStatus out;
  out.observed = peer.observed;
  out.rtt_last_ms = in_ms(figures.rtt_last);
  out.rtt_min_ms = in_ms(figures.rtt_least);
  out.rtt_avg_ms = in_ms(figures.rtt_average);
  out.rtt_jitter_ms = in_ms(figures.rtt_jitter);
  out.probes = figures.asked;
  out.lost = figures.lost;
  out.heard_s = whole<seconds>(figures.heard_ago);
  out.keep_alive_s = whole<seconds>(figures.keep_alive);
  out.datagram = static_cast<std::uint32_t>(peer.datagram);
  out.mtu_settled = peer.mtu_settled;
  out.cipher = cipher_name(peer.cipher);
  out.handshakes = peer.handshakes;
  out.path_changes = peer.path_changes;
  return out;
}

control::PeerStatus peer_status(const overlay::PeerSnapshot& peer, const overlay::Core& core,
                                std::uint16_t port) {
  control::PeerStatus out;
  out.id = peer.id;
  if (!peer.name.empty()) out.name = peer.name;
  out.addresses = peer.addresses;
  out.state = to_control(peer.state);
  if (peer.path) {
    out.path = path_status(peer, port);
    out.edge = edge_status(peer);
  }
  const auto sent = core.sent(peer.number);
  const auto received = core.received(peer.number);
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

control::CandidateState to_control(discovery::CandidateState state) {
  switch (state) {
    case discovery::CandidateState::carries:
      return control::CandidateState::carries;
    case discovery::CandidateState::spare:
      return control::CandidateState::spare;
    case discovery::CandidateState::sought:
      break;
  }
  return control::CandidateState::sought;
}

control::CandidateState to_control(wire::Trace::CandidateState state) {
  switch (state) {
    case wire::Trace::CandidateState::carries:
      return control::CandidateState::carries;
    case wire::Trace::CandidateState::spare:
      return control::CandidateState::spare;
    case wire::Trace::CandidateState::sought:
      break;
  }
  return control::CandidateState::sought;
}

}  // namespace

control::PathKind to_control(discovery::PathKind kind) {
  return kind == discovery::PathKind::lan ? control::PathKind::lan : control::PathKind::direct;
}

std::string word(discovery::PathCause cause) {
  using discovery::PathCause;
  switch (cause) {
    case PathCause::first:
      return "first";
    case PathCause::unanswered:
      return "unanswered";
    case PathCause::address_gone:
      return "address-gone";
    case PathCause::peer_turned:
      return "peer-turned";
    case PathCause::lan:
      return "lan";
    case PathCause::faster:
      return "faster";
    case PathCause::goodbye:
      return "goodbye";
  }
  return "unknown";  // of a later version
}

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
  for (const auto& peer : mesh.peers)
    out.peers.push_back(peer_status(peer, facts.core, facts.port));
  out.discovery = facts.discovery;
  out.data_plane = facts.data_plane;
  out.names = facts.names;
  out.drops = facts.core.drops();
  out.drops.add(facts.drops);
  return out;
}

std::vector<control::PeerStatus> make_peers(const overlay::Core& core, std::uint16_t port,
                                            TimePoint now) {
  std::vector<control::PeerStatus> out;
  for (const auto& peer : core.engine().snapshot(now).peers)
    out.push_back(peer_status(peer, core, port));
  return out;
}

std::optional<control::PeerDetails> make_details(const overlay::Core& core, std::uint16_t port,
                                                 TimePoint now, const NodeId& id) {
  const auto peers = core.engine().snapshot(now).peers;
  const auto found =
      std::find_if(peers.begin(), peers.end(), [&](const auto& peer) { return peer.id == id; });
  if (found == peers.end()) return std::nullopt;
  control::PeerDetails out;
  out.peer = peer_status(*found, core, port);
  out.failed_handshakes = found->failed_handshakes;
  const auto story = core.engine().story(now, found->number);
  if (!story) return out;
  for (const auto& candidate : story->candidates)
    out.candidates.push_back(
        {.endpoint = candidate.path.remote,
         .state = to_control(candidate.state),
         .probes = candidate.probes,
         .answers = candidate.answers,
         .rtt_ms = candidate.rtt ? std::optional(in_ms(*candidate.rtt)) : std::nullopt});
  for (const auto& change : story->changes)
    out.path_history.push_back({.ago_s = whole<seconds>(now - change.when),
                                .to = change.to ? std::optional(change.to->remote) : std::nullopt,
                                .cause = word(change.cause)});
  if (story->seeking) out.seeking_s = whole<seconds>(*story->seeking);
  return out;
}

control::EdgeView view_of(const wire::Trace& trace) {
  control::EdgeView out;
  if (trace.kind != wire::Trace::PathKind::none) {
    const double rtt_ms = trace.rtt_us / 1e3;
    out.path = control::PathStatus{
        .kind = trace.kind == wire::Trace::PathKind::lan ? control::PathKind::lan
                                                         : control::PathKind::direct,
        .local = trace.local.ip ? std::optional(trace.local) : std::nullopt,
        .remote = trace.remote,
        .rtt_ms = trace.rtt_us != 0 ? std::optional(rtt_ms) : std::nullopt};
    control::EdgeStatus edge;
    edge.rtt_avg_ms = rtt_ms;
    edge.rtt_jitter_ms = trace.jitter_us / 1e3;
    edge.probes = trace.probes_asked;
    edge.lost = trace.probes_lost;
    edge.keep_alive_s = trace.keep_alive_s;
    edge.datagram = trace.datagram;
    edge.mtu_settled = trace.mtu_settled;
    if (trace.cipher == 1 || trace.cipher == 2)
      edge.cipher = cipher_name(static_cast<crypto::Cipher>(trace.cipher));
    edge.path_changes = trace.path_changes;
    out.edge = edge;
  }
  for (const auto& candidate : trace.candidates)
    out.candidates.push_back(
        {.endpoint = candidate.endpoint,
         .state = to_control(candidate.state),
         .probes = candidate.probes,
         .answers = candidate.answers,
         .rtt_ms = candidate.rtt_us != 0 ? std::optional(candidate.rtt_us / 1e3) : std::nullopt});
  for (const auto& change : trace.changes)
    out.path_history.push_back({.ago_s = change.age_s,
                                .to = change.to.ip ? std::optional(change.to) : std::nullopt,
                                .cause = word(static_cast<discovery::PathCause>(change.cause))});
  return out;
}

}  // namespace meshnode::node
