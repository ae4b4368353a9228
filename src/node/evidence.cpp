#include "node/evidence.h"

#include <algorithm>

#include "node/status.h"
#include "wire/data_frame.h"

namespace meshnode::node {
namespace {

std::uint64_t whole_seconds(Duration duration) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<seconds>(duration).count());
}

// Of a network that is no mesh.
bool has_address(const Interfaces& interfaces) {
  return std::any_of(interfaces.begin(), interfaces.end(), [](const Interface& interface) {
    return !interface.overlay &&
           std::any_of(interface.addresses.begin(), interface.addresses.end(),
                       [](const Cidr& each) { return !each.ip.is_loopback(); });
  });
}

control::NatKind to_control(wire::NatMapping mapping) {
  switch (mapping) {
    case wire::NatMapping::none:
      return control::NatKind::none;
    case wire::NatMapping::endpoint_independent:
      return control::NatKind::endpoint_independent;
    case wire::NatMapping::dependent:
      return control::NatKind::dependent;
    case wire::NatMapping::unknown:
      break;
  }
  return control::NatKind::unknown;
}

// A datagram that holds the smallest packet that IPv6 must carry whole.
constexpr std::size_t kLeastInOnePiece = 1280 + wire::kFrameOverhead;

std::int64_t seconds_after(UnixTime clock, Now now) {
  return (clock.ms - now.unix.ms) / 1000;
}

// Beacons come every 30 s; who is silent for longer has left the link.
constexpr Duration kBeaconLife = minutes(2);

// How far a member's clock is after ours: by its beacon, else, if that is after ours, by its
// record, which may be of any age.
std::optional<std::int64_t> clock_of(const overlay::PeerStory& story, Now now) {
  if (story.clock) return seconds_after(*story.clock, now);
  if (story.issued && story.issued->ms > now.unix.ms) return seconds_after(*story.issued, now);
  return std::nullopt;
}

control::PeerEvidence evidence_of(const overlay::Core& core, Now now,
                                  const overlay::PeerSnapshot& peer) {
  control::PeerEvidence out;
  out.who = shown_name(peer.name, peer.id);
  out.connected = peer.path.has_value();
  out.handshakes_refused = peer.failed_handshakes;
  if (peer.path && peer.mtu_settled && peer.datagram < kLeastInOnePiece)
    out.carries_only = peer.datagram;
  const auto story = core.engine().story(now.mono, peer.number);
  if (!story) return out;
  // Who is on our link is found without any clock.
  if (!story->clock || story->clock_heard >= kBeaconLife)
    out.clock_after_ours_s = clock_of(*story, now);
  out.lowest_version = story->lowest_version;
  out.highest_version = story->highest_version;
  if (!story->refused.empty()) out.claims_our_address = story->refused.front().to_string();
  out.was_connected = story->was_connected;
  out.said_goodbye = story->said_goodbye;
  out.nat = to_control(story->nat);
  out.candidates_are_in_mesh = story->in_mesh;
  if (story->heard) out.heard_s = whole_seconds(*story->heard);
  if (story->seeking) out.trying_s = whole_seconds(*story->seeking);
  for (const auto& each : story->candidates)
    out.candidates.push_back({each.path.remote, each.probes, each.answers});
  return out;
}

}  // namespace

control::HereEvidence here_evidence(const HereFacts& facts) {
  const overlay::Engine& engine = facts.core.engine();
  const overlay::Snapshot mesh = engine.snapshot(facts.now.mono);
  const auto& bootstraps = facts.discovery.bootstraps;
  control::HereEvidence out;
  out.lan_only = facts.config.lan_only;
  out.up_s = whole_seconds(facts.now.mono - facts.started);
  out.has_address = has_address(facts.interfaces);
  out.bootstraps = bootstraps.size();
  out.bootstraps_up = static_cast<std::uint64_t>(std::count_if(
      bootstraps.begin(), bootstraps.end(), [](const auto& each) { return each.up; }));
  const bool far = std::any_of(mesh.peers.begin(), mesh.peers.end(), [](const auto& peer) {
    return peer.path && peer.path_kind == discovery::PathKind::direct;
  });
  out.heard_from_afar = far || out.bootstraps_up > 0 || !mesh.reflexive.empty();
  out.sends_forbidden = facts.sends_forbidden;
  out.nat = to_control(mesh.nat);
  out.known_members = std::max<std::uint64_t>(mesh.known, mesh.peers.size());
  out.fingerprint = facts.fingerprint;
  for (const auto& each : engine.server_times(facts.now.mono))
    out.server_clocks_s.push_back(seconds_after(each.time, facts.now));
  for (const auto& peer : mesh.peers)
    if (const auto story = engine.story(facts.now.mono, peer.number))
      if (const auto clock = clock_of(*story, facts.now)) out.member_clocks_s.push_back(*clock);
  const auto& other = engine.other_version();
  if (other && facts.now.mono - other->heard < kBeaconLife)
    out.other_version = {other->version, other->from.to_string()};
  return out;
}

std::vector<control::Explanation> explain(const overlay::Core& core, Now now,
                                          const control::HereEvidence& here,
                                          const std::optional<NodeId>& only) {
  std::vector<control::Explanation> out;
  if (auto verdict = control::why_here(here)) out.push_back({{}, "", *verdict});
  for (const auto& peer : core.engine().snapshot(now.mono).peers) {
    if (only && peer.id != *only) continue;
    auto verdict = control::why(here, evidence_of(core, now, peer));
    out.push_back({peer.id, shown_name(peer.name, peer.id), std::move(verdict)});
  }
  return out;
}

}  // namespace meshnode::node
