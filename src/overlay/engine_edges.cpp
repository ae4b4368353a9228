// Engine: with whom we keep an edge. With everybody as long as the network is small; above that
// with those that choose_edges() chooses, with whoever keeps one with us, and with others on
// demand.
#include <algorithm>
#include <tuple>

#include "overlay/engine.h"
#include "wire/ip.h"

namespace meshnode::overlay {
namespace {

constexpr Duration kChoicePause = seconds(5);
// A member that was wanted for this long in vain makes room for another one.
constexpr Duration kFailing = seconds(60);
// An edge that is not chosen stays this long after it was last of use.
constexpr Duration kNeeded = minutes(10);
// Whoever keeps an edge with us asks more often than that (PathBook::kKeepAliveMax).
constexpr Duration kKeptByPeer = minutes(4);

// An overlay address is a prefix of 48 bits and the first 80 of the NodeId.
wire::ShortId short_id_in(const IpAddress& address) {
  return load_be<std::uint64_t>(address.bytes().data() + 6);
}

Known::State state_of(const Peer& peer, TimePoint now) {
  if (peer.paths.best()) return Known::State::connected;
  if (peer.said_goodbye) return Known::State::gone;
  return now - peer.trying_since >= kFailing ? Known::State::failing : Known::State::untried;
}

}  // namespace

Known::State Engine::state_of_edge(const discovery::SignedRecord& record, TimePoint now) const {
  const Peer* peer = roster_.by_static_key(record.record.static_key);
  const auto state = peer == nullptr ? Known::State::untried : state_of(*peer, now);
  return state != Known::State::connected && book_.gone(record.id) ? Known::State::gone : state;
}

// Who has no peer has not been tried.
Engine::EdgeStates Engine::states_of_edges(TimePoint now) const {
  EdgeStates out;
  out.reserve(roster_.all().size());
  for (const auto& [number, peer] : roster_.all()) out.emplace_back(number, state_of(peer, now));
  return out;
}

// The set of known members may have changed.
void Engine::look_at_choice(Now now) {
  if (choice_due_ || config_.full_mesh || book_.members_version() == chosen_version_) return;
  choice_due_ = std::max(now.mono, next_choice_);
  if (*choice_due_ == now.mono) choose(now);
}

void Engine::choose(Now now) {
  choice_due_.reset();
  next_choice_ = now.mono + kChoicePause;
  const bool was_crowded = crowded_;
  auto states = states_of_edges(now.mono);
  // Of the same members in the same state the choice would be the same.
  if (chosen_version_ != book_.members_version() || chosen_states_ != states) {
    chosen_version_ = book_.members_version();
    chosen_states_ = std::move(states);
    choose_anew(now.mono);
  }
  if (was_crowded && !crowded_) apply_unmet_records(now);
  for (const NodeId& id : chosen_) {
    const auto record = book_.find(id);
    if (record && std::as_const(roster_).by_static_key(record->record.static_key) == nullptr)
      apply_record(now, record);
  }
}

void Engine::choose_anew(TimePoint now) {
  std::vector<Known> known;
  std::size_t living = 0;
  book_.each(false, [&](const discovery::RecordPtr& record) {
    if (record->id == self_.identity.id) return;
    known.push_back({record->id, state_of_edge(*record, now)});
    if (known.back().state < Known::State::failing) ++living;
  });
  crowded_ = !config_.full_mesh && living > config_.eager_members;
  chosen_ =
      crowded_ ? choose_edges(self_.identity.id, known, chosen_, random_) : std::set<NodeId>{};
  chosen_short_.clear();
  for (const NodeId& id : chosen_) chosen_short_.push_back(wire::short_id(id));
}

bool Engine::is_chosen(const NodeId& id) const {
  if (!crowded_) return true;
  return std::binary_search(chosen_short_.begin(), chosen_short_.end(), wire::short_id(id)) &&
         chosen_.contains(id);
}

// By us. Nobody's probes hold an edge that both sides have no use for.
bool Engine::is_kept(const Peer& peer, TimePoint now) const {
  return is_chosen(peer.id) || peer.attempt || !peer.staging.empty() ||
         within(now, peer.invited.last(), kNeeded) ||
         (peer.inner_seen && within(now, peer.last_inner, kNeeded));
}

bool Engine::is_needed(const Peer& peer, TimePoint now) const {
  return is_kept(peer, now) || within(now, peer.first_heard, kNeeded) ||
         within(now, peer.asked_us, kKeptByPeer);
}

void Engine::retire_unneeded(TimePoint now) {
  std::vector<PeerNumber> unneeded;
  for (const auto& [number, peer] : std::as_const(roster_).all())
    if (!is_needed(peer, now)) unneeded.push_back(number);
  for (const PeerNumber number : unneeded) {
    const Peer& peer = *std::as_const(roster_).by_number(number);
    if (peer.proven) {
      Roster::Retired member{.static_key = peer.static_key,
                             .endpoint = {},
                             .granted = peer.granted,
                             .last_proven = peer.last_proven};
      if (peer.last_path && !peer.last_path->remote.ip.is_link_local())
        member.endpoint = peer.last_path->remote;
      roster_.retire(peer.id, std::move(member));
    }
    forget(number);
  }
}

// For somebody whom a packet waits for. Of those that were never reached the one that is least of
// use goes: not chosen, and tried in vain for longest.
void Engine::make_room(TimePoint now) {
  if (roster_.unproven() < Roster::kMaxUnproven) return;
  const Peer* least = nullptr;
  const auto rank = [&](const Peer& peer) {
    return std::tuple(is_chosen(peer.id), peer.trying_since);
  };
  for (const auto& [number, peer] : std::as_const(roster_).all()) {
    const bool useful = peer.proven || peer.attempt || !peer.staging.empty() || peer.paths.best() ||
                        within(now, peer.invited.last(), kFailing);
    if (!useful && (least == nullptr || rank(peer) < rank(*least))) least = &peer;
  }
  if (least != nullptr) forget(least->number);
}

// A packet for somebody we have no edge with: is it a member?
void Engine::demand(Now now, ByteView packet) {
  const auto header = wire::parse_ip(packet);
  const auto record = header ? record_for(header->destination) : nullptr;
  if (record && std::as_const(roster_).by_static_key(record->record.static_key) == nullptr)
    make_room(now.mono);
  Peer* peer = record ? apply_record(now, record) : nullptr;
  if (peer == nullptr) return tell_unreachable(now.mono, packet, Unreachable::no_route);
  peer->invited.add(now.mono);
  const auto before = roster_.retired().find(record->id);
  if (before != roster_.retired().end() && before->second.endpoint) {
    const Path path{.remote = *before->second.endpoint, .local = {}};
    if (is_underlay(path.remote.ip)) peer->paths.expect(now.mono, kind_of(path), path);
  }
  stage(now, *peer, packet);
  service(now, *peer);
}

// Of the member with this overlay address, if we know it. IPv4: whoever holds the address, or held
// it last; else one that says so, and the handshake decides.
discovery::RecordPtr Engine::record_for(const IpAddress& address) const {
  if (!address.is_v4()) {
    const auto record = book_.find_short(short_id_in(address));
    const bool fits = record && overlay_address(config_.keys.id, record->id) == address;
    return fits && record->id != self_.identity.id ? record : nullptr;
  }
  for (const auto& [id, retired] : roster_.retired())
    if (std::find(retired.granted.begin(), retired.granted.end(), address) != retired.granted.end())
      return book_.find(id);
  discovery::RecordPtr found;
  book_.each(false, [&](const discovery::RecordPtr& record) {
    const auto& claims = record->record.claims;
    if (std::find(claims.begin(), claims.end(), address) != claims.end() &&
        record->id != self_.identity.id)
      found = record;
  });
  return found;
}

}  // namespace meshnode::overlay
