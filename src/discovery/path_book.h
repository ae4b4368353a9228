// All ways that we know to one peer: candidates, which of them are confirmed, which carries data,
// and when to probe what. Pure: it says which probes to send, the engine sends them.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/endpoint.h"
#include "discovery/path_quality.h"

namespace meshnode::discovery {

// Life of a candidate:
//   unconfirmed  probed with growing pauses; an answer confirms it
//   confirmed    probed each keep-alive interval, which grows while answered; when a probe stays
//                unanswered, each kRetry; lost after kLostAfter unanswered ones
// Opening. Some routers take an unasked datagram for their own, and then give our next datagram to
// that endpoint another port: who probes before the other side has sent something spoils the way.
// So such a candidate is first opened (a datagram that gets past our own router and no further) and
// probed kOpenLead later; after a burst without answer both sides rest, longer than a router
// remembers (30 s), open again, and only then probe again.
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
  // A limit that was learned from a loss is tried again after that many answers.
  static constexpr unsigned kAnswersToRelax = 20;
  // Confirmed, but not the best, of an edge that is not in use: only so that it is not forgotten.
  static constexpr Duration kSparePause = minutes(10);
  static constexpr Duration kInUse = seconds(60);
  static constexpr Duration kRetry = milliseconds(500);
  static constexpr unsigned kLostAfter = 4;
  static constexpr Duration kAskedPause = seconds(1);
  static constexpr Duration kSilenceInUse = seconds(3);

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
  // asked.
  void asked_on(TimePoint now, const Path& path);
  // Something changed (interfaces, the peer restarted): probe everything now.
  void probe_all(TimePoint now);
  // Whether we want the edge. If not, nothing keeps its paths alive from here; the peer may.
  void set_kept(TimePoint now, bool kept);
  // The peer said goodbye, or is known to be gone: nothing is confirmed, nothing is probed until
  // the next add().
  void forget_all();

  // What to probe now, with local addresses left to the kernel. Call sent() for each that really
  // left, and postponed() for each that was held back by a budget.
  std::vector<Path> due(TimePoint now);
  void sent(TimePoint now, const Path& path, std::uint64_t number);
  // What to open now.
  std::vector<Path> to_open(TimePoint now);
  void postponed(TimePoint now, const Path& path);
  // An authentic answer with this number came on `path`; false if no such probe is outstanding.
  bool answered(TimePoint now, const Path& path, std::uint64_t number);
  // An authentic frame came on `path`.
  void heard(TimePoint now, const Path& path);
  // Inner data left on the best path.
  void data_sent(TimePoint now);

  // The path for data, chosen anew by each change above; stable between changes.
  const std::optional<Path>& best() const { return best_; }
  std::optional<PathKind> best_kind() const;
  std::optional<Duration> best_rtt() const;
  bool knows_any() const { return !candidates_.empty(); }
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
    std::optional<TimePoint> expected_until;
    std::optional<TimePoint> next_opening;
    Duration rest = kRestFirst;
    PathQuality quality;
    std::optional<TimePoint> next_probe;
    Duration pause = kFirstPause;           // unconfirmed: the next one
    Duration keep_alive = kKeepAliveFirst;  // confirmed
    Duration longest = kKeepAliveMax;       // halved when the path is lost: a NAT forgot it
    unsigned answers_at_longest = 0;
    std::optional<TimePoint> waiting_since;  // in use: data sent, nothing heard since
    std::array<Outstanding, 8> outstanding{};
    std::size_t next_slot = 0;
  };

  Candidate* find(const Path& path);
  Candidate* insert(const Path& path, PathKind kind, bool suggested = false);
  void mark_alive(TimePoint now, Candidate& candidate);
  void lose(TimePoint now, Candidate& candidate);
  void lengthen(Candidate& candidate);
  bool is_spare(TimePoint now, const Candidate& candidate) const;
  void rest(TimePoint now, Candidate& candidate);
  void keep_warm(TimePoint now);
  bool in_use(TimePoint now) const { return last_data_ && now - *last_data_ < kInUse; }
  void choose(TimePoint now);

  std::vector<Candidate> candidates_;
  std::optional<Path> best_;
  std::optional<TimePoint> last_data_;
  bool kept_ = true;
};

}  // namespace meshnode::discovery
