// Engine: what it tells of itself.
#include <algorithm>
#include <cstdlib>

#include "overlay/engine.h"

namespace meshnode::overlay {
namespace {

// How long "connecting" is believable; afterwards the peer is unreachable, and why is said.
constexpr Duration kConnecting = seconds(10);

PeerState state_of(const Peer& peer, TimePoint now) {
  if (peer.paths.best()) {
    if (peer.has_session()) return PeerState::connected;
    return peer.attempt || peer.wants_edge || !peer.staging.empty() ? PeerState::connecting
                                                                    : PeerState::idle;
  }
  if (peer.said_goodbye) return PeerState::unreachable;
  return now - peer.trying_since < kConnecting ? PeerState::connecting : PeerState::unreachable;
}

Reason why_no_path(const Peer& peer, wire::NatMapping own) {
  if (peer.said_goodbye) return Reason::said_goodbye;
  if (peer.ever_connected) return Reason::path_lost;
  if (!peer.record) return Reason::no_answer;
  const bool both = own == wire::NatMapping::dependent && peer.record->record.nat == own;
  return both ? Reason::both_dependent : Reason::no_path;
}

Reason reason_of(const Peer& peer, PeerState state, wire::NatMapping own) {
  if (state == PeerState::unreachable) return why_no_path(peer, own);
  if (!peer.paths.best() && peer.ever_connected) return Reason::path_lost;
  if (state == PeerState::connecting && peer.failed_attempts >= 2) return Reason::handshake_failing;
  if (peer.granted.size() != peer.claims.size()) return Reason::address_conflict;
  return Reason::none;
}

void add_edge(const Peer& peer, TimePoint now, PeerSnapshot& to) {
  to.figures = peer.paths.best_figures(now);
  if (const auto* history = peer.paths.history()) to.path_changes = history->changes;
  if (to.path) {
    const Endpoint& seen = to.path->remote.ip.is_v4() ? peer.observed4 : peer.observed6;
    if (seen.ip) to.observed = seen;
  }
  if (const auto* mtu = peer.mtu.current()) {
    to.datagram = mtu->limit();
    to.mtu_settled = mtu->settled();
  }
  to.handshakes = peer.handshakes;
  to.failed_handshakes = peer.failed_attempts;
  if (!peer.has_session()) return;
  to.cipher = peer.current().cipher;
  to.handshake_age = now - peer.current().created;
}

}  // namespace

std::string_view code(Reason reason) {
  switch (reason) {
    case Reason::none:
      return "none";
    case Reason::no_answer:
      return "no-answer";
    case Reason::no_path:
      return "no-path";
    case Reason::both_dependent:
      return "both-nats-address-and-port-dependent";
    case Reason::path_lost:
      return "path-lost";
    case Reason::said_goodbye:
      return "said-goodbye";
    case Reason::handshake_failing:
      return "handshake-failing";
    case Reason::address_conflict:
      return "address-conflict";
  }
  return "none";
}

std::string_view text(Reason reason) {
  switch (reason) {
    case Reason::none:
      return "";
    case Reason::no_answer:
      return "it announces itself on the LAN but answers no probe: does a firewall there block "
             "incoming UDP?";
    case Reason::no_path:
      return "it told where it may be reached, but nothing there answers: is it switched off, or "
             "do "
             "both NATs or firewalls keep the other side out?";
    case Reason::both_dependent:
      return "both NATs use another port for each destination: forward a UDP port to one of the "
             "two nodes";
    case Reason::path_lost:
      return "it stopped answering: is it switched off or disconnected?";
    case Reason::said_goodbye:
      return "it was stopped and said goodbye";
    case Reason::handshake_failing:
      return "it answers probes but no handshake: do both run compatible versions?";
    case Reason::address_conflict:
      return "it claims an IPv4 address that somebody else holds: change its --address";
  }
  return "";
}

Snapshot Engine::snapshot(TimePoint now) const {
  Snapshot out;
  out.reflexive = stun_.reflexive(now);
  out.known = book_.size() - (book_.find(self_.identity.id) ? 1 : 0);
  if (nat_told_) out.nat = nat_told_->mapping;
  for (const auto& [number, peer] : roster_.all()) {
    PeerSnapshot entry;
    entry.number = number;
    entry.id = peer.id;
    entry.proven = peer.proven;
    entry.name = peer.name;
    entry.addresses.push_back(overlay_address(config_.keys.id, peer.id));
    entry.addresses.insert(entry.addresses.end(), peer.granted.begin(), peer.granted.end());
    entry.state = state_of(peer, now);
    entry.reason = reason_of(peer, entry.state, out.nat);
    entry.path = peer.paths.best();
    if (entry.path) entry.path_kind = *peer.paths.best_kind();
    entry.rtt = peer.paths.best_rtt();
    add_edge(peer, now, entry);
    out.peers.push_back(std::move(entry));
  }
  return out;
}

std::optional<PeerStory> Engine::story(TimePoint now, PeerNumber number) const {
  const Peer* peer = roster_.by_number(number);
  if (peer == nullptr) return std::nullopt;
  PeerStory out;
  out.candidates = peer->paths.candidates();
  if (const auto* history = peer->paths.history()) out.changes = history->last;
  if (!peer->paths.best()) out.seeking = now - peer->trying_since;
  if (peer->last_proven != TimePoint{}) out.heard = now - peer->last_proven;
  out.was_connected = peer->ever_connected;
  out.said_goodbye = peer->said_goodbye;
  // Further than that from 1970 no clock is, and sums stay numbers.
  constexpr std::int64_t kFar = std::int64_t{1} << 60;
  if (peer->stated_clock && std::abs(peer->stated_clock->ms) < kFar) {
    out.clock_heard = now - peer->clock_heard;
    out.clock = UnixTime{peer->stated_clock->ms +
                         std::chrono::duration_cast<milliseconds>(out.clock_heard).count()};
  }
  if (peer->record) {
    const wire::Record& record = peer->record->record;
    out.nat = record.nat;
    if (record.issued < static_cast<std::uint64_t>(kFar / 1000))
      out.issued = UnixTime{static_cast<std::int64_t>(record.issued) * 1000};
    out.lowest_version = record.lowest_version;
    out.highest_version = record.highest_version;
  }
  out.in_mesh = !out.candidates.empty() &&
                std::none_of(out.candidates.begin(), out.candidates.end(),
                             [&](const auto& each) { return is_underlay(each.path.remote.ip); });
  for (const IpAddress& claim : peer->claims)
    if (std::find(peer->granted.begin(), peer->granted.end(), claim) == peer->granted.end())
      out.refused.push_back(claim);
  return out;
}

}  // namespace meshnode::overlay
