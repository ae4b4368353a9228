// The newest record of each member that we heard of, whichever way it came.
//
// Invariants
//  1. Only records whose signature holds; per member the one with the highest sequence. Nothing
//     else decides freshness: no clock does.
//  2. At most kMaxRecords, of them at most kMaxUnproven of members that have not proven their key
//     to us. A proven member's is never pushed out by an unproven one's; unproven ones go after
//     kUnprovenLife without a newer record, or when a proven one needs the place.
//  3. A member changes its record at most once in 10 s over time, kBurst times in a row.
//  4. Signatures are checked at a bounded rate, and not at all for what is not newer.
#pragma once

#include <functional>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/drop.h"
#include "base/token_bucket.h"
#include "discovery/signed_record.h"

namespace meshnode::discovery {

class RecordBook {
 public:
  static constexpr std::size_t kMaxRecords = 4096;
  static constexpr std::size_t kMaxUnproven = 1024;
  static constexpr Duration kUnprovenLife = hours(24);
  static constexpr double kChangesPerSecond = 0.1;
  static constexpr double kBurst = 5;
  static constexpr double kChecksPerSecond = 500;
  static constexpr double kChecksBurst = 1000;

  // `suite` outlives the book.
  RecordBook(Bytes network_id, const crypto::Suite& suite);

  enum class Refusal : std::uint8_t {
    malformed,
    bad_signature,
    known,     // this very sequence
    stale,     // an older one
    too_fast,  // invariant 3 or 4: may be offered again later
    full,
  };
  // The record, if it is newer than what we had of this member (or the first one).
  std::variant<RecordPtr, Refusal> offer(TimePoint now, ByteView bytes);

  // The member has proven its key to us; whether its record is known yet or not.
  void prove(const NodeId& id);
  bool proven(const NodeId& id) const;

  RecordPtr find(const NodeId& id) const;
  std::size_t size() const { return entries_.size(); }
  // All records, of proven members only if wanted; unordered.
  void each(bool proven_only, const std::function<void(const RecordPtr&)>& visit) const;
  std::vector<NodeId> proven_members() const;

  // Forgets what is too old. Cheap when nothing is.
  void handle_timeout(TimePoint now);
  std::optional<TimePoint> next_deadline() const;

 private:
  struct Entry {
    RecordPtr record;  // null: proven, but no record seen yet
    TimePoint accepted{};
    TokenBucket changes{kChangesPerSecond, kBurst};
    bool proven = false;
  };
  struct IdHash {
    std::size_t operator()(const NodeId& id) const { return load_le<std::size_t>(id.bytes.data()); }
  };
  std::variant<RecordPtr, Refusal> accept(TimePoint now, RecordPtr record);
  bool make_room(TimePoint now);
  bool make_room_for_proven();
  void handle_sweep(TimePoint now);

  Bytes network_id_;
  const crypto::Suite& suite_;
  std::unordered_map<NodeId, Entry, IdHash> entries_;
  std::size_t unproven_ = 0;
  TokenBucket checks_{kChecksPerSecond, kChecksBurst};
  TimePoint next_sweep_{};
};

}  // namespace meshnode::discovery
