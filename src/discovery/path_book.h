// All ways that we know to one peer: candidates, which of them are confirmed, which carries data,
// and when to probe what. Pure: it says which probes to send, the engine sends them.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/endpoint.h"
#include "discovery/path_quality.h"

namespace meshnode::discovery {

// Life of a candidate:
//   unconfirmed  probed with growing pauses; an answer confirms it
//   confirmed    probed each keep-alive interval, which grows while answered; when a probe stays
//                unanswered, each kRetry; lost after kLostAfter unanswered ones
// Invariants
//  1. Only an authenticated answer to our own probe, or a handshake carried over it, confirms.
//  2. At most kMaxCandidates; confirmed ones are not displaced by unconfirmed ones.
class PathBook {
 public:
  static constexpr std::size_t kMaxCandidates = 8;
  static constexpr Duration kFirstPause = milliseconds(100);
  static constexpr Duration kLongestPause = minutes(10);
  static constexpr Duration kKeepAliveFirst = seconds(25);
  static constexpr Duration kKeepAliveMax = seconds(110);
  static constexpr Duration kRetry = milliseconds(500);
  static constexpr unsigned kLostAfter = 4;
  static constexpr Duration kSilenceInUse = seconds(3);

  // A hint where the peer may be. A known candidate that is not confirmed is probed at once again.
  // True if it was not known.
  bool add(TimePoint now, PathKind kind, const Path& path);
  // The peer spoke to us on this path and we have no doubt that it reaches it (handshake done).
  void confirm(TimePoint now, PathKind kind, const Path& path);
  // Something changed (interfaces, the peer restarted): probe everything now.
  void probe_all(TimePoint now);
  // The peer said goodbye, or is known to be gone: nothing is confirmed, nothing is probed until
  // the next add().
  void forget_all();

  // What to probe now, with local addresses left to the kernel. Call sent() for each that really
  // left, and postponed() for each that was held back by a budget.
  std::vector<Path> due(TimePoint now);
  void sent(TimePoint now, const Path& path, std::uint64_t number);
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
    PathQuality quality;
    std::optional<TimePoint> next_probe;
    Duration pause = kFirstPause;            // unconfirmed: the next one
    Duration keep_alive = kKeepAliveFirst;   // confirmed
    std::optional<TimePoint> waiting_since;  // in use: data sent, nothing heard since
    std::array<Outstanding, 8> outstanding{};
    std::size_t next_slot = 0;
  };

  Candidate* find(const Path& path);
  Candidate* insert(const Path& path, PathKind kind);
  void mark_alive(TimePoint now, Candidate& candidate);
  void lose(TimePoint now, Candidate& candidate);
  void choose();

  std::vector<Candidate> candidates_;
  std::optional<Path> best_;
};

}  // namespace meshnode::discovery
