// Engine: what members tell about themselves — our own record, the others', and how they travel.
#include <algorithm>
#include <tuple>
#include <utility>

#include "overlay/engine.h"

namespace meshnode::overlay {
namespace {

// Our first record waits this long for the STUN servers: without them it says little.
constexpr Duration kStunPatience = milliseconds(250);
// Changes come in groups (two families, several servers): one record for all.
constexpr Duration kSettle = milliseconds(50);
// A peer that has no path (any more) is looked up in the DHT after this, with growing pauses.
constexpr Duration kFirstLookup = seconds(3);
constexpr Duration kLongestLookupPause = hours(1);
constexpr Duration kDoubtPause = seconds(2);
constexpr std::size_t kWitnesses = 2;
constexpr Duration kTellTwin = minutes(10);
// The directory hears of members at most that often: there may be thousands, and many come at once.
constexpr Duration kMembersPause = seconds(1);
// How many peers have to see us at one address before we believe it without a STUN server.
constexpr std::size_t kMaxObserved = 2;

}  // namespace

// ---- our own ----

discovery::OwnView Engine::own_view(TimePoint now) const {
  return {.interfaces = interfaces_,
          .port = config_.port,
          .reflexive = stun_.reflexive(now),
          .observed = observed(),
          .echoed = echoed_,
          .nat = nat_told_ ? nat_told_->mapping : wire::NatMapping::unknown,
          .overlay = overlay_prefix(config_.keys.id),
          .serving = serving()};
}

// How peers see us, the most common first. Counted anew only when one of them changed its word.
const std::vector<Endpoint>& Engine::observed() const {
  if (observed_) return *observed_;
  std::map<Endpoint, unsigned> votes;
  for (const auto& [number, peer] : std::as_const(roster_).all()) {
    if (!peer.proven) continue;
    for (const Endpoint& endpoint : {peer.observed4, peer.observed6})
      if (endpoint.ip) ++votes[endpoint];
  }
  std::vector<Endpoint> out;
  for (const auto& [endpoint, count] : votes) out.push_back(endpoint);
  std::stable_sort(out.begin(), out.end(),
                   [&](const Endpoint& a, const Endpoint& b) { return votes[a] > votes[b]; });
  if (out.size() > kMaxObserved) out.resize(kMaxObserved);
  return observed_.emplace(std::move(out));
}

void Engine::note_observed(TimePoint now, Peer& peer, const Path& path, const Endpoint& observed) {
  if (!observed.ip || kind_of(path) == discovery::PathKind::lan ||
      !discovery::is_public(observed.ip))
    return;
  Endpoint& known = observed.ip.is_v4() ? peer.observed4 : peer.observed6;
  if (known == observed) return;
  const Endpoint before = std::exchange(known, observed);
  observed_.reset();
  look_at_own_record_at(now + kSettle);
  if (!before.ip) return;
  // Our NAT has moved us: who saw us where we were would see us elsewhere now. Others are asked, so
  // that no single member's word stands for long.
  for (const auto& [number, other] : std::as_const(roster_).all())
    if (other.observed4 == before || other.observed6 == before) {
      Peer& changed = *roster_.by_number(number);
      (before.ip.is_v4() ? changed.observed4 : changed.observed6) = {};
    }
  doubt_reflexive(now);
}

void Engine::handle_echo(Now now, std::vector<IpAddress> addresses) {
  note_time(now);
  if (addresses == echoed_) return;
  echoed_ = std::move(addresses);
  look_at_own_record_at(now.mono + kSettle);
  finish(now);
}

void Engine::add_reflector(Now now, const Endpoint& server, discovery::StunClient::Rank rank) {
  note_time(now);
  stun_.add_server(now.mono, server, rank);
  stun_.handle_timeout(now.mono);
  finish(now);
}

void Engine::remove_reflector(Now now, const Endpoint& server) {
  note_time(now);
  stun_.remove_server(server);
  finish(now);
}

// A path is lost: did our NAT forget us, or get another address? The servers know at once.
void Engine::doubt_reflexive(TimePoint now) {
  doubt_due_.reset();
  if (now < next_doubt_) {  // not forgotten: whoever moved twice would wait for the next refresh
    doubt_due_ = next_doubt_;
    return touch();
  }
  next_doubt_ = now + kDoubtPause;
  stun_.ask_again(now);
  stun_.handle_timeout(now);
  // So do members elsewhere: where each hub is dead, only they.
  for (const PeerNumber number : witnesses(now)) roster_.by_number(number)->paths.doubt(now);
}

// Whom to ask how we look from outside: rather those with whom there are keys, since they are the
// first to hear of it, too; then those who spoke last.
std::vector<PeerNumber> Engine::witnesses(TimePoint now) const {
  std::vector<std::tuple<bool, Duration, PeerNumber>> found;
  for (const auto& [number, peer] : roster_.all())
    if (peer.proven && peer.paths.best_kind() == discovery::PathKind::direct &&
        !peer.paths.doubtful())
      found.emplace_back(!peer.has_session(), now - peer.last_proven, number);
  const std::size_t count = std::min(kWitnesses, found.size());
  std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(count), found.end());
  std::vector<PeerNumber> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(std::get<PeerNumber>(found[i]));
  return out;
}

bool Engine::handle_stun(Now now, const Path& path, ByteView datagram) {
  note_time(now);
  const bool ours = stun_.handle_datagram(now.mono, path.remote, datagram, drops_);
  if (ours) {
    const bool first = !own_record_.current();
    look_at_own_record_at(first ? now.mono : now.mono + kSettle);
    if (stun_.take_restarted() && directory_) directory_->put_again(now);
    if (first) look_at_own_record(now);
  }
  finish(now);
  return ours;
}

void Engine::look_at_own_record_at(TimePoint when) {
  if (!record_due_ || when < *record_due_) record_due_ = when;
}

void Engine::look_at_own_record(Now now) {
  record_due_.reset();
  const bool first = !own_record_.current();
  if (first && config_.reflectors && now.mono - started_ < kStunPatience &&
      (stun_.reflexive(now.mono).empty() || !stun_.settled(now.mono, kStunPatience)))
    return look_at_own_record_at(started_ + kStunPatience);
  tell_nat(now.mono);
  const discovery::OwnView view = own_view(now.mono);
  discovery::OwnRecord::Content content{
      .candidates = discovery::gather(view),
      .nat = nat_told_ ? nat_told_->mapping : wire::NatMapping::unknown,
      .name = config_.name,
      .claims = config_.claims};
  if (!own_record_.update(now, std::move(content), [&] { return numbers_.next(); })) return;
  publish_own_record(now);
  if (!first) suggest_all_paths(now.mono);  // whether a private address means the same as ours
}

void Engine::publish_own_record(Now now) {
  touch();
  const discovery::RecordPtr& own = own_record_.current();
  if (discovery::serves(*own)) ++memory_version_;
  gossip_.set_own(own);
  gossip_.spread(now.mono);
  if (directory_) directory_->publish(now, own);
}

std::vector<Endpoint> Engine::own_endpoints() const {
  std::vector<Endpoint> own;
  for (const Interface& interface : interfaces_)
    for (const Cidr& address : interface.addresses) own.push_back({address.ip, config_.port});
  return own;
}

void Engine::tell_nat(TimePoint now) {
  NatKnown known{.reflexive = stun_.reflexive(now), .mapping = stun_.mapping(now, own_endpoints())};
  // Nor does one of two witnesses that fell silent.
  if (nat_told_ && known.mapping == wire::NatMapping::unknown) known.mapping = nat_told_->mapping;
  const bool news = known.mapping != wire::NatMapping::unknown &&
                    (!nat_told_ || nat_told_->mapping != known.mapping);
  // A server that stopped to answer takes nothing away from what we know.
  if (known.reflexive.empty() && nat_told_) return;
  if (news) emit(known);
  if (!known.reflexive.empty()) nat_told_ = std::move(known);
}

// ---- the others' ----

void Engine::handle_directory(Now now, const discovery::DhtKey& key, ByteView value) {
  note_time(now);
  if (directory_) {
    const auto record = directory_->open(key, value);
    if (record)
      take_record(now, *record, kNoPeer);
    else
      count(Drop::auth_failed);
  }
  finish(now);
}

void Engine::handle_store_lost(Now now) {
  note_time(now);
  if (directory_) directory_->put_again(now);
  finish(now);
}

void Engine::take_record(Now now, ByteView bytes, PeerNumber from) {
  using Refusal = discovery::RecordBook::Refusal;
  // Our own comes back from everywhere, and must not use up the changes of our id.
  const discovery::RecordPtr& own = own_record_.current();
  if (own && std::equal(bytes.begin(), bytes.end(), own->bytes.begin(), own->bytes.end())) return;
  const std::uint64_t members = book_.members_version();
  const auto offered = book_.offer(now.mono, bytes, from);
  if (const auto* refusal = std::get_if<Refusal>(&offered)) {
    switch (*refusal) {
      case Refusal::malformed:
        return count(Drop::malformed);
      case Refusal::bad_signature:
        return count(Drop::bad_identity);
      case Refusal::known:  // several ways lead here
      case Refusal::stale:
        return;
      case Refusal::too_fast:
        return count(Drop::rate_limited);
      case Refusal::full:
        return count(Drop::table_full);
    }
  }
  const auto& record = std::get<discovery::RecordPtr>(offered);
  if (record->id == self_.identity.id) return meet_ourselves(now, *record);
  if (watched_ && book_.members_version() != members)
    emit(MemberHeard{record->id, record->record.name});
  if (book_.proven(record->id)) {
    ++memory_version_;
    look_at_servers_at(now.mono + kSettle);
  }
  look_at_choice(now);
  if (wants_peer(*record, from)) apply_record(now, record);
}

// Who is known already; who stands at our door, which is where newcomers look for anybody; and
// whoever we keep an edge with anyway.
bool Engine::wants_peer(const discovery::SignedRecord& record, PeerNumber from) const {
  if (roster_.by_static_key(record.record.static_key) != nullptr) return true;
  if (from == kNoPeer || config_.full_mesh) return true;
  if (crowded_) return chosen_.contains(record.id);
  return roster_.all().size() < config_.eager_members;
}

// ---- what else members sign ----

void Engine::take_object(Now now, ByteView bytes, PeerNumber from) {
  const auto object = gossip_.handle_object(now.mono, from, bytes, drops_);
  if (!object || object->kind != wire::ObjectKind::goodbye) return;
  const auto record = book_.find(object->signer);
  if (record && watched_) emit(MemberLeft{record->id, record->record.name});
  Peer* peer = record ? roster_.by_static_key(record->record.static_key) : nullptr;
  if (peer == nullptr || !peer->proven || peer->id != object->signer) return;
  // Of the start that we know, not of the one before.
  const BootId& boot = peer->boot ? *peer->boot : record->record.boot;
  if (!std::equal(object->body.begin(), object->body.end(), boot.begin(), boot.end())) return;
  goodbye_from(now.mono, *peer);
  service(now, *peer);
}

// Who has an edge with us passes it on to those who have none.
void Engine::spread_goodbye(Now now) {
  if (!own_record_.current()) return;
  const std::uint64_t sequence =
      std::max(numbers_.next(), own_record_.current()->record.sequence + 1);
  gossip_.spread_object(
      now.mono, discovery::sign_object(wire::ObjectKind::goodbye, sequence, config_.boot,
                                       config_.identity.signing_seed, to_bytes(config_.keys.id),
                                       self_.suite));
  while (const auto send = gossip_.poll(now.mono)) {
    const Peer* peer = std::as_const(roster_).by_number(send->to);
    if (peer != nullptr && peer->has_session())
      emit(SendControl{send->to, wire::encode_control({send->type, send->body})});
  }
}

void Engine::meet_ourselves(Now now, const discovery::SignedRecord& record) {
  using Met = discovery::OwnRecord::Met;
  const Met met = own_record_.met(now, record, [&] { return numbers_.next(); });
  if (met == Met::nothing) return;
  touch();
  if (met != Met::waiting) publish_own_record(now);
  if (met != Met::twin || now.mono < next_twin_told_) return;
  next_twin_told_ = now.mono + kTellTwin;
  emit(TwinIdentity{});
}

// Null if there is no room for a peer, or it is not the one that the record names.
Peer* Engine::apply_record(Now now, const discovery::RecordPtr& record) {
  const wire::Record& said = record->record;
  Peer* peer = roster_.by_static_key(said.static_key);
  if (peer == nullptr) peer = meet(now, record->id, said.static_key);
  if (peer == nullptr) return nullptr;
  // The signature does not prove that the static key is the signer's: the handshake has.
  if (peer->proven && peer->id != record->id) {
    count(Drop::bad_identity);
    return nullptr;
  }
  // So until then nobody's record pushes out another one's.
  if (!peer->proven && peer->record && peer->record->id != record->id) {
    if (peer->rivals.size() < Peer::kMaxRivals) peer->rivals.push_back(record);
    suggest_paths(now.mono, *peer);
    service(now, *peer);
    return peer;
  }
  if (!peer->proven) {
    peer->id = record->id;
    peer->name = said.name;
  }
  const bool restarted = peer->record && peer->record->record.boot != said.boot;
  peer->record = record;
  if (!peer->paths.best() && (restarted || peer->said_goodbye)) peer->trying_since = now.mono;
  if (peer->boot != said.boot) peer->said_goodbye = false;
  peer->suggested.clear();
  suggest_paths(now.mono, *peer);
  service(now, *peer);
  return peer;
}

void Engine::suggest_paths(TimePoint now, Peer& peer) {
  suggest_paths(now, peer, own_view(now));
}

void Engine::suggest_paths(TimePoint now, Peer& peer, const discovery::OwnView& view) {
  if (!peer.record || peer.said_goodbye) return;
  auto targets = discovery::worth_probing(peer.record->record.candidates, view);
  for (const auto& rival : peer.rivals)
    for (const auto& target : discovery::worth_probing(rival->record.candidates, view))
      if (std::find(targets.begin(), targets.end(), target) == targets.end())
        targets.push_back(target);
  std::erase_if(targets, [&](const discovery::Target& target) {
    return !is_underlay(target.path.remote.ip);
  });
  if (targets == peer.suggested) return;
  touch();
  peer.suggested = targets;
  peer.paths.suggest(now, targets);
}

void Engine::suggest_all_paths(TimePoint now) {
  const discovery::OwnView view = own_view(now);
  for (const auto& [number, peer] : roster_.all()) suggest_paths(now, peer, view);
}

// Records that found no place for their member when they came.
void Engine::apply_unmet_records(Now now) {
  std::vector<discovery::RecordPtr> unmet;
  book_.each(false, [&](const discovery::RecordPtr& record) {
    if (record->id != self_.identity.id &&
        roster_.by_static_key(record->record.static_key) == nullptr)
      unmet.push_back(record);
  });
  // Whose turn it is when there is no room for all is left to chance.
  for (std::size_t i = unmet.size(); i > 1; --i)
    std::swap(unmet[i - 1], unmet[static_cast<std::size_t>(random_.below(i))]);
  for (const auto& record : unmet) apply_record(now, record);
}

void Engine::look_up(Now now, Peer& peer) {
  if (!directory_ || peer.said_goodbye) return;
  if (peer.paths.best()) {
    peer.next_lookup.reset();
    peer.lookup_pause = {};
    return;
  }
  if (!peer.next_lookup) {
    peer.next_lookup = now.mono + kFirstLookup;
    peer.lookup_pause = kFirstLookup;
  }
  if (now.mono < *peer.next_lookup) return;
  directory_->look_up(now, peer.id);
  peer.lookup_pause = std::min<Duration>(peer.lookup_pause * 2, kLongestLookupPause);
  peer.next_lookup = now.mono + peer.lookup_pause;
}

void Engine::note_proven(Peer& peer) {
  for (const auto& rival : peer.rivals)
    if (rival->id == peer.id) peer.record = rival;
  peer.rivals.clear();
  if (peer.record && peer.record->id != peer.id) peer.record.reset();
  surroundings_changed_ = true;
  observed_.reset();
  book_.prove(peer.id);
  // Where it saw us counts from now on.
  if (peer.observed4.ip || peer.observed6.ip) look_at_own_record_at(last_input_ + kSettle);
}

void Engine::tell_surroundings(Now now) {
  surroundings_changed_ = false;
  if (!directory_) return;
  look_at_servers_at(now.mono + kSettle);
  edges_ = 0;
  for (const auto& [number, peer] : std::as_const(roster_).all())
    if (peer.proven && peer.paths.best()) ++edges_;
  directory_->set_edges(now, edges_);
  members_due_.reset();
  if (told_members_ == book_.stands_version()) return;
  if (now.mono < next_members_) {
    members_due_ = next_members_;
    return touch();
  }
  next_members_ = now.mono + kMembersPause;
  told_members_ = book_.stands_version();
  // All that we stand by, not only those whom we met: else each would know other landmarks.
  directory_->set_members(now, book_.stood_by());
}

}  // namespace meshnode::overlay
