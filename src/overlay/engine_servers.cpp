// Engine: members that serve the DHT and STUN to anybody — we, and those whom we may ask.
#include "overlay/engine.h"

namespace meshnode::overlay {

void Engine::set_serving(Now now, bool serves, discovery::Serving serving) {
  note_time(now);
  serves_ = serves;
  serving_ = std::move(serving);
  look_at_own_record_at(now.mono);
  finish(now);
}

// What strangers have proven in an earlier start holds as long as the address is ours.
discovery::Serving Engine::serving() const {
  if (!serves_) return {};
  discovery::Serving out = serving_;
  out.at.insert(out.at.end(), served_before_.begin(), served_before_.end());
  return out;
}

void Engine::recall_ourselves(ByteView bytes) {
  const auto record = discovery::open_record(bytes, to_bytes(config_.keys.id), self_.suite);
  if (!record || record->id != self_.identity.id) return;
  for (const wire::Candidate& candidate : record->record.candidates)
    if (candidate.kind == wire::CandidateKind::host && (candidate.flags & wire::kServes) != 0)
      served_before_.push_back(candidate.endpoint.ip);
}

// Nothing unless it says that we serve.
std::optional<RememberedMember> Engine::memory_of_ourselves(Now now) const {
  const discovery::RecordPtr& own = own_record_.current();
  if (!own || !discovery::serves(*own)) return std::nullopt;
  return RememberedMember{.id = self_.identity.id,
                          .static_key = self_.identity.static_key,
                          .record = own->bytes,
                          .seen_ms = now.unix.ms};
}

void Engine::look_at_servers_at(TimePoint when) {
  if (!directory_) return;
  if (!servers_due_ || when < *servers_due_) servers_due_ = when;
  touch();
}

// Members that have proven their key to us, be it in an earlier start, and say that they serve.
void Engine::tell_servers(TimePoint now) {
  servers_due_.reset();
  const discovery::OwnView view = own_view(now);
  std::vector<discovery::ServingMember> members;
  const auto consider = [&](const discovery::RecordPtr& record, bool alive, TimePoint heard) {
    if (!record || !discovery::serves(*record)) return;
    auto at = discovery::serves_at(record->record.candidates, view);
    std::erase_if(at, [&](const Endpoint& endpoint) { return !is_underlay(endpoint.ip); });
    if (!at.empty()) members.push_back({record->id, alive, now - heard, std::move(at)});
  };
  for (const auto& [number, peer] : std::as_const(roster_).all())
    if (peer.proven && !peer.said_goodbye)
      consider(peer.record, peer.paths.best().has_value(), peer.last_proven);
  for (const auto& [id, retired] : roster_.retired())
    consider(book_.find(id), false, retired.last_proven);
  auto offers = discovery::choose_servers(std::move(members), self_.identity.id);
  if (offers == servers_) return;
  servers_ = std::move(offers);
  emit(ServersKnown{servers_});
}

}  // namespace meshnode::overlay
