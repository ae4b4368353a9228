#include "discovery/silence.h"

#include <algorithm>

#include "base/earliest.h"

namespace meshnode::discovery {

Duration Silence::patience(Duration rtt, unsigned doublings) const {
  const Duration least =
      std::clamp<Duration>(2 * (rtt > Duration{} ? rtt : kUnknownRtt), kLeast, kLongest);
  return std::min<Duration>(least * (1 << doublings), std::max<Duration>(kMost, least));
}

std::optional<Duration> Silence::gap() const {
  if (!full_) return std::nullopt;
  const Duration average = (newest_frame() - frames_[next_frame_]) / static_cast<int>(kRhythm - 1);
  if (average > kGap) return std::nullopt;
  return average;
}

TimePoint Silence::newest_frame() const {
  return frames_[(next_frame_ + kRhythm - 1) % kRhythm];
}

unsigned Silence::questions_at_most() const {
  return newest_frame() - began_ >= kSteady ? kQuestions : 1;
}

void Silence::data_sent(TimePoint now) {
  last_data_ = now;
  // An answer that came since would not have been told.
  if (last_heard_ && now - *last_heard_ < kGrain) return;
  if (!waiting_since_) waiting_since_ = now;
}

void Silence::heard(TimePoint now, Duration rtt, bool here, bool inner) {
  if (inner) {
    if (!full_ || now - newest_frame() > kReceiverMost) began_ = now;
    last_data_ = now;
    frames_[next_frame_] = now;
    next_frame_ = (next_frame_ + 1) % kRhythm;
    full_ = full_ || next_frame_ == 0;
    listening_ = gap().has_value();
    questions_ = 0;
    quiet_since_ = now;
  }
  // What comes another way says nothing about ours.
  if (!here) return;
  last_heard_ = now;
  listening_ = listening_ && inner;
  if (!waiting_since_) return;
  const bool in_time = !asked_ && now - *waiting_since_ <= patience(rtt, 0);
  prompt_ = in_time ? prompt_ + 1 : 0;
  if (prompt_ >= kPrompt) doublings_ = 0;
  waiting_since_.reset();
  asked_ = false;
}

void Silence::answered() {
  if (asked_) {
    doublings_ = std::min(doublings_ + 1, kDoublings);
    prompt_ = 0;
  }
  asked_ = false;
  waiting_since_.reset();
}

void Silence::moved() {
  asked_ = listening_ = false;
  waiting_since_.reset();
  last_heard_.reset();
}

std::optional<TimePoint> Silence::due(Duration rtt) const {
  std::optional<TimePoint> out;
  if (waiting_since_ && !asked_) out = *waiting_since_ + patience(rtt, doublings_);
  if (!listening_) return out;
  const Duration least = std::max<Duration>(kReceiverLeast, patience(rtt, 0));
  const TimePoint end =
      quiet_since_ +
      std::max(least, std::min<Duration>(4 * *gap(), kReceiverMost)) * (1 << questions_);
  return earliest({out, end});
}

void Silence::asked(TimePoint now, Duration rtt) {
  if (waiting_since_ && now - *waiting_since_ >= patience(rtt, doublings_)) asked_ = true;
  if (listening_) listening_ = ++questions_ < questions_at_most();
  quiet_since_ = now;
}

bool Silence::surprising(TimePoint now) const {
  return doublings_ == 0 && gap() &&
         now - frames_[(next_frame_ + kRhythm - 1) % kRhythm] < 2 * kReceiverMost;
}

}  // namespace meshnode::discovery
