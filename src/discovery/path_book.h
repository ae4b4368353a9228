// All ways that we know to one peer: candidates, which of them are confirmed, which carries data,
// and when to probe what. Pure: it says which probes to send, the engine sends them.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/endpoint.h"
#include "discovery/path_figures.h"
#include "discovery/path_quality.h"
#include "discovery/silence.h"

namespace meshnode::discovery {

// Life of a candidate:
//   unconfirmed  probed with growing pauses; an answer confirms it
//   confirmed    probed each keep-alive interval, which grows while answered; when a probe stays
//                unanswered, each kRetry; lost after kLostAfter unanswered ones
// In a hurry (the edge is in use, or there is reason to doubt it) a probe that is not answered
// within 1.5 × RTT, from kOverdueLeast to kOverdueMost, is overdue and repeated at once, then with
// pauses that double up to kRetry; after kLostAfterHurry the path is lost. Long before that another
// path that answers takes over: as soon as kSuspicious probes are overdue, or kSuspiciousSurprise
// where the silence is a surprise, or one where the peer itself has turned to the other path
// (path_quality.h). Opening. Some routers take an unasked datagram for their own, and then give our
// next datagram to that endpoint another port: who probes before the other side has sent something
// spoils the way. So such a candidate is first opened (a datagram that gets past our own router and
// no further) and probed kOpenLead later; after a burst without answer both sides rest, longer than
// a router remembers (30 s), open again, and only then probe again.
//
// Invariants
//  1. Only an authenticated answer to our own probe, or a handshake carried over it, confirms.
//  2. At most kMaxCandidates; confirmed ones are not displaced by unconfirmed ones.
class PathBook {
 public:
  static constexpr std::size_t kMaxCandidates = 12;
  static constexpr Duration kOpenLead = milliseconds(100);
  static constexpr Duration kLastOfBurst = milliseconds(1600);  // the pause that ends a burst
  static constexpr Duration kRestFirst = seconds(40);
  static constexpr Duration kRouterForgets = seconds(35);
  static constexpr Duration kKeepOpen = seconds(20);
  static constexpr Duration kExpect = minutes(10);
  static constexpr Duration kExpectPause = seconds(5);
  static constexpr Duration kPace = milliseconds(20);  // between first probes to suggested ones
  static constexpr Duration kFirstPause = milliseconds(100);
  static constexpr Duration kLongestPause = minutes(10);
  static constexpr Duration kKeepAliveFirst = seconds(25);
  static constexpr Duration kKeepAliveMax = seconds(110);
  static constexpr Duration kKeepAliveLeast = milliseconds(12'500);
  // An edge at rest is probed by one side at a time, in turns: who was asked is due so much earlier
  // than who was answered.
  static constexpr Duration kOurTurn = seconds(3);
  // A limit that was learned from a loss is tried again after that many answers.
  static constexpr unsigned kAnswersToRelax = 20;
  // Confirmed, but not the best, of an edge that is not in use: only so that it is not forgotten.
  static constexpr Duration kSparePause = minutes(10);
  static constexpr Duration kInUse = seconds(60);
  static constexpr Duration kRetry = milliseconds(500);
  static constexpr unsigned kLostAfter = 4;
  static constexpr Duration kPostponed = seconds(10);
  static constexpr Duration kPostponedUrgent = seconds(2);
  static constexpr Duration kAskedPause = seconds(1);
  // In a hurry.
  static constexpr Duration kDoubt = seconds(5);  // how long a reason to doubt lasts
  static constexpr Duration kOverdueLeast = milliseconds(60);
  static constexpr Duration kOverdueMost = seconds(1);
  static constexpr unsigned kSuspicious = 3;
  static constexpr unsigned kSuspiciousSurprise = 2;
  static constexpr unsigned kLostAfterHurry = 5;
  static constexpr Duration kHurryPause = seconds(1);  // at most, to a path that was just lost
  static constexpr std::size_t kWarm = 2;  // spares that are asked together with the best

  // A hint where the peer may be. A known candidate that is not confirmed is probed at once again.
  // True if it was not known.
  bool add(TimePoint now, PathKind kind, const Path& path);
  // Where the peer was last: asked each kExpectPause for kExpect, then with growing pauses. A path
  // that is lost is expected back like this. Both sides do it, so a NAT that keeps the port is open
  // when the peer comes back, whoever helped the first time.
  void expect(TimePoint now, PathKind kind, const Path& path);
  // Where the peer's newest record says that it may be, best first: takes the place of what its
  // earlier ones said. What is not confirmed is probed kPace apart.
  void suggest(TimePoint now, std::span<const Target> targets);
  // The peer spoke to us on this path and we have no doubt that it reaches it (handshake done).
  void confirm(TimePoint now, PathKind kind, const Path& path);
  // The peer asks on this path. If it is not our best one, that may have died over there: it is
  // asked. `news`: as add() said; then the peer itself may be elsewhere.
  void asked_on(TimePoint now, const Path& path, bool news = false);
  // Something changed (the peer restarted): probe everything now.
  void probe_all(TimePoint now);
  // We slept, or the world around us changed: likewise, in a hurry.
  void doubt(TimePoint now);
  // Our own addresses that can be used, as they are now. A path from another one is suspicious at
  // once, and the kernel chooses where it leaves; all are probed.
  void addresses_are(TimePoint now, std::span<const IpAddress> own);
  // Whether we want the edge. If not, nothing keeps its paths alive from here; the peer may.
  void set_kept(TimePoint now, bool kept);
  // The peer said goodbye, or is known to be gone: nothing is confirmed, nothing is probed until
  // the next add().
  void forget_all(TimePoint now);

  // What to probe now, with local addresses left to the kernel. Call sent() for each that really
  // left, and postponed() for each that was held back by a budget.
  std::vector<Path> due(TimePoint now);
  void sent(TimePoint now, const Path& path, std::uint64_t number);
  // What to open now.
  std::vector<Path> to_open(TimePoint now);
  void postponed(TimePoint now, const Path& path, bool urgent = false);
  // An authentic answer with this number came on `path`; false if no such probe is outstanding.
  bool answered(TimePoint now, const Path& path, std::uint64_t number);
  // An authentic frame came on `path`, with inner data or not.
  void heard(TimePoint now, const Path& path, bool inner = true);
  // Inner data left on the best path.
  void data_sent(TimePoint now);

  // The path for data, chosen anew by each change above; stable between changes.
  const std::optional<Path>& best() const { return best_; }
  std::optional<PathKind> best_kind() const;
  std::optional<Duration> best_rtt() const;
  // Whether somebody answered there: then it may be asked without a budget.
  bool confirmed(const Path& path) const;
  // Why we think that the peer may be there: it was heard or seen there, its record says so, or
  // that, and it is not likely.
  enum class Evidence : std::uint8_t { seen, told, unlikely };
  Evidence evidence(const Path& path) const;
  // The best path has stopped to answer, and there is no better one.
  bool doubtful() const;
  // It may be about to: what silenced it may be our own router, and others would know.
  bool uneasy(TimePoint now) const;
  bool knows_any() const { return !candidates_.empty(); }
  // What is told of all this; nothing while there is no path for data.
  std::optional<PathFigures> best_figures(TimePoint now) const;
  std::vector<CandidateFigures> candidates() const;
  // Null until there was a path.
  const PathHistory* history() const { return history_.get(); }
  std::optional<TimePoint> next_deadline() const;

 private:
  struct Outstanding {
    std::uint64_t number = 0;
    TimePoint sent{};
  };
  struct Candidate {
    Path path;  // local: as the last answer came in
    PathKind kind = PathKind::direct;
    bool confirmed = false;
    bool suggested = false;  // by the newest record
    bool open_first = false;
    Evidence evidence = Evidence::told;
    std::optional<TimePoint> expected_until;
    std::optional<TimePoint> next_opening;
    Duration rest = kRestFirst;
    PathQuality quality;
    std::optional<TimePoint> next_probe;
    Duration pause = kFirstPause;           // unconfirmed: the next one
    Duration keep_alive = kKeepAliveFirst;  // confirmed
    Duration longest = kKeepAliveMax;       // halved when the path is lost: a NAT forgot it
    unsigned answers_at_longest = 0;
    unsigned unanswered = 0;    // probes since something was heard
    TimePoint overdue_at{};     // the newest of them, from then on
    bool address_gone = false;  // our own
    std::array<Outstanding, 8> outstanding{};
    std::size_t next_slot = 0;
    std::uint8_t undecided = 0;  // which of the outstanding ones count for the loss: a bit for each
    ProbeFigures figures;
  };

  Candidate* find(const Path& path);
  const Candidate* find(const Path& path) const;
  Candidate* best_candidate() { return best_ ? find(*best_) : nullptr; }
  Candidate* insert(const Path& path, PathKind kind, bool suggested = false);
  void mark_alive(TimePoint now, Candidate& candidate);
  void lose(TimePoint now, Candidate& candidate);
  void lengthen(Candidate& candidate);
  bool is_spare(TimePoint now, const Candidate& candidate) const;
  bool is_warm(const Candidate& candidate) const;
  void rest(TimePoint now, Candidate& candidate);
  void keep_warm(TimePoint now);
  void take_turns(TimePoint now, Candidate& best);
  void ask(TimePoint now, Candidate& candidate);
  void ask_warm(TimePoint now);
  void used(TimePoint now);
  void be_quick(TimePoint now, Duration span);
  void turned_to(TimePoint now, Candidate& candidate);
  void listen(TimePoint now);
  void count_overdue(TimePoint now, Candidate& candidate);
  bool in_use(TimePoint now) const {
    return silence_.last_data() && now - *silence_.last_data() < kInUse;
  }
  bool in_a_hurry(TimePoint now) const { return silence_.active(now) || now < doubted_until_; }
  bool surprised(TimePoint now) const { return now < surprised_until_ || silence_.surprising(now); }
  // So many overdue probes of the best path make one look around.
  unsigned few(TimePoint now) const { return surprised(now) ? 1 : 2; }
  Duration pause_after_probe(TimePoint now, const Candidate& candidate) const;
  void choose(TimePoint now);
  static std::uint8_t bit_of(std::size_t slot) { return static_cast<std::uint8_t>(1U << slot); }
  static void note_fate(Candidate& candidate, std::size_t slot, bool lost);
  void note_change(TimePoint now, const std::optional<Path>& before, PathCause cause);

  std::vector<Candidate> candidates_;
  std::optional<Path> best_;
  Silence silence_;
  std::optional<Path> spoken_on_;  // where the peer's last frame came from
  TimePoint doubted_until_{};
  TimePoint surprised_until_{};
  TimePoint next_asked_{};               // when asked_on() may ask again
  std::optional<TimePoint> last_asked_;  // when the best path was last asked on by the peer
  bool kept_ = true;
  std::unique_ptr<PathHistory> history_;
};

}  // namespace meshnode::discovery
