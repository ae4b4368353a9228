// Engine: "X is punching you now" — asking for introductions, passing them on, following them.
#include <algorithm>

#include "overlay/engine.h"
#include "wire/control.h"

namespace meshnode::overlay {
namespace {

// A member that nobody waits for may come by itself; then no introduction is needed.
constexpr Duration kFirstIntroduction = milliseconds(500);
constexpr Duration kFirstPause = seconds(1);
// Packets begin anew at once, so what comes so rarely is only for edges that nobody waits for.
constexpr Duration kLongestPause = hours(4);
// How many neighbours are asked at a time, and when packets wait: some ways end where two cannot
// have an edge.
constexpr std::size_t kAsk = 2;
constexpr std::size_t kAskUrgently = 4;

}  // namespace

// Now if there are keys, otherwise when there are: an idle edge is woken up.
void Engine::say(Now now, Peer& peer, wire::ControlType type, ByteView body) {
  Bytes text = wire::encode_control({type, body});
  if (peer.has_session()) return emit(SendControl{peer.number, std::move(text)});
  peer.unsaid.add(now.mono, std::move(text));
  peer.wants_edge = true;
  peer.next_attempt = std::min(peer.next_attempt, now.mono);
}

void Engine::seek_introduction(Now now, Peer& peer) {
  const discovery::RecordPtr& own = own_record_.current();
  if (peer.paths.best() || peer.said_goodbye || !own || !peer.record) {
    peer.next_introduction.reset();
    peer.introduction_pause = {};
    peer.anew_pause = {};
    return;
  }
  if (!peer.next_introduction)
    peer.next_introduction = now.mono + (peer.staging.empty() ? kFirstIntroduction : Duration{});
  if (now.mono < *peer.next_introduction) return;
  peer.introduction_pause = peer.introduction_pause == Duration{}
                                ? kFirstPause
                                : std::min<Duration>(peer.introduction_pause * 2, kLongestPause);
  peer.next_introduction = now.mono + peer.introduction_pause;
  const auto asked = introducers(peer);
  if (asked.empty()) return;
  const Bytes body =
      introductions_.ask(peer.id, *own, self_.identity.signing_seed, numbers_.next());
  const std::size_t ask = peer.staging.empty() ? kAsk : kAskUrgently;
  for (std::size_t i = 0; i < std::min(ask, asked.size()); ++i) {
    Peer* via = roster_.by_number(asked[peer.introducers_asked++ % asked.size()]);
    say(now, *via, wire::ControlType::introduction, body);
  }
}

// Neighbours that may know the way, the best first: where all know each other those that need not
// be woken up, otherwise the nearest.
std::vector<PeerNumber> Engine::introducers(const Peer& target) const {
  struct Candidate {
    bool asleep = false;
    NodeId distance;
    PeerNumber number = kNoPeer;
    auto operator<=>(const Candidate&) const = default;
  };
  std::vector<Candidate> found;
  for (const auto& [number, peer] : roster_.all())
    if (number != target.number && peer.proven && peer.paths.best())
      found.push_back({!crowded_ && !peer.has_session(), distance(peer.id, target.id), number});
  std::sort(found.begin(), found.end());
  std::vector<PeerNumber> out;
  for (const Candidate& candidate : found) out.push_back(candidate.number);
  return out;
}

void Engine::handle_introduction(Now now, Peer& from, ByteView body) {
  const auto taken = introductions_.take(now.mono, from.number, body);
  if (const auto* reason = std::get_if<Drop>(&taken)) return count(*reason);
  if (const auto* ours = std::get_if<discovery::Introductions::ForUs>(&taken))
    return introduced(now, *ours, from.number);
  const auto& onward = std::get<discovery::Introductions::PassOn>(taken);
  Peer* next = next_hop(onward, from.number);
  if (next == nullptr) return count(Drop::no_route);
  say(now, *next, wire::ControlType::introduction, onward.body);
  service(now, *next);
}

// The target itself, or a neighbour strictly nearer to it than we are: no circles.
Peer* Engine::next_hop(const discovery::Introductions::PassOn& introduction, PeerNumber from) {
  PeerNumber nearest = kNoPeer;
  NodeId least = distance(self_.identity.id, introduction.target);
  for (const auto& [number, peer] : std::as_const(roster_).all()) {
    if (!peer.proven || !peer.paths.best() || number == from || peer.id == introduction.origin)
      continue;
    const NodeId apart = distance(peer.id, introduction.target);
    if (peer.id != introduction.target && (introduction.hops == 0 || apart >= least)) continue;
    nearest = number;
    least = apart;
  }
  return roster_.by_number(nearest);
}

void Engine::introduced(Now now, const discovery::Introductions::ForUs& introduction,
                        PeerNumber from) {
  take_record(now, introduction.record, from);
  // The book's may be a newer one, from elsewhere.
  const discovery::RecordPtr record = book_.find(introduction.origin);
  if (!record) return;
  Peer* peer = apply_record(now, record);
  if (peer == nullptr) return;
  peer->invited.add(now.mono);
  peer->said_goodbye = false;
  // It opens its NAT for us right now: begin anew, wherever our own tries have got to.
  peer->suggested.clear();
  suggest_paths(now.mono, *peer);
  service(now, *peer);
}

}  // namespace meshnode::overlay
