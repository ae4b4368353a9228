#include "discovery/path_mtu.h"

#include <utility>

#include "base/earliest.h"
#include "wire/data_frame.h"

namespace meshnode::discovery {
namespace {

// Of links, with IP header: what is usual in the world.
constexpr std::size_t kUsualLinks[] = {576,  1024, 1280, 1400, 1440, 1480,
                                       1492, 1500, 2048, 4096, 9000};
constexpr std::size_t kEthernet = 1500;

// Parts into which a range is divided where no usual size is in it.
constexpr std::size_t kParts = 4;

constexpr std::size_t in_steps(std::size_t size) {
  return (size - wire::kFrameOverhead) / PathMtu::kStep * PathMtu::kStep + wire::kFrameOverhead;
}

static_assert(in_steps(PathMtu::kBase) == PathMtu::kBase);
static_assert(in_steps(PathMtu::kFloorV4) == PathMtu::kFloorV4);
static_assert(in_steps(PathMtu::kFloorV6) == PathMtu::kFloorV6);

}  // namespace

PathMtu::PathMtu(Family family, std::size_t ceiling)
    : header_(family == Family::v6 ? 48 : 28),
      floor_(family == Family::v6 ? kFloorV6 : kFloorV4),
      ceiling_(std::max(ceiling, floor_)),
      low_(floor_),
      high_(ceiling_ + 1),
      settled_(floor_ == ceiling_) {}

void PathMtu::used(TimePoint now, std::size_t wanted) {
  if (std::min(wanted, low_) > floor_) in_use_ = true;
  const bool may_search = round_.empty() && low_ < ceiling_;
  if (wanted > low_ && may_search && (!settled_ || now >= next_raise_)) begin_search(now, settled_);
}

void PathMtu::begin_search(TimePoint now, bool raising) {
  raising_ = raising;
  if (raising) high_ = ceiling_ + 1;
  begin_round(now);
}

// The sizes between what is known to pass and what is known to fail.
void PathMtu::begin_round(TimePoint now) {
  round_.clear();
  round_next_ = now;
  const auto add = [&](std::size_t size) {
    if (size > low_ && size < high_ && size <= ceiling_ && round_.size() < kRound &&
        (round_.empty() || round_.back().size < size))
      round_.push_back({size, 0});
  };
  if (high_ > ceiling_ && !raising_) {
    // Nothing is known to fail: most paths carry everything.
    add(kBase);
    add(in_steps(kEthernet - header_));
    return add(ceiling_);
  }
  for (const std::size_t link : kUsualLinks) add(in_steps(link - header_));
  if (high_ > ceiling_) {
    if (round_.size() == kRound) round_.pop_back();
    add(ceiling_);
  }
  if (round_.empty())
    for (std::size_t part = 1; part < kParts; ++part)
      add(in_steps(low_ + (high_ - low_) * part / kParts));
  if (round_.empty()) settle(now);
}

void PathMtu::settle(TimePoint now) {
  round_.clear();
  settled_ = searched_ = true;
  raising_ = false;
  next_raise_ = now + kRaiseEvery;
}

// `failed`: the smallest size of the round that does not pass, or high_ if all do.
void PathMtu::end_round(TimePoint now, std::size_t failed) {
  const bool none = raising_ && !round_.empty() && failed == round_.front().size;
  high_ = std::min(high_, failed);
  if (low_ >= ceiling_ || none || high_ <= low_ + kStep) return settle(now);
  raising_ = false;
  begin_round(now);
}

Duration PathMtu::timeout() const {
  return std::clamp<Duration>(rtt_ * 2, kTimeoutLeast, kTimeoutMost);
}

PathMtu::Probe PathMtu::send(TimePoint now, std::size_t size, std::uint32_t& number) {
  sent_[next_slot_] = {++number, size, now};
  next_slot_ = (next_slot_ + 1) % sent_.size();
  return {number, size};
}

std::vector<PathMtu::Probe> PathMtu::due(TimePoint now, Duration rtt, std::uint32_t& number) {
  rtt_ = std::max(rtt_, rtt);
  std::vector<Probe> out;
  drive_check(now, number, out);
  // Sizes that are given up may end a round, and the next one begins at once.
  while (!round_.empty() && now >= round_next_) drive_round(now, number, out);
  return out;
}

void PathMtu::drive_round(TimePoint now, std::uint32_t& number, std::vector<Probe>& out) {
  if (round_.front().sends == kTries) return end_round(now, round_.front().size);
  for (Try& each : round_)
    if (each.sends == 0 || &each == &round_.front()) {
      ++each.sends;
      out.push_back(send(now, each.size, number));
    }
  round_next_ = now + timeout();
}

void PathMtu::drive_check(TimePoint now, std::uint32_t& number, std::vector<Probe>& out) {
  if (!check_) {
    if (!in_use_ || low_ == floor_ || now < confirmed_ + kConfirmEvery) return;
    check_ = Check{.size = low_, .sends = 0, .small_answered = 0, .next = now};
  }
  if (now < check_->next) return;
  if (check_->sends == kConfirmTries) {
    const Check check = *check_;
    check_.reset();
    if (check.small_answered > 0) return fall(now, check.small_answered, check.size);
    confirmed_ = now + kDoubtPause - kConfirmEvery;
    return;
  }
  if (check_->sends++ > 0) {
    out.push_back(send(now, floor_, number));
    if (kBase > floor_ && kBase < low_) out.push_back(send(now, kBase, number));
  }
  out.push_back(send(now, check_->size, number));
  check_->next = now + timeout();
}

void PathMtu::fall(TimePoint now, std::size_t to, std::size_t failed) {
  low_ = to;
  high_ = std::min(high_, failed);
  check_.reset();
  confirmed_ = now;
  settled_ = false;
  raising_ = false;
  if (high_ <= low_ + kStep) return settle(now);
  begin_round(now);
}

bool PathMtu::answered(TimePoint now, std::uint32_t number) {
  const auto found = std::find_if(sent_.begin(), sent_.end(), [&](const Sent& each) {
    return each.size > 0 && each.number == number;
  });
  if (found == sent_.end()) return false;
  const Sent sent = std::exchange(*found, Sent{});
  const Duration took = now - sent.when;
  rtt_ = std::max<Duration>(took, (rtt_ * 3 + took) / 4);
  if (sent.size >= low_) {
    confirmed_ = now;
    in_use_ = false;
    check_.reset();
  } else if (check_) {
    check_->small_answered = std::max(check_->small_answered, sent.size);
  }
  if (sent.size <= low_) return true;
  low_ = sent.size;
  if (high_ <= low_) high_ = ceiling_ + 1;  // it was slow, not too large
  if (round_.empty()) {
    if (low_ >= ceiling_) settle(now);
    return true;
  }
  std::erase_if(round_, [&](const Try& each) { return each.size <= low_; });
  round_next_ = now + timeout();
  if (round_.empty()) end_round(now, high_);
  return true;
}

void PathMtu::refused(TimePoint now, std::size_t size) {
  if (size <= floor_ || size >= high_) return;
  if (size <= low_) return fall(now, floor_, size);
  high_ = size;
  if (round_.empty()) return;
  std::erase_if(round_, [&](const Try& each) { return each.size >= size; });
  if (round_.empty()) end_round(now, size);
}

std::optional<TimePoint> PathMtu::next_deadline() const {
  return earliest(
      {due_if(!round_.empty(), round_next_),
       check_ ? check_->next : due_if(in_use_ && low_ > floor_, confirmed_ + kConfirmEvery)});
}

}  // namespace meshnode::discovery
