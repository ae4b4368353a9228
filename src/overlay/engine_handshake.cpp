// Engine: keys — attempts, answers, sessions.
#include <algorithm>
#include <iterator>

#include "overlay/engine.h"
#include "wire/control.h"

namespace meshnode::overlay {
namespace {

// One attempt: the same bytes at these pauses, within the 5 s in which the other side answers a
// repetition without arithmetic.
constexpr Duration kResend[] = {milliseconds(250), milliseconds(500), milliseconds(1000),
                                milliseconds(2000)};
// "The smaller NodeId's first message wins for 1 s."
constexpr Duration kGlare = seconds(1);
// The larger NodeId lets the smaller one begin, if nobody waits for the edge.
constexpr Duration kPoliteness = milliseconds(100);
constexpr Duration kLongestAttemptPause = seconds(60);
constexpr Duration kChallengeInterval = seconds(1);
constexpr Duration kFirstKnock = seconds(2);
constexpr Duration kFirstCall = seconds(3);
constexpr Duration kCallRetry = seconds(15);
constexpr Duration kCallPause = minutes(10);
constexpr std::uint64_t kCallsSpreadMs = 12'000;
constexpr Duration kLongestKnockPause = minutes(10);
constexpr Duration kKnockPatience = seconds(2);
// A first message is that many times as large as a probe.
constexpr int kKnockCost = 6;

}  // namespace

SessionIndex Engine::fresh_index() {
  for (;;) {
    const SessionIndex index = random_.u32();
    if (!attempts_.contains(index) && !pending_.contains(index) && !session_peers_.contains(index))
      return index;
  }
}

// When to renew the session; nothing if it is not in use (as of `now`).
std::optional<TimePoint> Engine::rekey_time(const Peer& peer, TimePoint now) const {
  if (!peer.has_session()) return std::nullopt;
  const Session& session = peer.current();
  if (session.boot != *peer.boot || session.worn) return peer.next_attempt;
  if (!peer.inner_seen || peer.last_inner <= session.created) return std::nullopt;
  const TimePoint due =
      std::max(session.created + (session.initiator ? kRekeyAfter : kResponderRekeyAfter),
               peer.next_attempt);
  if (std::max(due, now) - peer.last_inner >= kInUse) return std::nullopt;
  return due;
}

bool Engine::wants_handshake(const Peer& peer, TimePoint now) const {
  if (!peer.paths.best() || !peer.boot || now < peer.next_attempt) return false;
  if (peer.has_session()) {
    const auto due = rekey_time(peer, now);
    return due && now >= *due;
  }
  return peer.wants_edge || !peer.staging.empty();
}

void Engine::begin_attempt(Now now, Peer& peer, std::optional<Block<16>> challenge_answer) {
  const bool polite = self_.identity.id > peer.id && peer.staging.empty() && !challenge_answer &&
                      !peer.has_session() && peer.failed_attempts == 0;
  if (polite && peer.path_since + kPoliteness > now.mono) {
    peer.next_attempt = peer.path_since + kPoliteness;
    return;
  }
  const HandshakeFresh fresh{.index = fresh_index(),
                             .number = numbers_.next(),
                             .observed = peer.paths.best()->remote,
                             .challenge_answer = challenge_answer};
  auto machine = Initiator::begin(self_, fresh, random_.secret<32>(), peer.static_key, *peer.boot);
  if (!machine) return fail_attempt(now, peer);
  if (peer.cookie) machine->set_cookie(*peer.cookie);
  attempts_[fresh.index] = peer.number;
  peer.attempt_began = now.mono;
  peer.attempt = Attempt{std::move(*machine), now.mono, now.mono, *peer.paths.best(), 0};
  drive_attempt(now, peer);
}

void Engine::drive_attempt(Now now, Peer& peer) {
  Attempt& attempt = *peer.attempt;
  if (now.mono < attempt.next_send) return;
  if (attempt.sends == std::size(kResend)) return fail_attempt(now, peer);
  // The path may have moved since the attempt began; the message may go any way.
  if (peer.paths.best()) attempt.path = *peer.paths.best();
  emit(SendMessage{attempt.path, attempt.machine.message()});
  attempt.next_send = now.mono + kResend[attempt.sends++];
}

// Probes are keyed per pair: whoever does not have our record drops them. It may be full at the
// door where it would have heard of us, and without edges nobody introduces us. But a first message
// tells who we are, and if anybody can reach it there, so can we.
void Engine::knock(Now now, Peer& peer) {
  if (peer.attempt && peer.attempt->knock &&
      (peer.paths.best() || now.mono >= peer.attempt->next_send))
    drop_attempt(peer);
  if (!may_knock(peer)) return peer.next_knock.reset();
  if (!peer.next_knock) {
    peer.knock_pause = kFirstKnock;
    peer.next_knock = now.mono + kFirstKnock;
  }
  if (now.mono < *peer.next_knock || peer.attempt) return;
  peer.knock_pause = std::min<Duration>(peer.knock_pause * 2, kLongestKnockPause);
  peer.next_knock = now.mono + peer.knock_pause;
  const Path path = peer.suggested[peer.knocks++ % peer.suggested.size()].path;
  for (int i = 0; i < kKnockCost; ++i)
    if (!told_budget_.take(now.mono, path.remote.ip)) return;
  const HandshakeFresh fresh{
      .index = fresh_index(), .number = numbers_.next(), .observed = path.remote};
  auto machine = Initiator::begin(self_, fresh, random_.secret<32>(), peer.static_key,
                                  peer.record->record.boot);
  if (!machine) return;
  attempts_[fresh.index] = peer.number;
  peer.attempt = Attempt{std::move(*machine), now.mono, now.mono + kKnockPatience, path, 1, true};
  emit(SendMessage{path, peer.attempt->machine.message()});
}

// Its record says where it should be, but nothing there answers.
bool Engine::is_out_of_reach(const Peer& peer) const {
  return directory_ && !peer.paths.best() && !peer.said_goodbye && peer.record;
}

// Only where we are lonely; with edges there are introductions.
bool Engine::may_knock(const Peer& peer) const {
  return is_out_of_reach(peer) && edges_ < discovery::Directory::kEnoughEdges &&
         !peer.suggested.empty();
}

// Where a first message does not get in, its router has to be opened from inside: it must know us.
// Also where there are edges, but nobody whom we know knows it: two meshes that do not know of each
// other become one like this.
void Engine::call(Now now, Peer& peer) {
  const bool strange = is_out_of_reach(peer) &&
                       (edges_ < discovery::Directory::kEnoughEdges || !book_.stands_by(peer.id));
  if (!strange) return peer.next_call.reset();
  // By lot, so that not all call the same ones.
  if (!peer.next_call)
    peer.next_call = now.mono + kFirstCall + milliseconds(random_.below(kCallsSpreadMs));
  if (now.mono < *peer.next_call) return;
  peer.next_call = now.mono + (directory_->call(now, peer.id)
                                   ? kCallPause
                                   : kCallRetry + milliseconds(random_.below(kCallsSpreadMs)));
}

void Engine::fail_attempt(Now now, Peer& peer) {
  drop_attempt(peer);
  peer.cookie.reset();
  const unsigned exponent = std::min(peer.failed_attempts++, 6U);
  peer.next_attempt =
      now.mono + std::min<Duration>(seconds(std::int64_t{1} << exponent), kLongestAttemptPause);
  // Does the path still carry anything, and is it still the same start of the peer?
  peer.paths.probe_all(now.mono);
}

void Engine::handle_init(Now now, const Path& path, ByteView datagram) {
  const auto init = wire::parse_init(datagram);
  if (!init) return count(Drop::malformed);
  const auto verdict = gate_.admit(now.mono, path, *init);
  if (const auto* reason = std::get_if<Drop>(&verdict)) return count(*reason);
  if (const auto* again = std::get_if<Gate::AnswerAgain>(&verdict))
    return emit(SendMessage{path, again->answer});
  if (const auto* ask = std::get_if<Gate::SendCookie>(&verdict)) {
    emit(SendMessage{path, make_challenge(self_.keys, wire::Challenge::Kind::cookie, init->sender,
                                          ask->cookie, init->mac1)});
    return count(Drop::rate_limited);
  }
  auto opened = open_init(self_, *init, random_.secret<32>());
  if (const auto* reason = std::get_if<Drop>(&opened)) {
    gate_.remember(now.mono, path, init->mac1, {});
    return count(*reason);
  }
  answer_init(now, path, std::move(std::get<OpenedInit>(opened)));
}

// Says why a message that authenticated is not answered with a session, if so.
std::optional<Drop> Engine::refuse_init(Now now, Peer* peer, const OpenedInit& init,
                                        bool& challenged) {
  const auto& payload = init.peer.payload;
  challenged =
      payload.challenge_answer &&
      gate_.challenge_met(now.mono, init.peer.static_key, payload.boot, *payload.challenge_answer);
  if (init.peer.id == self_.identity.id) return Drop::self;
  if (peer == nullptr) return std::nullopt;
  if (peer->proven && peer->id != init.peer.id) return Drop::bad_identity;
  if (is_twin(now.mono, *peer, payload.boot)) return Drop::bad_identity;
  if (!challenged && !peer->numbers.would_accept(payload.number))
    return peer->knows_boot(payload.boot) ? Drop::replayed : Drop::stale_number;
  const bool ours_wins = self_.identity.id < init.peer.id && peer->boot == payload.boot &&
                         peer->attempt_began != TimePoint{} &&
                         now.mono - peer->attempt_began < kGlare;
  if (ours_wins) return Drop::glare;
  return std::nullopt;
}

void Engine::answer_init(Now now, const Path& path, OpenedInit&& init) {
  const wire::Mac mac1 = init.mac1;
  Peer* peer = roster_.by_static_key(init.peer.static_key);
  bool challenged = false;
  if (const auto reason = refuse_init(now, peer, init, challenged)) {
    count(*reason);
    if (*reason == Drop::stale_number && now.mono >= peer->next_challenge) {
      peer->next_challenge = now.mono + kChallengeInterval;
      return send_challenge(now, path, init);
    }
    return gate_.remember(now.mono, path, mac1, {});
  }
  replace_pending(init.peer.static_key);
  if (pending_full(peer)) {
    gate_.remember(now.mono, path, mac1, {});
    return count(Drop::table_full);
  }

  const HandshakeFresh fresh{
      .index = fresh_index(), .number = numbers_.next(), .observed = path.remote};
  auto answered = respond(self_, std::move(init), fresh);
  if (const auto* reason = std::get_if<Drop>(&answered)) {
    gate_.remember(now.mono, path, mac1, {});
    return count(*reason);
  }
  auto& response = std::get<Response>(answered);
  const PeerNumber number = peer != nullptr ? peer->number : roster_.reserve_number();
  add_key(response.established, number, true);
  if (peer == nullptr || !peer->proven) {
    // The first packets may come in one batch with the frame that confirms: their source is judged
    // by the id that this handshake proved.
    auto sources = std::make_shared<dataplane::AddressSet>();
    sources->insert(overlay_address(config_.keys.id, response.established.peer.id));
    emit(dataplane::SlotChange{dataplane::SetSources{number, std::move(sources)}});
  }
  if (peer != nullptr && peer->attempt) {
    drop_attempt(*peer);  // glare: theirs won
    peer->next_attempt = now.mono + kGlare;
  }
  gate_.remember(now.mono, path, mac1, response.message);
  emit(SendMessage{path, std::move(response.message)});
  pending_.emplace(fresh.index, Pending{std::move(response.established), number, path, now.mono,
                                        mac1, challenged});
}

void Engine::send_challenge(Now now, const Path& path, const OpenedInit& init) {
  const auto& boot = init.peer.payload.boot;
  Bytes message =
      make_challenge(self_.keys, wire::Challenge::Kind::freshness, init.remote_index,
                     gate_.challenge_for(now.mono, init.peer.static_key, boot), init.mac1);
  gate_.remember(now.mono, path, init.mac1, message);
  emit(SendMessage{path, std::move(message)});
}

Peer* Engine::peer_of_attempt(SessionIndex index) {
  const auto found = attempts_.find(index);
  if (found == attempts_.end()) return nullptr;
  Peer* peer = roster_.by_number(found->second);
  return peer != nullptr && peer->attempt ? peer : nullptr;
}

void Engine::handle_challenge(Now now, ByteView datagram) {
  const auto challenge = wire::parse_challenge(datagram);
  if (!challenge) return count(Drop::malformed);
  Peer* peer = peer_of_attempt(challenge->receiver);
  if (peer == nullptr) return count(Drop::unknown_session);
  if (!peer->attempt->machine.is_for_us(*challenge)) return count(Drop::bad_mac);
  if (challenge->kind == wire::Challenge::Kind::cookie) {
    peer->cookie = challenge->value;
    peer->attempt->machine.set_cookie(challenge->value);
    return;  // goes with the next repetition: there is load over there
  }
  drop_attempt(*peer);
  if (peer->paths.best()) begin_attempt(now, *peer, challenge->value);
}

void Engine::handle_response(Now now, const Path& path, ByteView datagram) {
  const auto response = wire::parse_response(datagram);
  if (!response) return count(Drop::malformed);
  Peer* peer = peer_of_attempt(response->receiver);
  if (peer == nullptr) return count(Drop::unknown_session);
  auto finished = peer->attempt->machine.finish(*response);
  if (const auto* reason = std::get_if<Drop>(&finished)) {
    if (peer->attempt->machine.spent()) fail_attempt(now, *peer);
    return count(*reason);
  }
  const auto& established = std::get<Established>(finished);
  if (peer->proven && established.peer.id != peer->id) {
    count(Drop::bad_identity);
    return fail_attempt(now, *peer);
  }
  // Where our message was received, not where the answer seems to come from: that can be forged.
  const Path asked = peer->attempt->path.same_remote(path) ? path : peer->attempt->path;
  drop_attempt(*peer);
  add_key(established, peer->number, false);
  adopt(now, *peer, established, asked, {.initiator = true, .surely_fresh = true});
}

void Engine::add_key(const Established& established, PeerNumber number, bool report_first_data) {
  auto slot = std::make_shared<dataplane::KeySlot>();
  slot->peer = number;
  slot->local_index = established.local_index;
  slot->remote_index = established.remote_index;
  slot->cipher = established.keys.cipher;
  slot->make_cipher = config_.make_cipher;
  slot->send_key = established.keys.send;
  slot->receive_key = established.keys.receive;
  slot->report_first_data = report_first_data;
  emit(dataplane::SlotChange{dataplane::AddKey{std::move(slot)}});
}

// One answer per initiator is enough: a newer first message replaces it.
void Engine::replace_pending(const crypto::X25519Public& key) {
  const auto old = std::find_if(pending_.begin(), pending_.end(), [&](const auto& entry) {
    return entry.second.established.peer.static_key == key;
  });
  if (old != pending_.end()) drop_pending(old->first);
}

// Who knows the secret can make identities: unknown ones leave room for members.
bool Engine::pending_full(const Peer* peer) const {
  if (pending_.size() >= kMaxPending) return true;
  if (peer != nullptr) return false;
  const auto unknown = std::count_if(pending_.begin(), pending_.end(), [&](const auto& entry) {
    return roster_.by_number(entry.second.number) == nullptr;
  });
  return static_cast<std::size_t>(unknown) >= kMaxPendingUnknown;
}

void Engine::drop_pending(SessionIndex index) {
  const auto found = pending_.find(index);
  const PeerNumber number = found->second.number;
  pending_.erase(found);
  emit(dataplane::SlotChange{dataplane::DropKey{index}});
  // The pumps know this number from the answer alone.
  if (roster_.by_number(number) == nullptr)
    emit(dataplane::SlotChange{dataplane::DropPeer{number}});
}

// The initiator's first valid data frame: now, and not before, things change.
void Engine::confirm_pending(Now now, SessionIndex index, const Path& path) {
  const auto found = pending_.find(index);
  if (found == pending_.end()) return;
  const Pending pending = found->second;
  gate_.settle(pending.mac1);
  const ProvenPeer& proven = pending.established.peer;
  Peer* peer = roster_.by_static_key(proven.static_key);
  if (peer == nullptr) {
    auto keys =
        discovery::ProbeKeys::derive(self_.suite, self_.identity.static_secret,
                                     self_.identity.static_key, proven.static_key, self_.keys.psk);
    if (keys)
      peer = roster_.add(pending.number, proven.id, proven.static_key, std::move(*keys), now.mono,
                         Roster::Room::for_proven);
    if (peer != nullptr) roster_.refresh_tags(*peer, *epoch_);
  }
  if (peer == nullptr || peer->number != pending.number) {
    count(Drop::table_full);
    return drop_pending(index);
  }
  pending_.erase(found);
  drop_attempt(*peer);  // not needed any more
  // Where our answer was received; the frame may only seem to come from elsewhere.
  adopt(now, *peer, pending.established, pending.path,
        {.initiator = false, .surely_fresh = pending.number_was_challenged});
  if (!path.same_remote(pending.path)) hear_of_path(now, *peer, path);
}

void Engine::adopt(Now now, Peer& peer, const Established& established, const Path& path,
                   Adoption how) {
  learn(now, peer, established.peer, how.surely_fresh);
  const bool new_edge = !peer.has_session() || peer.current().boot != established.peer.payload.boot;
  peer.sessions.push_back({.local_index = established.local_index,
                           .cipher = established.keys.cipher,
                           .created = now.mono,
                           .initiator = how.initiator,
                           .boot = established.peer.payload.boot});
  session_peers_[established.local_index] = peer.number;
  if (peer.sessions.size() > Peer::kMaxSessions) {
    drop_key(peer.sessions.front().local_index);
    peer.sessions.erase(peer.sessions.begin());
  }
  peer.wants_edge = false;
  peer.said_goodbye = false;
  peer.failed_attempts = 0;
  ++peer.handshakes;
  peer.cookie.reset();
  emit(dataplane::SlotChange{dataplane::UseKey{peer.number, established.local_index}});
  // The handshake went there and back on this path.
  if (is_underlay(path.remote.ip)) peer.paths.confirm(now.mono, kind_of(path), path);
  publish_path(now.mono, peer);
  // The first frame confirms the session to the responder; packets may follow at once.
  if (how.initiator)
    emit(SendControl{peer.number, wire::encode_control({wire::ControlType::keepalive, {}})});
  resend_staged(peer);
  for (Bytes& text : peer.unsaid.take(now.mono)) emit(SendControl{peer.number, std::move(text)});
  send_questions(now.mono, peer);
  if (new_edge)
    gossip_.edge_up(now.mono, peer.number, peer.id,
                    how.initiator ? discovery::Gossip::Begin::we : discovery::Gossip::Begin::they);
  service(now, peer);
}

// Everything that the handshake proves about the peer.
void Engine::learn(Now now, Peer& peer, const ProvenPeer& proven, bool surely_fresh) {
  peer.last_proven = now.mono;
  note_boot(now, peer, proven.payload.boot);
  if (!peer.numbers.mark(proven.payload.number) && surely_fresh)
    peer.numbers.restart_at(proven.payload.number);
  const bool news = !peer.proven || peer.claims != proven.payload.claims;
  peer.name = proven.payload.name;
  if (!news) return;
  for (const PeerNumber impostor : roster_.prove(peer, proven.id)) forget(impostor);
  note_proven(peer);
  ++memory_version_;
  const bool had_claims = !peer.claims.empty();
  peer.claims = proven.payload.claims;
  const auto settled = roster_.settle_claims(peer, config_.claims, now.mono);
  for (const IpAddress& address : settled.refused)
    emit(AddressConflict{peer.id, peer.name, address});
  for (const PeerNumber number : settled.expired)
    emit(dataplane::SlotChange{
        dataplane::SetSources{number, roster_.sources(*roster_.by_number(number))}});
  emit(dataplane::SlotChange{dataplane::SetSources{peer.number, roster_.sources(peer)}});
  if (had_claims || !peer.claims.empty() || !routes_lead_to(peer)) publish_routes();
}

void Engine::drop_dead_keys(TimePoint now, Peer& peer) {
  std::erase_if(peer.sessions, [&](const Session& session) {
    if (now - session.created < kKeyDeath) return false;
    drop_key(session.local_index);
    return true;
  });
}

}  // namespace meshnode::overlay
