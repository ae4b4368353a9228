// Engine: where peers are — beacons, probes, boot ids.
#include <algorithm>

#include "dataplane/rx_pump.h"
#include "dataplane/tx_pump.h"
#include "overlay/engine.h"

namespace meshnode::overlay {
namespace {

// A beacon with an old number but an unknown boot id (the sender's state was restored) is followed
// at most this often.
constexpr Duration kStaleHintInterval = seconds(10);
// After an introduction both sides punch at once.
constexpr Duration kUrgent = seconds(10);
// Longer than the longest keep-alive pause and its retries.
constexpr Duration kTwinPause = minutes(3);
// A timer that comes so late was slept through.
constexpr Duration kSleep = seconds(30);

static_assert(dataplane::RxPump::kActivityInterval <= discovery::Silence::kGrain &&
              dataplane::TxPump::kActivityInterval <= discovery::Silence::kGrain);

}  // namespace

bool Engine::is_underlay(const IpAddress& ip) const {
  if (!ip || ip.is_unspecified() || ip.is_loopback() || ip.is_multicast() ||
      ip.is_limited_broadcast())
    return false;
  // A mesh never runs through a mesh, neither ours nor another one on this machine.
  if (overlay_prefix(config_.keys.id).contains(ip)) return false;
  for (const Interface& interface : interfaces_)
    for (const Cidr& own : interface.addresses)
      if ((interface.overlay && own.contains(ip)) || own.broadcast() == ip) return false;
  return true;
}

discovery::PathKind Engine::kind_of(const Path& path) const {
  if (path.remote.ip.is_link_local()) return discovery::PathKind::lan;
  for (const Interface& interface : interfaces_)
    for (const Cidr& own : interface.addresses)
      if (!interface.overlay && own.contains(path.remote.ip)) return discovery::PathKind::lan;
  return discovery::PathKind::direct;
}

void Engine::handle_sighting(Now now, const discovery::Sighting& sighting) {
  const wire::Beacon& beacon = sighting.beacon;
  if (!is_underlay(sighting.path.remote.ip)) return count(Drop::underlay_loop);
  // Two starts of one identity within one machine's memory: the other one is not a peer.
  if (beacon.static_key == self_.identity.static_key) return count(Drop::self);
  Peer* peer = roster_.by_static_key(beacon.static_key);
  const bool newcomer = peer == nullptr;
  if (newcomer) peer = meet(now, beacon.node, beacon.static_key);
  if (peer == nullptr) return;
  // Until it is proven, the id is only what somebody said; the static key decides who is meant.
  if (peer->proven && peer->id != beacon.node) return count(Drop::bad_identity);
  if (!sighting_is_news(now, *peer, beacon)) return;

  const auto epoch = discovery::tag_epoch(beacon.clock);
  note_epoch(*peer, epoch);
  peer->stated_clock = beacon.clock;
  peer->clock_heard = now.mono;
  // With a path between us it knows us already, unless it has started anew.
  const bool knows_us = peer->paths.best() && peer->boot == beacon.boot;
  if (newcomer || (beacon.answer_wanted && !knows_us)) beacon_.answer_soon(now.mono);
  if (peer->said_goodbye) {
    peer->said_goodbye = false;
    peer->trying_since = now.mono;
  }
  if (!peer->paths.best() && now.mono - peer->trying_since > discovery::LanBeacon::kInterval)
    peer->trying_since = now.mono;
  peer->paths.add(now.mono, discovery::PathKind::lan, sighting.path);
  // Perhaps a restart; the probe's answer will prove it.
  if (peer->boot && *peer->boot != beacon.boot) peer->paths.probe_all(now.mono);
  service(now, *peer);
}

Peer* Engine::meet(Now now, const NodeId& claimed_id, const crypto::X25519Public& static_key) {
  const auto refuse = [&](Drop reason) {
    count(reason);
    return nullptr;
  };
  if (!new_peer_bucket_.take(now.mono)) return refuse(Drop::rate_limited);
  auto keys = discovery::ProbeKeys::derive(self_.suite, self_.identity.static_secret,
                                           self_.identity.static_key, static_key, self_.keys.psk);
  if (!keys) return refuse(Drop::bad_identity);
  Peer* peer =
      roster_.add(roster_.reserve_number(), claimed_id, static_key, std::move(*keys), now.mono);
  if (peer == nullptr) return refuse(Drop::table_full);
  roster_.refresh_tags(*peer, *epoch_);
  publish_routes();
  return peer;
}

bool Engine::sighting_is_news(Now now, Peer& peer, const wire::Beacon& beacon) {
  if (peer.beacon_numbers.mark(beacon.number)) return true;
  if (peer.knows_boot(beacon.boot)) {
    count(Drop::replayed);
    return false;
  }
  if (now.mono < peer.next_stale_hint) {
    count(Drop::stale_number);
    return false;
  }
  peer.next_stale_hint = now.mono + kStaleHintInterval;
  return true;
}

// Packets wait, or it is said to punch right now.
bool Engine::is_urgent(TimePoint now, const Peer& peer) {
  return !peer.staging.empty() || within(now, peer.invited.last(), kUrgent);
}

// Whom packets wait for, and who is new at our door, come before those who have stood there for
// long: many share the address of a carrier's NAT, and those of them that cannot be reached try for
// ever.
discovery::ProbeBudget::Need Engine::need_of(TimePoint now, const Peer& peer) {
  using Need = discovery::ProbeBudget::Need;
  if (!is_urgent(now, peer)) return Need::usual;
  const bool fresh = !peer.staging.empty() || within(now, peer.invited.first(), kUrgent);
  return fresh ? Need::urgent : Need::again;
}

bool Engine::may_probe(TimePoint now, const Peer& peer, const Path& path) {
  using Evidence = discovery::PathBook::Evidence;
  using Need = discovery::ProbeBudget::Need;
  const IpAddress& to = path.remote.ip;
  const Need need = need_of(now, peer);
  switch (peer.paths.evidence(path)) {
    case Evidence::seen:
      return seen_budget_.take(now, to, need);
    case Evidence::told:
      return told_budget_.take(now, to, need);
    case Evidence::unlikely:
      return told_budget_.take(now, to, Need::unlikely);
  }
  return false;
}

void Engine::send_probes(Now now, Peer& peer) {
  for (const Path& path : peer.paths.to_open(now.mono))
    if (is_underlay(path.remote.ip) && may_probe(now.mono, peer, path)) emit(OpenWay{path});
  for (const Path& path : peer.paths.due(now.mono)) {
    // The budget is for what records and beacons say, not for those who have answered.
    if (!is_underlay(path.remote.ip) ||
        (!peer.paths.confirmed(path) && !may_probe(now.mono, peer, path))) {
      peer.paths.postponed(now.mono, path, is_urgent(now.mono, peer));
      continue;
    }
    wire::Probe probe;
    probe.number = numbers_.next();
    probe.boot = self_.boot;
    probe.nonce = probe_nonces_.of(probe.number);
    peer.paths.sent(now.mono, path, probe.number);
    // A peer that is lost may have started anew, and then it looks for our present epoch.
    const bool present = !peer.paths.best() && probe.number % 2 == 0;
    emit(SendMessage{path, peer.probe_keys.seal(probe, present ? *epoch_ : send_epoch(peer))});
  }
  if (peer.paths.doubtful() || peer.paths.uneasy(now.mono)) doubt_reflexive(now.mono);
}

// Our own; after a jump of our clock the one that worked before, which the peer still looks for.
discovery::TagEpoch Engine::send_epoch(const Peer& peer) const {
  if (!peer.answered_epoch) return *epoch_;
  const discovery::TagEpoch apart = *epoch_ - *peer.answered_epoch;
  return apart >= -1 && apart <= 1 ? *epoch_ : *peer.answered_epoch;
}

// From something authentic and fresh: a replayed tag must not lead us back in time.
void Engine::note_epoch(Peer& peer, discovery::TagEpoch epoch) {
  if (peer.stated_epoch == epoch) return;
  peer.stated_epoch = epoch;
  roster_.refresh_tags(peer, *epoch_);
}

void Engine::handle_probe(Now now, const Path& path, ByteView datagram) {
  auto probe = wire::parse_probe(datagram);
  if (!probe) return count(Drop::malformed);
  Peer* peer = roster_.by_tag(probe->tag);
  if (peer == nullptr) return count(Drop::unknown_tag);
  if (probe->kind == wire::Probe::Kind::answer) probe->nonce = probe_nonces_.of(probe->number);
  if (!peer->probe_keys.mac_fits(*probe)) return count(Drop::bad_mac);
  switch (probe->kind) {
    case wire::Probe::Kind::request:
      return handle_probe_request(now, *peer, path, *probe);
    case wire::Probe::Kind::answer:
      return handle_probe_answer(now, *peer, path, *probe);
    case wire::Probe::Kind::goodbye:
      return handle_probe_goodbye(now, *peer, *probe);
  }
}

void Engine::handle_probe_goodbye(Now now, Peer& peer, const wire::Probe& probe) {
  if (!peer.numbers.mark(probe.number))
    return count(peer.knows_boot(probe.boot) ? Drop::replayed : Drop::stale_number);
  // With a session, goodbye comes inside it.
  if (peer.has_session() || peer.boot != probe.boot) return;
  goodbye_from(now.mono, peer);
}

void Engine::send_goodbye_probe(Peer& peer) {
  wire::Probe probe;
  probe.kind = wire::Probe::Kind::goodbye;
  probe.number = numbers_.next();
  probe.boot = self_.boot;
  emit(SendMessage{*peer.paths.best(), peer.probe_keys.seal(probe, send_epoch(peer))});
}

void Engine::handle_probe_request(Now now, Peer& peer, const Path& path, const wire::Probe& probe) {
  if (!peer.numbers.mark(probe.number))
    return count(peer.knows_boot(probe.boot) ? Drop::replayed : Drop::stale_number);
  peer.last_proven = peer.asked_us = now.mono;
  wire::Probe answer;
  answer.kind = wire::Probe::Kind::answer;
  answer.number = probe.number;
  answer.boot = self_.boot;
  answer.nonce = probe.nonce;
  answer.observed = path.remote;
  emit(SendMessage{path, peer.probe_keys.seal(answer, send_epoch(peer))});
  if (const auto epoch = roster_.epoch_of(probe.tag)) note_epoch(peer, *epoch);
  if (is_twin(now.mono, peer, probe.boot)) return count(Drop::bad_identity);
  note_boot(now, peer, probe.boot);
  // The peer is there: perhaps on an endpoint that nobody told us (peer-reflexive, RFC 8445).
  peer.said_goodbye = false;
  if (!is_underlay(path.remote.ip)) return count(Drop::underlay_loop);
  const bool news = peer.paths.add(now.mono, kind_of(path), path);
  peer.paths.asked_on(now.mono, path, news);
  service(now, peer);
}

// The peer's frames come from there; its best path is another one.
void Engine::hear_of_path(Now now, Peer& peer, const Path& path) {
  if (!is_underlay(path.remote.ip)) return count(Drop::underlay_loop);
  peer.paths.add(now.mono, kind_of(path), path);
  peer.paths.heard(now.mono, path, false);
}

// Our interfaces changed: a path may have gone or come. Ask all of them, the answers decide.
void Engine::look_at_paths(Now now) {
  std::vector<IpAddress> own;
  for (const Interface& interface : interfaces_)
    if (interface.up && !interface.overlay)
      for (const Cidr& address : interface.addresses) own.push_back(address.ip);
  for (const auto& [number, peer] : roster_.all()) {
    peer.paths.addresses_are(now.mono, own);
    service(now, peer);
  }
}

// (A deadline may have been in the past when it was told: at once.)
bool Engine::overslept(TimePoint now) const {
  return deadline_known_ && deadline_ && now - std::max(*deadline_, last_input_) > kSleep;
}

// The machine slept: routers have forgotten us, and perhaps it is somewhere else now.
void Engine::wake(Now now) {
  touch();
  for (const auto& [number, peer] : roster_.all()) {
    peer.paths.doubt(now.mono);
    send_probes(now, peer);
  }
  stun_.ask_again(now.mono);
  stun_.handle_timeout(now.mono);
  look_at_own_record_at(now.mono);
}

void Engine::handle_probe_answer(Now now, Peer& peer, const Path& path, const wire::Probe& probe) {
  if (is_twin(now.mono, peer, probe.boot)) return count(Drop::bad_identity);
  if (!peer.paths.answered(now.mono, path, probe.number)) return count(Drop::replayed);
  told_budget_.answered(path.remote.ip);
  seen_budget_.answered(path.remote.ip);
  if (const auto epoch = roster_.epoch_of(probe.tag)) note_epoch(peer, *epoch);
  peer.answered_epoch = send_epoch(peer);
  note_observed(now.mono, peer, path, probe.observed);
  peer.last_proven = now.mono;
  note_boot(now, peer, probe.boot);
  service(now, peer);
}

// An earlier start speaks although a later one is there: the identity is in use on two machines. We
// stay with the later one as long as it speaks, instead of going to and fro with each word.
bool Engine::is_twin(TimePoint now, const Peer& peer, const BootId& boot) const {
  return peer.boot && *peer.boot != boot && peer.knows_boot(boot) &&
         now - peer.boot_heard < kTwinPause;
}

// A boot id from a message that is authentic and fresh.
void Engine::note_boot(Now now, Peer& peer, const BootId& boot) {
  if (is_twin(now.mono, peer, boot)) return;
  peer.boot_heard = now.mono;
  if (peer.boot == boot) return;
  std::erase(peer.earlier_boots, boot);
  peer.answered_epoch.reset();
  if (peer.boot) {
    peer.earlier_boots.push_back(*peer.boot);
    if (peer.earlier_boots.size() > Peer::kEarlierBoots) peer.earlier_boots.pop_front();
    peer.trying_since = now.mono;
    peer.paths.probe_all(now.mono);
  }
  peer.boot = boot;
  // It has lost its sessions, and a first message under way is for a life that is over.
  peer.wants_edge = true;
  peer.next_attempt = now.mono;
  peer.failed_attempts = 0;
  drop_attempt(peer);
}

}  // namespace meshnode::overlay
