#include "discovery/gossip.h"

#include <iterator>

namespace meshnode::discovery {
namespace {

using wire::ControlType;
using wire::Digest;
using wire::ShortId;

}  // namespace

Gossip::Gossip(const RecordBook& book, Random& random) : book_(book), random_(random) {}

std::map<ShortId, RecordPtr> Gossip::known() const {
  std::map<ShortId, RecordPtr> out;
  book_.each(true,
             [&](const RecordPtr& record) { out.emplace(wire::short_id(record->id), record); });
  if (own_) out[wire::short_id(own_->id)] = own_;
  return out;
}

void Gossip::edge_up(TimePoint now, PeerNumber peer, Begin begin) {
  if (neighbours_.empty()) next_round_ = now + kRound;
  neighbours_.try_emplace(peer, kAnswersPerSecond, kAnswersBurst);
  if (begin == Begin::we) send_digest(peer);
}

void Gossip::edge_down(PeerNumber peer) {
  neighbours_.erase(peer);
}

void Gossip::spread(const RecordPtr& record, PeerNumber except) {
  for (const auto& [peer, budget] : neighbours_)
    if (peer != except) sends_.push_back({peer, ControlType::record, record->bytes});
}

// Several messages where one is too small, each with its range of ids; together they cover all.
void Gossip::send_digest(PeerNumber to) {
  const auto records = known();
  auto next = records.begin();
  ShortId lower = 0;
  do {
    Digest digest;
    digest.lower = lower;
    for (; next != records.end() && digest.entries.size() < wire::kMaxDigest; ++next)
      digest.entries.push_back({next->first, next->second->record.sequence});
    if (next != records.end()) {
      digest.upper = digest.entries.back().id;
      lower = digest.upper + 1;
    }
    sends_.push_back({to, ControlType::digest, wire::encode_digest(digest)});
  } while (next != records.end());
}

bool Gossip::answer(TimePoint now, PeerNumber to, const RecordPtr& record) {
  const auto neighbour = neighbours_.find(to);
  if (neighbour == neighbours_.end() || !neighbour->second.take(now)) return false;
  sends_.push_back({to, ControlType::record, record->bytes});
  return true;
}

void Gossip::handle_digest(TimePoint now, PeerNumber from, ByteView body, DropCounters& drops) {
  const auto digest = wire::parse_digest(body);
  if (!digest) return drops.count(Drop::malformed);
  const auto neighbour = neighbours_.find(from);
  if (neighbour == neighbours_.end() || !neighbour->second.take(now))
    return drops.count(Drop::rate_limited);
  auto records = known();
  std::vector<ShortId> wanted;
  for (const Digest::Entry& theirs : digest->entries) {
    const auto ours = records.find(theirs.id);
    const std::uint64_t sequence = ours == records.end() ? 0 : ours->second->record.sequence;
    if (sequence < theirs.sequence) wanted.push_back(theirs.id);
    if (sequence > theirs.sequence) answer(now, from, ours->second);
    if (ours != records.end()) records.erase(ours);
  }
  // What it did not name, it does not know.
  const auto end = records.upper_bound(digest->upper);
  for (auto missing = records.lower_bound(digest->lower); missing != end; ++missing)
    if (!answer(now, from, missing->second)) break;
  if (!wanted.empty()) sends_.push_back({from, ControlType::want, wire::encode_want(wanted)});
}

void Gossip::handle_want(TimePoint now, PeerNumber from, ByteView body, DropCounters& drops) {
  const auto wanted = wire::parse_want(body);
  if (!wanted) return drops.count(Drop::malformed);
  const auto records = known();
  for (const ShortId id : *wanted) {
    const auto found = records.find(id);
    if (found == records.end()) continue;
    if (!answer(now, from, found->second)) return drops.count(Drop::rate_limited);
  }
}

void Gossip::handle_timeout(TimePoint now) {
  if (neighbours_.empty() || now < next_round_) return;
  next_round_ = now + kRound;
  auto chosen = neighbours_.begin();
  std::advance(chosen, static_cast<std::ptrdiff_t>(random_.below(neighbours_.size())));
  send_digest(chosen->first);
}

std::optional<TimePoint> Gossip::next_deadline() const {
  if (neighbours_.empty()) return std::nullopt;
  return next_round_;
}

std::optional<Gossip::Send> Gossip::poll() {
  if (sends_.empty()) return std::nullopt;
  Send out = std::move(sends_.front());
  sends_.pop_front();
  return out;
}

}  // namespace meshnode::discovery
