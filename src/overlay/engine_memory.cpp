// Engine: what it remembers over a restart.
#include <algorithm>

#include "overlay/engine.h"

namespace meshnode::overlay {

std::vector<RememberedMember> Engine::memory(Now now) const {
  std::vector<RememberedMember> out;
  for (const auto& [number, peer] : std::as_const(roster_).all()) {
    if (!peer.proven) continue;
    RememberedMember member{.id = peer.id, .static_key = peer.static_key};
    if (const auto record = book_.find(peer.id)) member.record = record->bytes;
    if (peer.last_path && !peer.last_path->remote.ip.is_link_local())
      member.endpoint = peer.last_path->remote;
    member.claims = peer.granted;
    const auto ago = std::chrono::duration_cast<milliseconds>(now.mono - peer.last_proven);
    member.seen_ms = now.unix.ms - ago.count();
    out.push_back(std::move(member));
  }
  for (const auto& [id, retired] : roster_.retired()) {
    RememberedMember member{.id = id, .static_key = retired.static_key};
    if (const auto record = book_.find(id)) member.record = record->bytes;
    member.endpoint = retired.endpoint;
    member.claims = retired.granted;
    const auto ago = std::chrono::duration_cast<milliseconds>(now.mono - retired.last_proven);
    member.seen_ms = now.unix.ms - ago.count();
    out.push_back(std::move(member));
  }
  if (auto ourselves = memory_of_ourselves(now)) out.push_back(std::move(*ourselves));
  // The most useful first: a reader takes no more than kMaxRemembered.
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a.seen_ms > b.seen_ms; });
  if (out.size() > kMaxRemembered) out.resize(kMaxRemembered);
  return out;
}

// Those that were seen last are looked for at once; the others are only known.
void Engine::recall(Now now, const std::vector<RememberedMember>& memory) {
  note_time(now);
  std::vector<const RememberedMember*> latest;
  for (const RememberedMember& member : memory) latest.push_back(&member);
  std::stable_sort(latest.begin(), latest.end(),
                   [](const auto* a, const auto* b) { return a->seen_ms > b->seen_ms; });
  for (std::size_t i = 0; i < latest.size(); ++i)
    recall(now, *latest[i], config_.full_mesh || i < config_.eager_members);
  if (!memory.empty()) publish_routes();
  look_at_servers_at(now.mono);
  finish(now);
}

void Engine::recall(Now now, const RememberedMember& member, bool as_peer) {
  if (member.id == self_.identity.id) return recall_ourselves(member.record);
  if (member.static_key == self_.identity.static_key ||
      roster_.by_static_key(member.static_key) != nullptr)
    return;
  // A clock that was set back makes nobody come from the future.
  const auto ago = milliseconds(std::max<std::int64_t>(now.unix.ms - member.seen_ms, 0));
  const TimePoint last_proven = now.mono - std::min<Duration>(ago, Roster::kPinned);
  if (!as_peer) {
    book_.prove(member.id);
    roster_.retire(member.id, {.static_key = member.static_key,
                               .endpoint = member.endpoint,
                               .granted = member.claims,
                               .last_proven = last_proven});
    if (!member.record.empty()) (void)book_.offer(now.mono, member.record);
    return;
  }
  auto keys =
      discovery::ProbeKeys::derive(self_.suite, self_.identity.static_secret,
                                   self_.identity.static_key, member.static_key, self_.keys.psk);
  if (!keys) return;
  Peer* peer = roster_.add(roster_.reserve_number(), member.id, member.static_key, std::move(*keys),
                           now.mono, Roster::Room::for_proven);
  if (peer == nullptr) return;
  roster_.refresh_tags(*peer, *epoch_);
  (void)roster_.prove(*peer, member.id);
  book_.prove(member.id);
  peer->last_proven = last_proven;
  peer->claims = member.claims;
  roster_.settle_claims(*peer, config_.claims, now.mono);
  emit(dataplane::SlotChange{dataplane::SetSources{peer->number, roster_.sources(*peer)}});
  if (member.endpoint && is_underlay(member.endpoint->ip)) {
    const Path path{.remote = *member.endpoint, .local = {}};
    peer->last_path = path;
    peer->paths.expect(now.mono, kind_of(path), path);
  }
  if (!member.record.empty()) take_record(now, member.record, kNoPeer);
  if (const auto record = book_.find(member.id)) peer->name = record->record.name;
  service(now, *peer);
}

}  // namespace meshnode::overlay
