// Keeps the records of all members current, over edges and inside sessions only. Pure.
//
//   our own record       at once to all neighbours
//   another's, new here  once, at once, to kFanOut neighbours that are not known to have it: the
//                        next one in the ring of ids, the others drawn by lot. A moment later it is
//                        announced, one by one, to the previous one in the ring and to some drawn
//                        by lot: pushes get lost, and a lot leaves somebody out
//   a new edge           our own record; whoever began it checks: sends a summary of what it knows
//   a check              goes to one neighbour at a time; in growing rounds to one drawn by lot.
//                        Who knows the same stays silent, else both narrow the ranges down to
//                        digests of at most kMaxDigest records
//   a digest             the other sends what it knows better, and wants what it does not know;
//                        what came of it is checked with one drawn by lot, as are new members
//
// Handed out are our own record and those of members that the book stands by (record_book.h).
// A send may get lost at any time: the next check repairs it. Who asks for much is bounded by
// kAnswersPerSecond; that bounds each exchange, too, whatever the other side says.
//
// Two ids that share their first 8 bytes (nobody's luck: about 2^32 members) hide one of them from
// digests; pushes still carry both.
#pragma once

#include <deque>
#include <map>
#include <optional>

#include "base/clock.h"
#include "base/drop.h"
#include "base/random.h"
#include "base/token_bucket.h"
#include "discovery/record_book.h"
#include "discovery/signed_object.h"
#include "wire/control.h"
#include "wire/gossip.h"

namespace meshnode::discovery {

class Gossip {
 public:
  static constexpr std::size_t kFanOut = 5;
  // For the first record of a member: each of the others has to hear of it twice. Where many come
  // at once, announcements and checks tell them for less.
  static constexpr std::size_t kFanOutFirst = 12;
  static constexpr double kFirstPerSecond = 1;
  static constexpr double kFirstBurst = 8;
  // From round to round twice as long while nothing is new; each drawn within a quarter around it.
  static constexpr Duration kRound = seconds(60);
  static constexpr Duration kLongestRound = hours(1);  // each wakes an idle edge up
  // Announcements of each record: that many, this and up to half as much again apart.
  static constexpr Duration kAnnounceEvery = milliseconds(300);
  static constexpr unsigned kAnnouncements = 3;
  static constexpr std::size_t kMaxRecent = wire::kMaxDigest;
  // From a check that found something to the next one, until one is in vain; longer and longer
  // while what was found never comes.
  static constexpr Duration kFollowUp = milliseconds(500);
  // Between checks of new edges: the first one tells most of what the others would.
  static constexpr Duration kCheckPause = milliseconds(200);
  // What was asked for a moment ago is rarely asked for again.
  static constexpr Duration kAskAgain = seconds(1);
  static constexpr std::size_t kMaxAsked = 2048;
  // Messages that one neighbour makes us read or send.
  static constexpr double kAnswersPerSecond = 50;
  static constexpr double kAnswersBurst = 512;

  struct Send {
    PeerNumber to = kNoPeer;
    wire::ControlType type = wire::ControlType::record;
    Bytes body;
  };

  // Book and random outlive it.
  Gossip(RecordBook& book, ObjectTable objects, Random& random);

  void set_own(RecordPtr own) { own_ = std::move(own); }
  // There is an edge with this neighbour, perhaps again. One of the two begins the check.
  enum class Begin : bool { we, they };
  void edge_up(TimePoint now, PeerNumber peer, const NodeId& id, Begin begin);
  void edge_down(PeerNumber peer);
  // Our own record is new.
  void spread(TimePoint now);
  // An object of our own.
  void spread_object(TimePoint now, const SignedObject& object);

  void handle_summary(TimePoint now, PeerNumber from, ByteView body, DropCounters& drops);
  void handle_digest(TimePoint now, PeerNumber from, ByteView body, DropCounters& drops);
  void handle_want(TimePoint now, PeerNumber from, ByteView body, DropCounters& drops);
  // The object, if it is news; the book knows of a goodbye already.
  std::optional<SignedObject> handle_object(TimePoint now, PeerNumber from, ByteView body,
                                            DropCounters& drops);

  void handle_timeout(TimePoint now);
  std::optional<TimePoint> next_deadline() const;
  // Also what the book has learnt since.
  std::optional<Send> poll(TimePoint now);

 private:
  using Range = wire::Summary::Range;
  struct Neighbour {
    NodeId id;
    TokenBucket answers{kAnswersPerSecond, kAnswersBurst};
    std::uint64_t told = 0;  // the sequence of our own record that it was sent
  };

  struct Recent {
    RecordPtr record;
    unsigned announcements = kAnnouncements;
    std::vector<PeerNumber> from;
    std::vector<PeerNumber> told;
  };

  void settle(TimePoint now);
  void note_recent(TimePoint now, Recent recent);
  void announce(TimePoint now);
  void note_difference(TimePoint now);
  void follow_up(TimePoint now);
  Duration jittered(Duration least);
  // Up to `count` by lot, `wanted` among them.
  std::vector<PeerNumber> draw(std::size_t count, const std::vector<PeerNumber>& but,
                               PeerNumber wanted = kNoPeer);
  PeerNumber next_in_ring() const;
  PeerNumber previous_in_ring() const;
  void send(PeerNumber to, wire::ControlType type, Bytes body);
  bool may_answer(TimePoint now, PeerNumber to);
  bool answer(TimePoint now, PeerNumber to, wire::ControlType type, Bytes body);
  enum class Answered : std::uint8_t { sent, not_handed_out, over_budget };
  Answered answer(TimePoint now, PeerNumber to, const RecordPtr& record);

  RecordPtr find(wire::ShortId id) const;
  template <typename Visit>
  void each_named(PeerNumber to, wire::ShortId lower, wire::ShortId upper, Visit visit) const;
  Range tally(PeerNumber to, std::uint64_t salt, wire::ShortId lower, wire::ShortId upper) const;
  void check(PeerNumber to);
  void run_checks(TimePoint now);
  bool send_digest(TimePoint now, PeerNumber to, const Range& range);
  bool send_split(TimePoint now, PeerNumber to, const Range& range);
  bool wants(TimePoint now, wire::ShortId id);

  RecordBook& book_;
  ObjectTable objects_;
  Random& random_;
  RecordPtr own_;
  std::map<PeerNumber, Neighbour> neighbours_;
  std::map<NodeId, PeerNumber> ring_;
  std::vector<PeerNumber> names_;     // of all neighbours, ascending
  std::deque<PeerNumber> unchecked_;  // new edges that we shall check
  TimePoint next_unchecked_{};
  TimePoint next_round_{};
  Duration round_ = kRound;
  std::vector<Recent> recent_;  // news to be announced, oldest first
  TimePoint next_announcement_{};
  std::optional<TimePoint> follow_up_;
  Duration follow_up_pause_ = kFollowUp;
  TokenBucket first_pushes_{kFirstPerSecond, kFirstBurst};
  std::uint64_t seen_members_ = 0;
  std::uint64_t followed_version_ = 0;        // the book's, at the last one
  std::map<wire::ShortId, TimePoint> asked_;  // some of them longer ago than kAskAgain
  TimePoint next_asked_sweep_{};
  std::deque<Send> sends_;
};

}  // namespace meshnode::discovery
