// The newest record of each member that we heard of, whichever way it came, and how far we stand by
// it:
//
//   heard     one neighbour told us, or the DHT: we keep it for ourselves
//   vouched   two different neighbours told us: we tell others
//   proven    the member showed us its key in a handshake: we tell others
//
// Invariants
//  1. Only records whose signature holds; per member the one with the highest sequence. Nothing
//     else decides freshness: no clock does.
//  2. At most kMaxRecords members, of them at most kMaxHeard only heard of and kMaxVouched vouched.
//     Nobody makes room for one of a lower standing; proven ones go never, those heard of after
//     kHeardLife without a newer record.
//  3. A member changes its record at most once in 10 s over time, kBurst times in a row.
//  4. Signatures are checked at a bounded rate, and not at all for what is not newer.
//  5. Vouched members become news (take_news) at a bounded rate; each record at most once.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/drop.h"
#include "base/token_bucket.h"
#include "discovery/record_pool.h"
#include "discovery/sorted_pages.h"
#include "wire/gossip.h"

namespace meshnode::discovery {

class RecordBook {
 public:
  static constexpr std::size_t kMaxRecords = 8192;
  static constexpr std::size_t kMaxHeard = 1024;
  static constexpr std::size_t kMaxVouched = kMaxRecords - kMaxHeard;
  static constexpr Duration kHeardLife = hours(24);
  static constexpr double kBurst = 5;
  static constexpr Duration kChangeEvery = seconds(10);
  static constexpr double kChecksPerSecond = 500;
  static constexpr double kChecksBurst = 1000;
  // Vouched members whose record we begin to hand out.
  static constexpr double kAdmissionsPerSecond = 10;
  static constexpr double kAdmissionsBurst = 200;

  // `suite` outlives the book. A pool that is given is of the same network.
  RecordBook(Bytes network_id, const crypto::Suite& suite,
             std::shared_ptr<RecordPool> pool = nullptr);

  enum class Refusal : std::uint8_t {
    malformed,
    bad_signature,
    known,     // this very sequence
    stale,     // an older one
    too_fast,  // invariant 3 or 4: may be offered again later
    full,
  };
  // The record, if it is newer than what we had of this member (or the first one). `from`: the
  // neighbour that told us, who vouches for the member by it.
  std::variant<RecordPtr, Refusal> offer(TimePoint now, ByteView bytes, PeerNumber from = kNoPeer);
  // This neighbour knows the member, too.
  void vouch(const NodeId& id, PeerNumber by);
  // The member has proven its key to us; whether its record is known yet or not.
  void prove(const NodeId& id);
  // The member's word that this start of it is over. True if that is news.
  bool say_gone(const NodeId& id, const BootId& boot, std::uint64_t sequence);

  bool proven(const NodeId& id) const;
  // Vouched or proven.
  bool stands_by(const NodeId& id) const;
  // Its record may go to this neighbour: it is proven, or vouched and admitted (now, if need be).
  bool hands_out(TimePoint now, const NodeId& id, PeerNumber to);
  // It said so, and nothing newer came since.
  bool gone(const NodeId& id) const;
  RecordPtr find(const NodeId& id) const;
  // The one with the lowest id if several share it.
  RecordPtr find_short(wire::ShortId id) const;
  bool has_room() const { return heard_ < kMaxHeard && size() < kMaxRecords; }

  std::size_t size() const { return entries_.size() + awaited_.size(); }
  // Grows when members come or go, or are gone or back.
  std::uint64_t members_version() const { return members_version_; }
  // Grows when we begin or cease to stand by somebody.
  std::uint64_t stands_version() const { return stands_version_; }
  // Grows when a summary may come out otherwise than before.
  std::uint64_t version() const { return version_; }
  // All records, of proven members only if wanted; by id.
  void each(bool proven_only, const std::function<void(const RecordPtr&)>& visit) const;
  std::vector<NodeId> proven_members() const;
  // Those that we stand by; by id.
  std::vector<NodeId> stood_by() const;
  // What we name to this neighbour: those that we stand by, and those that we heard of from it;
  // by id.
  template <typename Visit>
  void each_named(PeerNumber to, wire::ShortId lower, wire::ShortId upper, Visit visit) const;

  // A record that we hand out from now on, and who is known to have it.
  struct News {
    RecordPtr record;
    PeerNumber from = kNoPeer;
    PeerNumber first_from = kNoPeer;
    bool first = false;  // of this member
  };
  std::vector<News> take_news(TimePoint now);

  // Forgets what is too old. Cheap when nothing is.
  void handle_timeout(TimePoint now);
  std::optional<TimePoint> next_deadline() const;

 private:
  enum class Standing : std::uint8_t { heard, vouched, proven };
  // Kept small: there are thousands.
  struct Entry {
    RecordPtr record;
    TimePoint accepted{};
    TimePoint changes_until{};     // what its changes so far have used up, by kChangeEvery each
    PeerNumber voucher = kNoPeer;  // the first neighbour that told us
    Standing standing = Standing::heard;
    bool admitted = false;  // its record is handed out
  };
  using Entries = SortedPages<NodeId, Entry>;
  struct Goodbye {
    BootId boot{};
    std::uint64_t sequence = 0;
  };

  static NodeId first_of(wire::ShortId id);
  static bool may_change(Entry& entry, TimePoint now);
  std::optional<Refusal> not_newer(const NodeId& id, std::uint64_t sequence, PeerNumber from);
  std::variant<RecordPtr, Refusal> accept(TimePoint now, RecordPtr record, PeerNumber from);
  Entry* add(TimePoint now, const NodeId& id);
  void vouch(const NodeId& id, Entry& entry, PeerNumber by);
  Entries::iterator find_waiting(wire::ShortId id);
  void admit_waiting(TimePoint now);
  void admit(Entry& entry, PeerNumber from);
  void note_return(const SignedRecord& record);
  bool make_room_for_proven();
  Entries::iterator erase(Entries::iterator entry);
  void sweep(TimePoint now);

  std::shared_ptr<RecordPool> pool_;
  Entries entries_;
  std::set<NodeId> awaited_;            // proven, but no record seen yet
  std::map<NodeId, Goodbye> goodbyes_;  // only of members in entries_
  std::size_t heard_ = 0;
  std::size_t vouched_ = 0;
  std::uint64_t members_version_ = 0;
  std::uint64_t stands_version_ = 0;
  std::uint64_t version_ = 0;
  TokenBucket checks_{kChecksPerSecond, kChecksBurst};
  TokenBucket admissions_{kAdmissionsPerSecond, kAdmissionsBurst};
  // Vouched members that wait for admission; perhaps some that do not any more.
  struct Waiting {
    wire::ShortId id = 0;
    PeerNumber by = kNoPeer;  // the second that vouched
  };
  std::deque<Waiting> waiting_;
  TimePoint next_admission_{};
  TimePoint next_sweep_{};
  std::vector<News> news_;
};

template <typename Visit>
void RecordBook::each_named(PeerNumber to, wire::ShortId lower, wire::ShortId upper,
                            Visit visit) const {
  for (auto it = entries_.lower_bound(first_of(lower));
       it != entries_.end() && wire::short_id(it->first) <= upper; ++it)
    if (it->second.standing != Standing::heard || it->second.voucher == to)
      visit(it->second.record);
}

}  // namespace meshnode::discovery
