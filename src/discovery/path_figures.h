// What is told of the ways to a peer: figures from our own probes, and how the path for data
// changed. Plain values, taken at one moment; nothing decides by them.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/endpoint.h"
#include "discovery/path_quality.h"

namespace meshnode::discovery {

// Counted for each candidate. A probe is lost if no answer came within kTooLate. Only probes to a
// path that had answered before count for the loss: whoever was never reached loses nothing.
class ProbeFigures {
 public:
  static constexpr Duration kTooLate = seconds(3);
  static constexpr unsigned kWindow = 64;  // probes that the loss is made of, at most

  void sent() { ++sent_; }
  void answered(Duration rtt) {
    ++answers_;
    if (last_ == Duration{}) {
      least_ = rtt;
    } else {
      // Like RFC 3550 §6.4.1, of round trips.
      jitter_ += ((rtt > last_ ? rtt - last_ : last_ - rtt) - jitter_) / 16;
      if (rtt < least_) least_ = rtt;
    }
    last_ = rtt;
  }
  // The fate of a probe that counts for the loss.
  void decided(bool lost) {
    fates_ = (fates_ << 1) | (lost ? 1U : 0U);
    if (decided_ < kWindow) ++decided_;
  }

  std::uint32_t probes() const { return sent_; }
  std::uint32_t answers() const { return answers_; }
  Duration last() const { return last_; }
  Duration least() const { return least_; }
  Duration jitter() const { return jitter_; }
  unsigned lost() const { return static_cast<unsigned>(std::popcount(fates_)); }
  unsigned decided() const { return decided_; }

 private:
  Duration last_{}, least_{}, jitter_{};
  std::uint64_t fates_ = 0;  // of the last kWindow, the newest lowest; 1: lost
  std::uint32_t sent_ = 0;
  std::uint32_t answers_ = 0;
  std::uint8_t decided_ = 0;
};

// The path that carries data, since it is known. Without an answer (a handshake confirmed it, the
// first probe is under way) the round trips are 0.
struct PathFigures {
  Duration rtt_last{}, rtt_least{}, rtt_average{}, rtt_jitter{};  // average: smoothed by eighths
  unsigned asked = 0;  // of the last ProbeFigures::kWindow probes, those whose fate is known
  unsigned lost = 0;   // of these
  Duration heard_ago{};
  Duration keep_alive{};  // between probes, at rest
};

enum class CandidateState : std::uint8_t {
  carries,  // the path for data
  spare,    // confirmed
  sought,   // no answer so far, or not any more
};

struct CandidateFigures {
  Path path{};
  PathKind kind = PathKind::direct;
  CandidateState state = CandidateState::sought;
  bool suggested = false;  // by the peer's newest record
  std::uint32_t probes = 0;
  std::uint32_t answers = 0;
  std::optional<Duration> rtt{};  // smoothed
};

struct PathChange {
  TimePoint when{};
  std::optional<Path> to;  // nothing: there was none any more
  PathCause cause = PathCause::first;
};

// Made with a peer's first path.
struct PathHistory {
  static constexpr std::size_t kKept = 8;
  std::uint64_t changes = 0;
  std::vector<PathChange> last;  // oldest first, at most kKept

  void add(const PathChange& change) {
    ++changes;
    if (last.size() == kKept) last.erase(last.begin());
    last.push_back(change);
  }
};

}  // namespace meshnode::discovery
