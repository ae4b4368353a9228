// Engine: peers, packets and timers. See engine_probes.cpp and engine_handshake.cpp for the rest.
#include "overlay/engine.h"

#include "base/earliest.h"
#include "crypto/hash.h"
#include "wire/control.h"
#include "wire/ip.h"

namespace meshnode::overlay {
namespace {

constexpr Duration kHousekeeping = seconds(60);
// An unproven peer that never answered is forgotten after this time.
constexpr Duration kUnprovenLife = minutes(10);

HandshakeSelf make_self(const EngineConfig& config, const crypto::Suite& suite) {
  return {.suite = suite,
          .identity = config.identity,
          .keys = config.keys,
          .binding = bind_static_key(config.identity, config.keys.id, suite),
          .boot = config.boot,
          .ciphers = config.ciphers,
          .name = config.name,
          .claims = config.claims};
}

constexpr Duration kAnewFirst = seconds(5);
constexpr Duration kAnewMost = seconds(60);

}  // namespace

Engine::Engine(EngineConfig config, const crypto::Suite& suite, Random& random,
               NumberSource& numbers)
    : self_(make_self(config, suite)),
      config_(std::move(config)),
      random_(random),
      numbers_(numbers),
      own_address_(overlay_address(config_.keys.id, config_.identity.id)),
      gate_(gate_key(config_.keys, config_.identity.static_key, config_.boot), random),
      roster_(config_.keys.id),
      beacon_({.lan_key = config_.keys.lan,
               .static_key = config_.identity.static_key,
               .node = config_.identity.id,
               .boot = config_.boot,
               .port = config_.port},
              random),
      probe_nonces_(crypto::derive_key(config_.boot, config_.identity.static_secret.view(),
                                       "meshnode probe nonces")),
      book_(to_bytes(config_.keys.id), suite, config_.records),
      own_record_({.seed = config_.identity.signing_seed,
                   .static_key = config_.identity.static_key,
                   .boot = config_.boot,
                   .network_id = to_bytes(config_.keys.id)},
                  suite),
      gossip_(book_, {to_bytes(config_.keys.id), suite}, random),
      introductions_(config_.identity.id, to_bytes(config_.keys.id), suite),
      stun_(random) {
  if (config_.directory)
    directory_.emplace(discovery::DirectoryKeys{.rendezvous = config_.keys.rendezvous,
                                                .record = config_.keys.record},
                       config_.identity.id, random);
}

void Engine::start(Now now) {
  note_time(now);
  started_ = now.mono;
  next_housekeeping_ = now.mono + kHousekeeping;
  look_at_own_record_at(now.mono);
  auto own = std::make_shared<dataplane::AddressSet>();
  own->insert(own_address_);
  own->insert(config_.claims.begin(), config_.claims.end());
  emit(dataplane::SlotChange{dataplane::SetOwnAddresses{std::move(own)}});
  tell_surroundings(now);
  finish(now);
}

void Engine::finish(Now now) {
  if (surroundings_changed_) tell_surroundings(now);
  while (auto send = gossip_.poll(now.mono)) {
    Peer* peer = roster_.by_number(send->to);
    if (peer == nullptr) continue;
    say(now, *peer, send->type, send->body);
    if (!peer->has_session()) service(now, *peer);
  }
  while (auto transmit = stun_.poll())
    emit(SendMessage{{.remote = transmit->to, .local = {}}, std::move(transmit->datagram)});
  while (directory_) {
    auto request = directory_->poll();
    if (!request) break;
    emit(std::move(*request));
  }
  emit_routes();
  for (const PeerNumber number : roster_.take_touched()) {
    const Peer* peer = std::as_const(roster_).by_number(number);
    agenda_.set(number, peer == nullptr ? std::nullopt : deadline_of(*peer));
  }
}

void Engine::note_time(Now now) {
  if (overslept(now.mono)) wake(now);
  touch();
  last_input_ = now.mono;
  const auto epoch = discovery::tag_epoch(now.unix);
  if (epoch_ == epoch) return;
  epoch_ = epoch;
  for (const auto& [number, peer] : roster_.all()) roster_.refresh_tags(peer, epoch);
}

void Engine::handle_interfaces(Now now, const Interfaces& interfaces) {
  note_time(now);
  interfaces_ = interfaces;
  beacon_.set_interfaces(now.mono, interfaces);
  look_at_paths(now);
  stun_.set_own(own_endpoints());
  stun_.ask_again(now.mono);
  suggest_all_paths(now.mono);
  look_at_own_record_at(now.mono);
  finish(now);
}

void Engine::handle_beacon(Now now, const discovery::LanDatagram& datagram) {
  note_time(now);
  std::optional<std::uint8_t> version;
  if (const auto sighting = beacon_.open(datagram, drops_, &version))
    handle_sighting(now, *sighting);
  if (version) other_version_ = {*version, datagram.source.ip, now.mono};
  finish(now);
}

void Engine::handle_message(Now now, const Path& path, ByteView datagram) {
  note_time(now);
  dispatch(now, path, datagram);
  finish(now);
}

void Engine::dispatch(Now now, const Path& path, ByteView datagram) {
  if (datagram.empty()) return count(Drop::malformed);
  if (!is_underlay(path.remote.ip) || path.remote.port == 0) return count(Drop::underlay_loop);
  switch (static_cast<wire::MessageType>(datagram[0])) {
    case wire::MessageType::handshake_init:
      return handle_init(now, path, datagram);
    case wire::MessageType::handshake_response:
      return handle_response(now, path, datagram);
    case wire::MessageType::challenge:
      return handle_challenge(now, datagram);
    case wire::MessageType::probe:
      return handle_probe(now, path, datagram);
    case wire::MessageType::data:
      break;  // the RX pump's
  }
  count(Drop::unknown_type);
}

void Engine::handle_pump_event(Now now, const dataplane::PumpEvent& event) {
  note_time(now);
  dispatch(now, event);
  finish(now);
}

void Engine::dispatch(Now now, const dataplane::PumpEvent& event) {
  using Kind = dataplane::PumpEvent::Kind;
  if (event.kind == Kind::no_route) return demand(now, event.bytes);
  if (event.kind == Kind::first_data) return confirm_pending(now, event.session, event.path);
  Peer* peer = roster_.by_number(event.peer);
  if (peer == nullptr) return;
  switch (event.kind) {
    case Kind::no_session:
      stage(now, *peer, event.bytes);
      break;
    case Kind::key_worn:
      for (Session& session : peer->sessions)
        if (session.local_index == event.session) session.worn = true;
      break;
    case Kind::sent:
      peer->last_inner = now.mono;
      peer->inner_seen = true;
      peer->paths.data_sent(now.mono);
      if (auto* mtu = peer->mtu.current()) mtu->used(now.mono, event.size);
      break;
    case Kind::received:
      if (event.inner_data) {
        peer->last_inner = now.mono;
        peer->inner_seen = true;
      }
      peer->last_proven = now.mono;
      peer->paths.heard(now.mono, event.path, event.inner_data);
      break;
    case Kind::new_endpoint:
      // Invariant 3: only a hint; the probe's answer decides.
      hear_of_path(now, *peer, event.path);
      break;
    case Kind::control:
      handle_control(now, event);
      return;
    case Kind::too_big:
      tell_too_big(now.mono, *peer, event.bytes, event.size);
      break;
    case Kind::no_route:
    case Kind::first_data:
      break;
  }
  service(now, *peer);
}

void Engine::handle_timeout(Now now) {
  note_time(now);
  for (auto& datagram : beacon_.handle_timeout(now, [&] { return numbers_.next(); }))
    emit(std::move(datagram));
  for (auto it = pending_.begin(); it != pending_.end();) {
    const auto& [index, pending] = *it++;
    if (now.mono - pending.made >= kPendingLife) drop_pending(index);
  }
  if (now.mono >= next_housekeeping_) housekeeping(now);
  if (record_due_ && now.mono >= *record_due_) look_at_own_record(now);
  if (choice_due_ && now.mono >= *choice_due_) choose(now);
  if (servers_due_ && now.mono >= *servers_due_) tell_servers(now.mono);
  if (doubt_due_ && now.mono >= *doubt_due_) doubt_reflexive(now.mono);
  expire_questions(now.mono);
  if (members_due_ && now.mono >= *members_due_) tell_surroundings(now);
  if (own_record_.handle_timeout(now, [&] { return numbers_.next(); })) publish_own_record(now);
  book_.handle_timeout(now.mono);
  gossip_.handle_timeout(now.mono);
  stun_.handle_timeout(now.mono);
  if (directory_) directory_->handle_timeout(now);
  for (const PeerNumber number : agenda_.due(now.mono))
    if (Peer* peer = roster_.by_number(number)) service(now, *peer);
  finish(now);
}

void Engine::housekeeping(Now now) {
  next_housekeeping_ = now.mono + kHousekeeping;
  // Who has a record may stay, as long as there is room for others.
  const bool crowded = roster_.unproven() > Roster::kMaxUnproven / 2;
  std::vector<PeerNumber> gone;
  for (const auto& [number, peer] : std::as_const(roster_).all())
    if (!peer.proven && !peer.paths.best() && now.mono - peer.trying_since >= kUnprovenLife &&
        (crowded || !book_.find(peer.id)))
      gone.push_back(number);
  for (const PeerNumber number : gone) forget(number);
  choose(now);
  if (crowded_)
    retire_unneeded(now.mono);
  else
    apply_unmet_records(now);
}

// What the peer's timers want now. Cheap when nothing is due.
void Engine::service(Now now, Peer& peer) {
  drop_dead_keys(now.mono, peer);
  peer.paths.set_kept(now.mono, is_kept(peer, now.mono));
  send_probes(now, peer);
  publish_path(now.mono, peer);
  knock(now, peer);
  call(now, peer);
  if (peer.attempt) drive_attempt(now, peer);
  if (!peer.attempt && wants_handshake(peer, now.mono)) begin_attempt(now, peer, std::nullopt);
  announce(now.mono, peer);
  search_mtu(now.mono, peer);
  look_up(now, peer);
  seek_introduction(now, peer);
  // An idle edge stays a neighbour: it is woken up when there is something to say.
  if (!peer.paths.best()) gossip_.edge_down(peer.number);
  if (!peer.staging.empty() && now.mono >= peer.staging.deadline()) give_up_staged(now.mono, peer);
}

// Once for all changes of one input, and before packets that may need them.
void Engine::emit_routes() {
  if (!std::exchange(routes_changed_, false)) return;
  routes_ = roster_.routes();
  emit(dataplane::SlotChange{dataplane::SetRoutes{routes_}});
}

bool Engine::routes_lead_to(const Peer& peer) const {
  if (routes_changed_ || !routes_) return false;
  const auto route = routes_->find(overlay_address(config_.keys.id, peer.id));
  return route != routes_->end() && route->second == peer.number;
}

void Engine::publish_path(TimePoint now, Peer& peer) {
  if (peer.published_path == peer.paths.best()) return;
  const bool found = !peer.published_path;
  peer.published_path = peer.paths.best();
  peer.mtu.path_is(peer.published_path, config_.mtu + wire::kFrameOverhead);
  peer.published_limit.reset();
  publish_limit(peer);
  emit(dataplane::SlotChange{dataplane::SetPath{peer.number, peer.published_path}});
  tell_change(peer);
  surroundings_changed_ = true;
  if (found) peer.path_since = now;
  if (peer.published_path) {
    peer.last_path = peer.published_path;
    ++memory_version_;
    // The path was lost, its keys were not.
    if (found && peer.has_session() && peer.current().boot == peer.boot) resend_staged(peer);
    return send_questions(now, peer);
  }
  peer.trying_since = now;
  if (!peer.said_goodbye) doubt_reflexive(now);
  if (peer.announced) emit(PeerLost{peer.id, peer.name, peer.said_goodbye});
  peer.announced = false;
}

void Engine::resend_staged(Peer& peer) {
  if (!peer.staging.empty()) emit_routes();
  for (Bytes& packet : peer.staging.take()) emit(ResendPacket{std::move(packet)});
}

// An address of our own that became known is no change.
void Engine::tell_change(Peer& peer) {
  const auto* history = peer.paths.history();
  if (history == nullptr || history->changes == peer.told_changes) return;
  peer.told_changes = history->changes;
  if (!watched_) return;
  emit(PathChanged{peer.id, peer.name, peer.paths.best_kind().value_or(discovery::PathKind::direct),
                   history->last.back()});
}

// Tells people of an edge, once while it lasts.
void Engine::announce(TimePoint now, Peer& peer) {
  if (peer.announced || !peer.has_session() || !peer.paths.best()) return;
  const auto rtt = peer.paths.best_rtt();
  if (!rtt) return;  // a moment more, and the first probe's answer tells
  peer.announced = true;
  emit(PeerConnected{peer.id, peer.name, *peer.paths.best(), now - peer.trying_since, *rtt,
                     peer.ever_connected});
  peer.ever_connected = true;
}

void Engine::drop_key(SessionIndex index) {
  session_peers_.erase(index);
  emit(dataplane::SlotChange{dataplane::DropKey{index}});
}

void Engine::drop_attempt(Peer& peer) {
  if (peer.attempt) attempts_.erase(peer.attempt->machine.index());
  peer.attempt.reset();
}

void Engine::forget(PeerNumber number) {
  Peer* peer = roster_.by_number(number);
  if (peer == nullptr) return;
  for (const Session& session : peer->sessions) drop_key(session.local_index);
  drop_attempt(*peer);
  emit(dataplane::SlotChange{dataplane::DropPeer{number}});
  gossip_.edge_down(number);
  if (peer->proven) observed_.reset();
  introductions_.forget(number);
  agenda_.set(number, std::nullopt);
  roster_.remove(number);
  publish_routes();
}

std::size_t Engine::staged_bytes() const {
  std::size_t sum = 0;
  for (const auto& [number, peer] : std::as_const(roster_).all()) sum += peer.staging.bytes();
  return sum;
}

void Engine::stage(Now now, Peer& peer, ByteView packet) {
  if (staged_bytes() + packet.size() > kMaxStagedBytes || !peer.staging.add(now.mono, packet))
    return count(Drop::no_session);
  // Somebody waits: no politeness, no pause left over from earlier failures.
  peer.next_attempt = std::min(peer.next_attempt, now.mono);
  if (!peer.paths.best()) try_anew(now.mono, peer);
}

// As if the peer had just become known: what failed for hours may work now. It may be gone, too: so
// not for each packet.
void Engine::try_anew(TimePoint now, Peer& peer) {
  if (now < peer.next_anew) return;
  peer.anew_pause = std::clamp<Duration>(peer.anew_pause * 2, kAnewFirst, kAnewMost);
  peer.next_anew = now + peer.anew_pause;
  peer.invited.add(now);
  peer.introduction_pause = {};
  peer.next_introduction = now;
  peer.suggested.clear();
  suggest_paths(now, peer);
}

void Engine::give_up_staged(TimePoint now, Peer& peer) {
  bool told = false;
  for (const Bytes& packet : peer.staging.take()) {
    count(Drop::no_session);
    if (!told) tell_unreachable(now, packet, Unreachable::host);
    told = true;
  }
}

void Engine::tell_unreachable(TimePoint now, ByteView packet, Unreachable why) {
  if (why == Unreachable::no_route) count(Drop::no_route);
  const auto header = wire::parse_ip(packet);
  if (!header) return;
  // A kernel drops IPv4 that seems to come from its own address: there it is the destination itself
  // that says so.
  const IpAddress& router = header->source.is_v4() ? header->destination : own_address_;
  auto answer = unreachable(packet, router, why);
  if (answer && icmp_bucket_.take(now)) emit(DeliverPacket{std::move(*answer)});
}

void Engine::shutdown(Now now) {
  note_time(now);
  spread_goodbye(now);
  for (const auto& [number, peer] : roster_.all()) {
    if (!peer.paths.best()) continue;
    if (peer.has_session())
      emit(SendControl{number, wire::encode_control({wire::ControlType::goodbye, {}})});
    else
      send_goodbye_probe(peer);
  }
}

std::optional<Output> Engine::poll() {
  if (outputs_.empty()) return std::nullopt;
  Output out = std::move(outputs_.front());
  outputs_.pop_front();
  return out;
}

std::optional<TimePoint> Engine::next_deadline() const {
  if (deadline_known_) return deadline_;
  deadline_ =
      earliest({next_housekeeping_, beacon_.next_deadline(), record_due_, choice_due_, servers_due_,
                doubt_due_, questions_.next_deadline(), members_due_, own_record_.next_deadline(),
                book_.next_deadline(), gossip_.next_deadline(), stun_.next_deadline(),
                directory_ ? directory_->next_deadline() : std::nullopt, agenda_.first()});
  for (const auto& [index, pending] : pending_)
    deadline_ = earliest({deadline_, pending.made + kPendingLife});
  deadline_known_ = true;
  return deadline_;
}

std::optional<TimePoint> Engine::deadline_of(const Peer& peer) const {
  auto out = earliest({peer.paths.next_deadline(), peer.next_lookup, peer.next_introduction,
                       peer.next_call, peer.attempt ? peer.attempt->next_send : peer.next_knock});
  if (!peer.staging.empty()) out = earliest({out, peer.staging.deadline()});
  for (const Session& session : peer.sessions) out = earliest({out, session.created + kKeyDeath});
  if (peer.has_session() && peer.mtu.current() != nullptr)
    out = earliest({out, peer.mtu.current()->next_deadline()});
  if (peer.attempt || !peer.paths.best() || !peer.boot) return out;
  if (peer.has_session()) return earliest({out, rekey_time(peer, last_input_)});
  return earliest({out, due_if(peer.wants_edge || !peer.staging.empty(), peer.next_attempt)});
}

}  // namespace meshnode::overlay
