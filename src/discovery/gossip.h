// Keeps the records of neighbours current, over edges and inside sessions only. Pure.
//
//   a record that is new here   at once to all neighbours but the one it came from, once
//   a new edge, and each kRound with one neighbour   digest: "this is what I know". The other sends
//                               what it knows better, and wants what it does not know
//
// Passed on are our own record and those of members that have proven themselves to us
// (record_book.h): so nobody can use us to spread identities that we never met.
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
#include "wire/control.h"
#include "wire/gossip.h"

namespace meshnode::discovery {

class Gossip {
 public:
  static constexpr Duration kRound = seconds(60);
  // Records that go to one neighbour because it asked or seemed to lack them.
  static constexpr double kAnswersPerSecond = 50;
  static constexpr double kAnswersBurst = 512;

  struct Send {
    PeerNumber to = kNoPeer;
    wire::ControlType type = wire::ControlType::record;
    Bytes body;
  };

  // Both outlive it.
  Gossip(const RecordBook& book, Random& random);

  void set_own(RecordPtr own) { own_ = std::move(own); }
  // A session with this neighbour, where there was none. One of the two begins: a digest and its
  // answers bring both to the same knowledge.
  enum class Begin : bool { we, they };
  void edge_up(TimePoint now, PeerNumber peer, Begin begin);
  void edge_down(PeerNumber peer);
  // A record that is new, or that we may pass on from now on.
  void spread(const RecordPtr& record, PeerNumber except = kNoPeer);

  void handle_digest(TimePoint now, PeerNumber from, ByteView body, DropCounters& drops);
  void handle_want(TimePoint now, PeerNumber from, ByteView body, DropCounters& drops);

  void handle_timeout(TimePoint now);
  std::optional<TimePoint> next_deadline() const;
  std::optional<Send> poll();

 private:
  // What we pass on, by short id.
  std::map<wire::ShortId, RecordPtr> known() const;
  void send_digest(PeerNumber to);
  bool answer(TimePoint now, PeerNumber to, const RecordPtr& record);

  const RecordBook& book_;
  Random& random_;
  RecordPtr own_;
  std::map<PeerNumber, TokenBucket> neighbours_;
  TimePoint next_round_{};
  std::deque<Send> sends_;
};

}  // namespace meshnode::discovery
