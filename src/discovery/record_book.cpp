#include "discovery/record_book.h"

#include <algorithm>

#include "crypto/node_id.h"

namespace meshnode::discovery {
namespace {

constexpr Duration kSweep = hours(1);

}  // namespace

RecordBook::RecordBook(Bytes network_id, const crypto::Suite& suite)
    : network_id_(std::move(network_id)), suite_(suite) {}

std::variant<RecordPtr, RecordBook::Refusal> RecordBook::offer(TimePoint now, ByteView bytes) {
  const auto parsed = wire::parse_record(bytes);
  if (!parsed) return Refusal::malformed;
  const NodeId id = crypto::node_id(parsed->record.signing_key);
  const auto known = entries_.find(id);
  if (known != entries_.end() && known->second.record) {
    const std::uint64_t ours = known->second.record->record.sequence;
    if (parsed->record.sequence == ours) return Refusal::known;
    if (parsed->record.sequence < ours) return Refusal::stale;
  }
  if (!checks_.take(now)) return Refusal::too_fast;
  RecordPtr record = open_record(bytes, network_id_, suite_);
  if (!record) return Refusal::bad_signature;
  return accept(now, std::move(record));
}

// Only with a signature that holds: strangers must not use up a member's changes.
std::variant<RecordPtr, RecordBook::Refusal> RecordBook::accept(TimePoint now, RecordPtr record) {
  auto entry = entries_.find(record->id);
  if (entry == entries_.end()) {
    if (!make_room(now)) return Refusal::full;
    entry = entries_.try_emplace(record->id).first;
    ++unproven_;
  }
  if (!entry->second.changes.take(now)) return Refusal::too_fast;
  entry->second.record = record;
  entry->second.accepted = now;
  return record;
}

// For one more unproven one.
bool RecordBook::make_room(TimePoint now) {
  if (unproven_ < kMaxUnproven && entries_.size() < kMaxRecords) return true;
  handle_sweep(now);
  return unproven_ < kMaxUnproven && entries_.size() < kMaxRecords;
}

// A proven one takes the place of the unproven one that was silent longest.
bool RecordBook::make_room_for_proven() {
  if (entries_.size() < kMaxRecords) return true;
  auto oldest = entries_.end();
  for (auto it = entries_.begin(); it != entries_.end(); ++it)
    if (!it->second.proven &&
        (oldest == entries_.end() || it->second.accepted < oldest->second.accepted))
      oldest = it;
  if (oldest == entries_.end()) return false;
  entries_.erase(oldest);
  --unproven_;
  return true;
}

void RecordBook::prove(const NodeId& id) {
  auto entry = entries_.find(id);
  if (entry == entries_.end()) {
    if (!make_room_for_proven()) return;
    entry = entries_.try_emplace(id).first;
  } else if (!entry->second.proven) {
    --unproven_;
  }
  entry->second.proven = true;
}

bool RecordBook::proven(const NodeId& id) const {
  const auto entry = entries_.find(id);
  return entry != entries_.end() && entry->second.proven;
}

RecordPtr RecordBook::find(const NodeId& id) const {
  const auto entry = entries_.find(id);
  return entry == entries_.end() ? nullptr : entry->second.record;
}

void RecordBook::each(bool proven_only, const std::function<void(const RecordPtr&)>& visit) const {
  for (const auto& [id, entry] : entries_)
    if (entry.record && (entry.proven || !proven_only)) visit(entry.record);
}

std::vector<NodeId> RecordBook::proven_members() const {
  std::vector<NodeId> out;
  for (const auto& [id, entry] : entries_)
    if (entry.proven) out.push_back(id);
  std::sort(out.begin(), out.end());
  return out;
}

void RecordBook::handle_timeout(TimePoint now) {
  if (unproven_ == 0 || now < next_sweep_) return;
  handle_sweep(now);
}

void RecordBook::handle_sweep(TimePoint now) {
  next_sweep_ = now + kSweep;
  std::erase_if(entries_, [&](const auto& each) {
    const bool old = !each.second.proven && now - each.second.accepted >= kUnprovenLife;
    if (old) --unproven_;
    return old;
  });
}

std::optional<TimePoint> RecordBook::next_deadline() const {
  if (unproven_ == 0) return std::nullopt;
  return next_sweep_;
}

}  // namespace meshnode::discovery
