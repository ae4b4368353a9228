#include "node/evidence.h"

#include <algorithm>

#include "node/status.h"
#include "wire/data_frame.h"

namespace meshnode::node {
namespace {

std::uint64_t whole_seconds(Duration duration) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<seconds>(duration).count());
}

// A datagram that holds the smallest packet that IPv6 must carry whole.
constexpr std::size_t kLeastInOnePiece = 1280 + wire::kFrameOverhead;

control::PeerEvidence evidence_of(const overlay::Core& core, TimePoint now,
                                  const overlay::PeerSnapshot& peer) {
  control::PeerEvidence out;
  out.who = shown_name(peer.name, peer.id);
  out.connected = peer.path.has_value();
  out.handshakes_refused = peer.failed_handshakes;
  if (peer.path && peer.mtu_settled && peer.datagram < kLeastInOnePiece)
    out.carries_only = peer.datagram;
  const auto story = core.engine().story(now, peer.number);
  if (!story) return out;
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

std::vector<control::Explanation> explain(const overlay::Core& core, TimePoint now,
                                          const control::HereEvidence& here,
                                          const std::optional<NodeId>& only) {
  std::vector<control::Explanation> out;
  if (auto verdict = control::why_here(here)) out.push_back({{}, "", *verdict});
  for (const auto& peer : core.engine().snapshot(now).peers) {
    if (only && peer.id != *only) continue;
    auto verdict = control::why(here, evidence_of(core, now, peer));
    out.push_back({peer.id, shown_name(peer.name, peer.id), std::move(verdict)});
  }
  return out;
}

}  // namespace meshnode::node
