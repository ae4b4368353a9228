#include "discovery/record_book.h"

#include <algorithm>
#include <utility>

#include "base/earliest.h"
#include "crypto/node_id.h"

namespace meshnode::discovery {
namespace {

constexpr Duration kSweep = hours(1);
constexpr Duration kAdmitAgain = milliseconds(100);

}  // namespace

RecordBook::RecordBook(Bytes network_id, const crypto::Suite& suite,
                       std::shared_ptr<RecordPool> pool)
    : pool_(pool ? std::move(pool) : std::make_shared<RecordPool>(std::move(network_id), suite)) {}

// ---- records come in ----

std::variant<RecordPtr, RecordBook::Refusal> RecordBook::offer(TimePoint now, ByteView bytes,
                                                               PeerNumber from) {
  // Most of what comes is here already: no parsing then.
  if (const RecordPtr held = pool_->find(bytes)) {
    if (const auto refusal = not_newer(held->id, held->record.sequence, from)) return *refusal;
  } else {
    const auto parsed = wire::parse_record(bytes);
    if (!parsed) return Refusal::malformed;
    const NodeId id = crypto::node_id(parsed->record.signing_key);
    if (const auto refusal = not_newer(id, parsed->record.sequence, from)) return *refusal;
  }
  if (!checks_.take(now)) return Refusal::too_fast;
  RecordPtr record = pool_->open(bytes);
  if (!record) return Refusal::bad_signature;
  return accept(now, std::move(record), from);
}

std::optional<RecordBook::Refusal> RecordBook::not_newer(const NodeId& id, std::uint64_t sequence,
                                                         PeerNumber from) {
  const auto known = entries_.find(id);
  if (known == entries_.end()) return std::nullopt;
  const std::uint64_t ours = known->second.record->record.sequence;
  if (sequence > ours) return std::nullopt;
  vouch(id, known->second, from);
  return sequence == ours ? Refusal::known : Refusal::stale;
}

// Only with a signature that holds: strangers must not use up a member's changes.
std::variant<RecordPtr, RecordBook::Refusal> RecordBook::accept(TimePoint now, RecordPtr record,
                                                                PeerNumber from) {
  const auto known = entries_.find(record->id);
  Entry* entry = known == entries_.end() ? add(now, record->id) : &known->second;
  if (entry == nullptr) return Refusal::full;
  if (!may_change(*entry, now)) return Refusal::too_fast;
  entry->record = record;
  entry->accepted = now;
  ++version_;
  note_return(*record);
  vouch(record->id, *entry, from);
  if (entry->admitted)
    news_.push_back({.record = record, .from = from});
  else if (entry->standing == Standing::proven)
    admit(*entry, from);
  return record;
}

RecordBook::Entry* RecordBook::add(TimePoint now, const NodeId& id) {
  const bool proven = awaited_.erase(id) == 1;
  if (!proven && !has_room() && now >= next_sweep_) sweep(now);
  if (!proven && !has_room()) return nullptr;
  Entry& entry = entries_[id];
  if (proven) {
    entry.standing = Standing::proven;
    ++stands_version_;
  } else {
    ++heard_;
  }
  ++members_version_;
  return &entry;
}

bool RecordBook::may_change(Entry& entry, TimePoint now) {
  const TimePoint used = std::max(entry.changes_until, now) + kChangeEvery;
  if (used - now > kChangeEvery * static_cast<int>(kBurst)) return false;
  entry.changes_until = used;
  return true;
}

// ---- who stands by whom ----

void RecordBook::vouch(const NodeId& id, PeerNumber by) {
  const auto known = entries_.find(id);
  if (known != entries_.end()) vouch(id, known->second, by);
}

void RecordBook::vouch(const NodeId& id, Entry& entry, PeerNumber by) {
  if (by == kNoPeer || entry.standing != Standing::heard || entry.voucher == by) return;
  if (entry.voucher == kNoPeer) {
    entry.voucher = by;
    ++version_;
    return;
  }
  if (vouched_ >= kMaxVouched) return;
  entry.standing = Standing::vouched;
  --heard_;
  ++vouched_;
  ++stands_version_;
  ++version_;
  waiting_.push_back({wire::short_id(id), by});
}

void RecordBook::admit(Entry& entry, PeerNumber from) {
  entry.admitted = true;
  news_.push_back(
      {.record = entry.record, .from = from, .first_from = entry.voucher, .first = true});
}

RecordBook::Entries::iterator RecordBook::find_waiting(wire::ShortId id) {
  for (auto it = entries_.lower_bound(first_of(id));
       it != entries_.end() && wire::short_id(it->first) == id; ++it)
    if (it->second.standing == Standing::vouched && !it->second.admitted) return it;
  return entries_.end();
}

void RecordBook::admit_waiting(TimePoint now) {
  while (!waiting_.empty()) {
    const auto next = find_waiting(waiting_.front().id);
    if (next != entries_.end()) {
      if (!admissions_.take(now)) {
        next_admission_ = now + kAdmitAgain;
        return;
      }
      admit(next->second, waiting_.front().by);
    }
    waiting_.pop_front();
  }
}

bool RecordBook::hands_out(TimePoint now, const NodeId& id, PeerNumber to) {
  const auto known = entries_.find(id);
  if (known == entries_.end() || known->second.standing == Standing::heard) return false;
  if (!known->second.admitted) {
    if (!admissions_.take(now)) return false;
    admit(known->second, to);
  }
  return true;
}

void RecordBook::prove(const NodeId& id) {
  const auto known = entries_.find(id);
  if (known == entries_.end()) {
    if (!awaited_.contains(id) && make_room_for_proven()) awaited_.insert(id);
    return;
  }
  Entry& entry = known->second;
  if (entry.standing == Standing::proven) return;
  if (entry.standing == Standing::heard) ++stands_version_;
  --(entry.standing == Standing::heard ? heard_ : vouched_);
  entry.standing = Standing::proven;
  ++version_;
  if (!entry.admitted) admit(entry, kNoPeer);
}

bool RecordBook::say_gone(const NodeId& id, const BootId& boot, std::uint64_t sequence) {
  const auto known = entries_.find(id);
  if (known == entries_.end() || known->second.record->record.sequence > sequence) return false;
  Goodbye& goodbye = goodbyes_[id];
  if (goodbye.sequence >= sequence) return false;
  goodbye = {boot, sequence};
  ++members_version_;
  return true;
}

void RecordBook::note_return(const SignedRecord& record) {
  const auto said = goodbyes_.find(record.id);
  if (said == goodbyes_.end() ||
      (record.record.boot == said->second.boot && record.record.sequence <= said->second.sequence))
    return;
  goodbyes_.erase(said);
  ++members_version_;
}

// ---- questions ----

bool RecordBook::proven(const NodeId& id) const {
  const auto entry = entries_.find(id);
  return entry == entries_.end() ? awaited_.contains(id)
                                 : entry->second.standing == Standing::proven;
}

bool RecordBook::stands_by(const NodeId& id) const {
  const auto entry = entries_.find(id);
  return entry != entries_.end() && entry->second.standing != Standing::heard;
}

bool RecordBook::gone(const NodeId& id) const {
  return goodbyes_.contains(id);
}

RecordPtr RecordBook::find(const NodeId& id) const {
  const auto entry = entries_.find(id);
  return entry == entries_.end() ? nullptr : entry->second.record;
}

NodeId RecordBook::first_of(wire::ShortId id) {
  NodeId out;
  store_be(out.bytes.data(), id);
  return out;
}

RecordPtr RecordBook::find_short(wire::ShortId id) const {
  const auto entry = entries_.lower_bound(first_of(id));
  return entry == entries_.end() || wire::short_id(entry->first) != id ? nullptr
                                                                       : entry->second.record;
}

void RecordBook::each(bool proven_only, const std::function<void(const RecordPtr&)>& visit) const {
  for (const auto& [id, entry] : entries_)
    if (entry.standing == Standing::proven || !proven_only) visit(entry.record);
}

std::vector<NodeId> RecordBook::proven_members() const {
  std::vector<NodeId> out(awaited_.begin(), awaited_.end());
  for (const auto& [id, entry] : entries_)
    if (entry.standing == Standing::proven) out.push_back(id);
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<NodeId> RecordBook::stood_by() const {
  std::vector<NodeId> out;
  out.reserve(entries_.size());
  for (const auto& [id, entry] : entries_)
    if (entry.standing != Standing::heard) out.push_back(id);
  return out;
}

std::vector<RecordBook::News> RecordBook::take_news(TimePoint now) {
  admit_waiting(now);
  return std::exchange(news_, {});
}

// ---- forgetting ----

RecordBook::Entries::iterator RecordBook::erase(Entries::iterator entry) {
  if (entry->second.standing == Standing::heard)
    --heard_;
  else
    ++stands_version_;
  if (entry->second.standing == Standing::vouched) --vouched_;
  goodbyes_.erase(entry->first);
  ++members_version_;
  ++version_;
  return entries_.erase(entry);
}

// A proven one takes the place of the one of the lowest standing that was silent longest.
bool RecordBook::make_room_for_proven() {
  if (size() < kMaxRecords) return true;
  const auto goes_first = [](const Entries::value_type& a, const Entries::value_type& b) {
    return std::pair(a.second.standing, a.second.accepted) <
           std::pair(b.second.standing, b.second.accepted);
  };
  const auto last = std::min_element(entries_.begin(), entries_.end(), goes_first);
  if (last == entries_.end() || last->second.standing == Standing::proven) return false;
  erase(last);
  return true;
}

void RecordBook::handle_timeout(TimePoint now) {
  if (heard_ > 0 && now >= next_sweep_) sweep(now);
  if (!waiting_.empty() && now >= next_admission_) admit_waiting(now);
}

void RecordBook::sweep(TimePoint now) {
  next_sweep_ = now + kSweep;
  for (auto it = entries_.begin(); it != entries_.end();) {
    const bool old =
        it->second.standing == Standing::heard && now - it->second.accepted >= kHeardLife;
    it = old ? erase(it) : std::next(it);
  }
}

std::optional<TimePoint> RecordBook::next_deadline() const {
  return earliest({due_if(heard_ > 0, next_sweep_), due_if(!waiting_.empty(), next_admission_)});
}

}  // namespace meshnode::discovery
