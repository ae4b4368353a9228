#include "discovery/gossip.h"

#include <algorithm>
#include <utility>

#include "base/earliest.h"
#include "crypto/node_id.h"

namespace meshnode::discovery {

using wire::ControlType;
using wire::ShortId;

Gossip::Gossip(RecordBook& book, ObjectTable objects, Random& random)
    : book_(book), objects_(std::move(objects)), random_(random) {}

// ---- neighbours ----

void Gossip::edge_up(TimePoint now, PeerNumber peer, const NodeId& id, Begin begin) {
  if (neighbours_.empty()) next_round_ = now + kRound;
  const auto [neighbour, is_new] = neighbours_.try_emplace(peer, Neighbour{.id = id});
  if (is_new) names_.insert(std::lower_bound(names_.begin(), names_.end(), peer), peer);
  ring_[id] = peer;
  if (own_ && neighbour->second.told != own_->record.sequence) {
    neighbour->second.told = own_->record.sequence;
    send(peer, ControlType::record, own_->bytes);
  }
  if (begin == Begin::they) return;
  if (std::find(unchecked_.begin(), unchecked_.end(), peer) == unchecked_.end())
    unchecked_.push_back(peer);
  run_checks(now);
}

void Gossip::edge_down(PeerNumber peer) {
  const auto neighbour = neighbours_.find(peer);
  if (neighbour == neighbours_.end()) return;
  const auto in_ring = ring_.find(neighbour->second.id);
  if (in_ring != ring_.end() && in_ring->second == peer) ring_.erase(in_ring);
  neighbours_.erase(neighbour);
  names_.erase(std::lower_bound(names_.begin(), names_.end(), peer));
  std::erase(unchecked_, peer);
}

PeerNumber Gossip::next_in_ring() const {
  if (!own_ || ring_.empty()) return kNoPeer;
  const auto next = ring_.upper_bound(own_->id);
  return next == ring_.end() ? ring_.begin()->second : next->second;
}

PeerNumber Gossip::previous_in_ring() const {
  if (!own_ || ring_.empty()) return kNoPeer;
  const auto next = ring_.lower_bound(own_->id);
  return next == ring_.begin() ? ring_.rbegin()->second : std::prev(next)->second;
}

std::vector<PeerNumber> Gossip::draw(std::size_t count, const std::vector<PeerNumber>& but,
                                     PeerNumber wanted) {
  std::vector<PeerNumber> out = names_;
  std::erase_if(
      out, [&](PeerNumber peer) { return std::find(but.begin(), but.end(), peer) != but.end(); });
  count = std::min(count, out.size());
  std::size_t drawn = 0;
  if (const auto it = std::find(out.begin(), out.end(), wanted); count > 0 && it != out.end())
    std::swap(*it, out[drawn++]);
  for (; drawn < count; ++drawn)
    std::swap(out[drawn], out[drawn + static_cast<std::size_t>(random_.below(out.size() - drawn))]);
  out.resize(count);
  return out;
}

void Gossip::send(PeerNumber to, ControlType type, Bytes body) {
  sends_.push_back({to, type, std::move(body)});
}

bool Gossip::may_answer(TimePoint now, PeerNumber to) {
  const auto neighbour = neighbours_.find(to);
  return neighbour != neighbours_.end() && neighbour->second.answers.take(now);
}

bool Gossip::answer(TimePoint now, PeerNumber to, ControlType type, Bytes body) {
  if (!may_answer(now, to)) return false;
  send(to, type, std::move(body));
  return true;
}

Gossip::Answered Gossip::answer(TimePoint now, PeerNumber to, const RecordPtr& record) {
  if (record != own_ && !book_.hands_out(now, record->id, to)) return Answered::not_handed_out;
  return answer(now, to, ControlType::record, record->bytes) ? Answered::sent
                                                             : Answered::over_budget;
}

// ---- news ----

// From `least` to half as much again.
Duration Gossip::jittered(Duration least) {
  return least + milliseconds(random_.below(static_cast<std::uint64_t>(least / milliseconds(2))));
}

void Gossip::spread(TimePoint now) {
  for (auto& [peer, neighbour] : neighbours_) {
    neighbour.told = own_->record.sequence;
    send(peer, ControlType::record, own_->bytes);
  }
  note_recent(now, {.record = own_, .from = {}, .told = names_});
}

void Gossip::settle(TimePoint now) {
  for (const RecordBook::News& news : book_.take_news(now)) {
    if (own_ && news.record->id == own_->id) continue;
    Recent recent{.record = news.record, .from = {news.from, news.first_from}, .told = {}};
    const std::size_t count = !news.first ? kFanOut : first_pushes_.take(now) ? kFanOutFirst : 0;
    recent.told = draw(count, recent.from, next_in_ring());
    for (const PeerNumber peer : recent.told) send(peer, ControlType::record, news.record->bytes);
    note_recent(now, std::move(recent));
  }
  // Somebody else may know more new ones, or vouch for those that we only heard of.
  if (std::exchange(seen_members_, book_.members_version()) != book_.members_version())
    note_difference(now);
}

void Gossip::note_recent(TimePoint now, Recent recent) {
  round_ = kRound;
  next_round_ = std::min(next_round_, now + kRound);
  if (recent_.empty()) next_announcement_ = now + jittered(kAnnounceEvery);
  std::erase_if(recent_, [&](const Recent& each) { return each.record->id == recent.record->id; });
  if (recent_.size() >= kMaxRecent) recent_.erase(recent_.begin());
  recent_.push_back(std::move(recent));
}

// All recent records to one neighbour that was not told the newest one yet: of the others those
// that it was not told. If all were told, again to one of them.
void Gossip::announce(TimePoint now) {
  const Recent& newest = recent_.back();
  const bool first = newest.announcements == kAnnouncements;
  std::vector<PeerNumber> know = newest.from;
  know.insert(know.end(), newest.told.begin(), newest.told.end());
  auto drawn = draw(1, know, first ? previous_in_ring() : kNoPeer);
  const bool again = drawn.empty();
  if (again) drawn = draw(1, newest.from);
  const auto has = [&](const std::vector<PeerNumber>& peers) {
    return std::find(peers.begin(), peers.end(), drawn[0]) != peers.end();
  };
  std::map<ShortId, std::uint64_t> named;
  for (Recent& recent : recent_) {
    --recent.announcements;
    if (drawn.empty() || has(recent.from) || (!again && has(recent.told))) continue;
    named.emplace(wire::short_id(recent.record->id), recent.record->record.sequence);
    recent.told.push_back(drawn[0]);
  }
  wire::Digest digest{.lower = 1, .upper = 0, .entries = {}};
  for (const auto& [id, sequence] : named) digest.entries.push_back({id, sequence});
  if (!named.empty()) send(drawn[0], ControlType::digest, wire::encode_digest(digest));
  std::erase_if(recent_, [](const Recent& recent) { return recent.announcements == 0; });
  next_announcement_ = now + jittered(kAnnounceEvery);
}

// What was asked for may have been lost, and perhaps it was not all.
void Gossip::note_difference(TimePoint now) {
  round_ = kRound;
  if (!follow_up_) follow_up_ = now + jittered(follow_up_pause_);
}

void Gossip::follow_up(TimePoint now) {
  follow_up_.reset();
  for (const PeerNumber peer : draw(1, {})) check(peer);
  const bool in_vain = std::exchange(followed_version_, book_.version()) == book_.version();
  follow_up_pause_ = in_vain ? std::min<Duration>(follow_up_pause_ * 2, kRound) : kFollowUp;
  if (!in_vain) note_difference(now);
}

void Gossip::handle_timeout(TimePoint now) {
  if (now >= next_asked_sweep_) {
    next_asked_sweep_ = now + kAskAgain;
    std::erase_if(asked_, [&](const auto& each) { return now - each.second >= kAskAgain; });
  }
  run_checks(now);
  if (!recent_.empty() && now >= next_announcement_) announce(now);
  if (follow_up_ && now >= *follow_up_) follow_up(now);
  if (neighbours_.empty() || now < next_round_) return;
  next_round_ = now + jittered(round_ * 4 / 5);
  round_ = std::min<Duration>(round_ * 2, kLongestRound);
  for (const PeerNumber peer : draw(1, {})) check(peer);
}

std::optional<TimePoint> Gossip::next_deadline() const {
  return earliest({follow_up_, due_if(!neighbours_.empty(), next_round_),
                   due_if(!unchecked_.empty(), next_unchecked_),
                   due_if(!recent_.empty(), next_announcement_)});
}

std::optional<Gossip::Send> Gossip::poll(TimePoint now) {
  settle(now);
  if (sends_.empty()) return std::nullopt;
  Send out = std::move(sends_.front());
  sends_.pop_front();
  return out;
}

// ---- objects ----

void Gossip::spread_object(TimePoint now, const SignedObject& object) {
  objects_.keep(now, object);
  for (const PeerNumber peer : names_) send(peer, ControlType::object, object.bytes);
}

std::optional<SignedObject> Gossip::handle_object(TimePoint now, PeerNumber from, ByteView body,
                                                  DropCounters& drops) {
  const auto refuse = [&](Drop reason) {
    drops.count(reason);
    return std::nullopt;
  };
  const auto parsed = wire::parse_object(body);
  if (!parsed) return refuse(Drop::malformed);
  if (!may_answer(now, from)) return refuse(Drop::rate_limited);
  if (parsed->envelope.kind != wire::ObjectKind::goodbye) return refuse(Drop::unsupported);
  const auto boot = wire::parse_goodbye(parsed->envelope);
  if (!boot) return refuse(Drop::malformed);
  const NodeId signer = crypto::node_id(parsed->envelope.signer);
  if ((own_ && signer == own_->id) || !objects_.is_news(signer, parsed->envelope))
    return std::nullopt;
  if (!book_.find(signer)) return refuse(Drop::unsolicited);
  auto object = objects_.take(now, signer, *parsed, body, drops);
  // An old one that comes after what it was followed by goes no further.
  if (!object || !book_.say_gone(signer, *boot, object->sequence)) return std::nullopt;
  if (book_.stands_by(signer))
    for (const PeerNumber peer : draw(kFanOut, {from}, next_in_ring()))
      send(peer, ControlType::object, object->bytes);
  return object;
}

}  // namespace meshnode::discovery
