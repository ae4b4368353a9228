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
  return out;
}

void Engine::recall(Now now, const std::vector<RememberedMember>& memory) {
  note_time(now);
  for (const RememberedMember& member : memory) recall(now, member);
  if (!memory.empty()) publish_routes();
  finish(now);
}

void Engine::recall(Now now, const RememberedMember& member) {
  if (member.id == self_.identity.id || member.static_key == self_.identity.static_key ||
      roster_.by_static_key(member.static_key) != nullptr)
    return;
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
  // A clock that was set back makes nobody come from the future.
  const auto ago = milliseconds(std::max<std::int64_t>(now.unix.ms - member.seen_ms, 0));
  peer->last_proven = now.mono - std::min<Duration>(ago, Roster::kPinned);
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
