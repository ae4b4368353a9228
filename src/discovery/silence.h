// When the silence of a peer means that the path may be dead. Pure; one for each edge, beside its
// PathBook. It knows nothing of an edge that is not in use: probes keep that alive.
//
// As a sender: data went out and nothing came back. Patience begins at 2 × RTT, at least kLeast. It
// doubles, up to kMost, each time that the path turns out to be alive: the flow goes one way.
// kPrompt words of the peer in a row that came in time shorten it again.
//
// As a receiver: frames came in a rhythm, and then none. Perhaps our own NAT has forgotten us; our
// question shows the peer where we are now. One question for each rhythm; kQuestions, with pauses
// that double, for one that lasted kSteady, since a NAT that moves may do so in steps: the first
// answer says nothing of what came after it.
//
// Invariants
//  1. A peer that answers within max(kLeast, 2 × RTT) and has no rhythm draws no question.
//  2. After the last frame of a rhythm at most kQuestions are due() without a data_sent().
#pragma once

#include <array>
#include <optional>

#include "base/clock.h"

namespace meshnode::discovery {

class Silence {
 public:
  // Frames nearer to each other than that are told as one (the pumps' kActivityInterval).
  static constexpr Duration kGrain = milliseconds(20);
  static constexpr Duration kLeast = milliseconds(100);
  static constexpr Duration kMost = milliseconds(800);
  static constexpr Duration kLongest = seconds(2);  // whatever the RTT
  static constexpr unsigned kDoublings = 3;
  static constexpr unsigned kPrompt = 3;
  // A rhythm: that many frames, on average no further apart than kGap.
  static constexpr std::size_t kRhythm = 10;
  static constexpr Duration kGap = milliseconds(250);
  static constexpr Duration kReceiverLeast = milliseconds(150);
  static constexpr Duration kReceiverMost = seconds(1);
  // A rhythm that lasted kSteady is asked about so often when it ends; a burst only once.
  static constexpr Duration kSteady = seconds(3);
  static constexpr unsigned kQuestions = 3;
  static constexpr Duration kActive = seconds(10);
  static constexpr Duration kUnknownRtt = milliseconds(100);

  // Inner data left.
  void data_sent(TimePoint now);
  // An authentic frame came, with inner data or not; `here`: on the path that we send on.
  void heard(TimePoint now, Duration rtt, bool here, bool inner);
  // The path that we send on answered a probe.
  void answered();
  // We send on another path now.
  void moved();

  // When the path is to be asked, if nothing comes before.
  std::optional<TimePoint> due(Duration rtt) const;
  void asked(TimePoint now, Duration rtt);

  // Data went either way a short time ago.
  bool active(TimePoint now) const { return last_data_ && now - *last_data_ < kActive; }
  std::optional<TimePoint> last_data() const { return last_data_; }
  // The peer was heard often and answered in time: its silence is a surprise.
  bool surprising(TimePoint now) const;

 private:
  Duration patience(Duration rtt, unsigned doublings) const;
  TimePoint newest_frame() const;
  unsigned questions_at_most() const;
  // Average distance of the last kRhythm frames; none if there is no rhythm.
  std::optional<Duration> gap() const;

  std::optional<TimePoint> last_data_;   // inner, either way
  std::optional<TimePoint> last_heard_;  // any, on the path that we send on
  std::optional<TimePoint> waiting_since_;
  unsigned doublings_ = 0;
  unsigned prompt_ = 0;
  bool asked_ = false;                       // as a sender, and no word since
  std::array<TimePoint, kRhythm> frames_{};  // inner ones; a ring
  std::size_t next_frame_ = 0;
  bool full_ = false;
  bool listening_ = false;   // a rhythm has not ended yet, or only just
  unsigned questions_ = 0;   // since its last frame
  TimePoint quiet_since_{};  // its last frame, or our last question
  TimePoint began_{};        // the present flow of inner frames
};

}  // namespace meshnode::discovery
