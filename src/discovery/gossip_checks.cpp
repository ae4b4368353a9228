// Gossip: how two neighbours find out what one of them lacks.
#include <algorithm>

#include "discovery/gossip.h"

namespace meshnode::discovery {
namespace {

using wire::ControlType;
using wire::Digest;
using wire::ShortId;
using wire::Summary;

// A range of this many records becomes a range of its own when a larger one is split.
constexpr std::uint32_t kPiece = 32;
// Up to so many more records may come unasked in answer to a digest of ours.
constexpr std::uint32_t kFewMore = 8;

}  // namespace

RecordPtr Gossip::find(ShortId id) const {
  if (own_ && wire::short_id(own_->id) == id) return own_;
  return book_.find_short(id);
}

// What we name to this neighbour, ourselves included, by id.
template <typename Visit>
void Gossip::each_named(PeerNumber to, ShortId lower, ShortId upper, Visit visit) const {
  bool own_due = own_ && lower <= wire::short_id(own_->id) && wire::short_id(own_->id) <= upper;
  book_.each_named(to, lower, upper, [&](const RecordPtr& record) {
    if (own_due && own_->id <= record->id) {
      own_due = false;
      visit(own_);
    }
    if (!own_ || own_->id != record->id) visit(record);
  });
  if (own_due) visit(own_);
}

Gossip::Range Gossip::tally(PeerNumber to, std::uint64_t salt, ShortId lower, ShortId upper) const {
  Range out{.lower = lower, .upper = upper};
  each_named(to, lower, upper, [&](const RecordPtr& record) {
    ++out.count;
    out.sum += wire::fingerprint(salt, record->id, record->record.sequence);
  });
  return out;
}

void Gossip::check(PeerNumber to) {
  Summary summary{.salt = random_.u64(), .ranges = {}};
  summary.ranges.push_back(tally(to, summary.salt, 0, ~ShortId{0}));
  send(to, ControlType::summary, wire::encode_summary(summary));
}

void Gossip::run_checks(TimePoint now) {
  if (unchecked_.empty() || now < next_unchecked_) return;
  next_unchecked_ = now + kCheckPause;
  check(unchecked_.front());
  unchecked_.pop_front();
}

// Of two sides that differ in a range, the one that knows more there says what it knows.
void Gossip::handle_summary(TimePoint now, PeerNumber from, ByteView body, DropCounters& drops) {
  const auto theirs = wire::parse_summary(body);
  if (!theirs) return drops.count(Drop::malformed);
  if (!may_answer(now, from)) return drops.count(Drop::rate_limited);
  Summary asking{.salt = random_.u64(), .ranges = {}};
  bool sent = true;
  for (const Range& range : theirs->ranges) {
    const Range ours = tally(from, theirs->salt, range.lower, range.upper);
    if (ours == range) continue;
    round_ = kRound;
    if (ours.count > wire::kMaxDigest)
      sent = sent && send_split(now, from, ours);
    else if (range.count <= wire::kMaxDigest && range.count <= ours.count + kFewMore)
      sent = sent && send_digest(now, from, ours);
    else
      asking.ranges.push_back(tally(from, asking.salt, range.lower, range.upper));
  }
  if (!asking.ranges.empty())
    sent = sent && answer(now, from, ControlType::summary, wire::encode_summary(asking));
  if (!sent) drops.count(Drop::rate_limited);
}

bool Gossip::send_split(TimePoint now, PeerNumber to, const Range& range) {
  Summary out{.salt = random_.u64(), .ranges = {}};
  const auto most = static_cast<std::uint32_t>(wire::kMaxRanges);
  const std::uint32_t piece = std::max(kPiece, (range.count + most - 1) / most);
  Range next{.lower = range.lower};
  each_named(to, range.lower, range.upper, [&](const RecordPtr& record) {
    const ShortId id = wire::short_id(record->id);
    if (next.count >= piece && next.upper != id) {
      out.ranges.push_back(next);
      next = {.lower = next.upper + 1};
    }
    ++next.count;
    next.sum += wire::fingerprint(out.salt, record->id, record->record.sequence);
    next.upper = id;
  });
  next.upper = range.upper;
  out.ranges.push_back(next);
  return answer(now, to, ControlType::summary, wire::encode_summary(out));
}

bool Gossip::send_digest(TimePoint now, PeerNumber to, const Range& range) {
  Digest digest{.lower = range.lower, .upper = range.upper, .entries = {}};
  each_named(to, range.lower, range.upper, [&](const RecordPtr& record) {
    const ShortId id = wire::short_id(record->id);
    if (digest.entries.empty() || digest.entries.back().id != id)
      digest.entries.push_back({id, record->record.sequence});
  });
  return answer(now, to, ControlType::digest, wire::encode_digest(digest));
}

// Several neighbours may name the same at once. A lot lets some through, so that nobody can keep us
// from asking others by naming what it does not have.
bool Gossip::wants(TimePoint now, ShortId id) {
  const auto asked = asked_.find(id);
  if (asked != asked_.end() && now - asked->second < kAskAgain && random_.below(4) != 0)
    return false;
  if (asked == asked_.end() && asked_.size() >= kMaxAsked) return false;
  asked_[id] = now;
  return true;
}

void Gossip::handle_digest(TimePoint now, PeerNumber from, ByteView body, DropCounters& drops) {
  const auto digest = wire::parse_digest(body);
  if (!digest) return drops.count(Drop::malformed);
  if (!may_answer(now, from)) return drops.count(Drop::rate_limited);
  std::vector<RecordPtr> better;
  std::vector<ShortId> wanted;
  for (const Digest::Entry& theirs : digest->entries) {
    const RecordPtr ours = find(theirs.id);
    if (ours && ours != own_) book_.vouch(ours->id, from);
    const std::uint64_t sequence = ours ? ours->record.sequence : 0;
    if (sequence > theirs.sequence) better.push_back(ours);
    if (sequence < theirs.sequence && (ours || book_.has_room()) && wants(now, theirs.id))
      wanted.push_back(theirs.id);
  }
  // What it did not name, it does not know.
  auto named = digest->entries.begin();
  each_named(from, digest->lower, digest->upper, [&](const RecordPtr& record) {
    const ShortId id = wire::short_id(record->id);
    while (named != digest->entries.end() && named->id < id) ++named;
    if (named == digest->entries.end() || named->id != id) better.push_back(record);
  });
  if (!wanted.empty()) note_difference(now);
  if (!wanted.empty()) send(from, ControlType::want, wire::encode_want(wanted));
  for (const RecordPtr& record : better)
    if (answer(now, from, record) == Answered::over_budget) return drops.count(Drop::rate_limited);
}

void Gossip::handle_want(TimePoint now, PeerNumber from, ByteView body, DropCounters& drops) {
  const auto wanted = wire::parse_want(body);
  if (!wanted) return drops.count(Drop::malformed);
  for (const ShortId id : *wanted) {
    const RecordPtr record = find(id);
    if (record && answer(now, from, record) == Answered::over_budget)
      return drops.count(Drop::rate_limited);
  }
}

}  // namespace meshnode::discovery
