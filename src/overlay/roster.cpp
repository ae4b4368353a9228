#include "overlay/roster.h"

namespace meshnode::overlay {

Peer* Roster::touch(Peer& peer) {
  if (!peer.touched) touched_.push_back(peer.number);
  peer.touched = true;
  return &peer;
}

std::vector<PeerNumber> Roster::take_touched() {
  std::vector<PeerNumber> out;
  std::swap(out, touched_);
  for (const PeerNumber number : out)
    if (Peer* peer = peers_.find(number)) peer->touched = false;
  return out;
}

PeerTable::Range<Peer> Roster::all() {
  for (const auto& [number, peer] : peers_.all()) touch(peer);
  return peers_.all();
}

Peer* Roster::by_number(PeerNumber number) {
  Peer* peer = peers_.find(number);
  return peer == nullptr ? nullptr : touch(*peer);
}

const Peer* Roster::by_number(PeerNumber number) const {
  return peers_.find(number);
}

Peer* Roster::by_static_key(const crypto::X25519Public& key) {
  const auto found = by_static_key_.find(key);
  return found == by_static_key_.end() ? nullptr : by_number(found->second);
}

const Peer* Roster::by_static_key(const crypto::X25519Public& key) const {
  const auto found = by_static_key_.find(key);
  return found == by_static_key_.end() ? nullptr : by_number(found->second);
}

Peer* Roster::by_tag(wire::ProbeTag tag) {
  const auto found = by_tag_.find(tag);
  return found == by_tag_.end() ? nullptr : by_number(found->second.peer);
}

std::optional<discovery::TagEpoch> Roster::epoch_of(wire::ProbeTag tag) const {
  const auto found = by_tag_.find(tag);
  if (found == by_tag_.end()) return std::nullopt;
  return found->second.epoch;
}

std::size_t Roster::unproven() const {
  std::size_t out = 0;
  for (const auto& [number, peer] : peers_.all()) out += peer.proven ? 0 : 1;
  return out;
}

Peer* Roster::add(PeerNumber number, const NodeId& claimed_id,
                  const crypto::X25519Public& static_key, discovery::ProbeKeys keys, TimePoint now,
                  Room room) {
  if (peers_.size() >= kMaxMembers) return nullptr;
  if (room == Room::any && unproven() >= kMaxUnproven) return nullptr;
  Peer& peer = peers_.add(number);
  peer.id = claimed_id;
  peer.static_key = static_key;
  peer.probe_keys = std::move(keys);
  peer.first_heard = peer.trying_since = now;
  by_static_key_[static_key] = number;
  return touch(peer);
}

void Roster::remove(PeerNumber number) {
  const Peer* peer = std::as_const(*this).by_number(number);
  if (peer == nullptr) return;
  for (const wire::ProbeTag tag : peer->tags) by_tag_.erase(tag);
  by_static_key_.erase(peer->static_key);
  peers_.remove(number);
}

std::vector<PeerNumber> Roster::prove(Peer& peer, const NodeId& id) {
  peer.proven = true;
  peer.id = id;
  retired_.erase(id);
  std::vector<PeerNumber> impostors;
  for (const auto& [number, other] : peers_.all())
    if (&other != &peer && other.id == id) impostors.push_back(number);
  return impostors;
}

void Roster::retire(const NodeId& id, Retired member) {
  if (retired_.size() >= kMaxRetired && !retired_.contains(id))
    retired_.erase(std::min_element(
        retired_.begin(), retired_.end(),
        [](const auto& a, const auto& b) { return a.second.last_proven < b.second.last_proven; }));
  retired_[id] = std::move(member);
}

void Roster::refresh_tags(Peer& peer, discovery::TagEpoch own_epoch) {
  for (const wire::ProbeTag tag : peer.tags) by_tag_.erase(tag);
  peer.tags.clear();
  const auto add_around = [&](discovery::TagEpoch epoch) {
    for (const discovery::TagEpoch e : {epoch - 1, epoch, epoch + 1}) {
      const wire::ProbeTag tag = peer.probe_keys.receive_tag(e);
      if (by_tag_.emplace(tag, Tagged{peer.number, e}).second) peer.tags.push_back(tag);
    }
  };
  add_around(own_epoch);
  if (peer.stated_epoch) add_around(*peer.stated_epoch);
}

Roster::Settled Roster::settle_claims(Peer& peer, const std::vector<IpAddress>& own,
                                      TimePoint now) {
  Settled out;
  peer.granted.clear();
  for (const IpAddress& claim : peer.claims) {
    bool taken = std::find(own.begin(), own.end(), claim) != own.end();
    for (const auto& [number, other] : peers_.all()) {
      if (&other == &peer) continue;
      const auto held = std::find(other.granted.begin(), other.granted.end(), claim);
      if (held == other.granted.end()) continue;
      if (now - other.last_proven < kPinned) {
        taken = true;
      } else {
        other.granted.erase(held);
        out.expired.push_back(number);
      }
    }
    for (const auto& [id, other] : retired_)
      taken = taken ||
              (id != peer.id && now - other.last_proven < kPinned &&
               std::find(other.granted.begin(), other.granted.end(), claim) != other.granted.end());
    (taken ? out.refused : peer.granted).push_back(claim);
  }
  return out;
}

std::shared_ptr<const dataplane::RouteTable> Roster::routes() const {
  auto table = std::make_shared<dataplane::RouteTable>();
  // Proven members first: emplace() does not let an unproven one take an address over.
  for (const bool proven : {true, false})
    for (const auto& [number, peer] : peers_.all())
      if (peer.proven == proven) table->emplace(overlay_address(network_, peer.id), number);
  for (const auto& [number, peer] : peers_.all())
    for (const IpAddress& address : peer.granted) table->emplace(address, number);
  return table;
}

std::shared_ptr<const dataplane::AddressSet> Roster::sources(const Peer& peer) const {
  auto set = std::make_shared<dataplane::AddressSet>();
  set->insert(overlay_address(network_, peer.id));
  set->insert(peer.granted.begin(), peer.granted.end());
  return set;
}

}  // namespace meshnode::overlay
