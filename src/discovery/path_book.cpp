#include "discovery/path_book.h"

#include <algorithm>

namespace meshnode::discovery {

PathBook::Candidate* PathBook::find(const Path& path) {
  const auto found = std::find_if(candidates_.begin(), candidates_.end(),
                                  [&](const Candidate& c) { return c.path.same_remote(path); });
  return found == candidates_.end() ? nullptr : &*found;
}

PathBook::Candidate* PathBook::insert(const Path& path, PathKind kind, bool suggested) {
  if (candidates_.size() == kMaxCandidates) {
    // Oldest unconfirmed first: insertion order is age. The newest record's own come last, and do
    // not push out each other.
    auto victim = std::find_if(candidates_.begin(), candidates_.end(),
                               [](const Candidate& c) { return !c.confirmed && !c.suggested; });
    if (victim == candidates_.end() && !suggested)
      victim = std::find_if(candidates_.begin(), candidates_.end(),
                            [](const Candidate& c) { return !c.confirmed; });
    if (victim == candidates_.end()) return nullptr;
    candidates_.erase(victim);
  }
  Candidate candidate;
  candidate.path = path;
  candidate.path.local = {};
  candidate.kind = kind;
  candidate.quality.kind = kind;
  candidates_.push_back(candidate);
  return &candidates_.back();
}

bool PathBook::add(TimePoint now, PathKind kind, const Path& path) {
  Candidate* candidate = find(path);
  const bool news = candidate == nullptr;
  if (news) candidate = insert(path, kind);
  if (candidate == nullptr) return false;
  if (kind == PathKind::lan) candidate->kind = candidate->quality.kind = kind;
  if (candidate->confirmed) return false;
  candidate->pause = kFirstPause;
  candidate->next_probe = now;
  return news;
}

void PathBook::expect(TimePoint now, PathKind kind, const Path& path) {
  add(now, kind, path);
  if (Candidate* candidate = find(path)) candidate->expected_until = now + kExpect;
}

void PathBook::suggest(TimePoint now, std::span<const Target> targets) {
  std::erase_if(candidates_, [&](const Candidate& c) {
    return c.suggested && !c.confirmed &&
           std::none_of(targets.begin(), targets.end(),
                        [&](const Target& target) { return target.path.same_remote(c.path); });
  });
  for (Candidate& candidate : candidates_) candidate.suggested = false;
  TimePoint when = now;
  for (const Target& target : targets) {
    Candidate* candidate = find(target.path);
    if (candidate == nullptr) candidate = insert(target.path, target.kind, true);
    if (candidate == nullptr) continue;
    candidate->suggested = true;
    if (candidate->confirmed) continue;
    candidate->pause = kFirstPause;
    candidate->open_first = target.open_first;
    candidate->rest = kRestFirst;
    candidate->next_opening.reset();
    if (target.open_first) candidate->next_opening = when;
    candidate->next_probe = target.open_first ? when + kOpenLead : when;
    when += kPace;
  }
}

void PathBook::confirm(TimePoint now, PathKind kind, const Path& path) {
  Candidate* candidate = find(path);
  if (candidate == nullptr) candidate = insert(path, kind);
  if (candidate == nullptr) return;
  candidate->path.local = path.local;
  const bool measured = candidate->confirmed;
  mark_alive(now, *candidate);
  if (!measured) candidate->next_probe = now;  // it has no RTT yet
  choose(now);
}

void PathBook::asked_on(TimePoint now, const Path& path) {
  if (!best_ || best_->same_remote(path)) return;
  Candidate* best = find(*best_);
  if (best == nullptr || best->quality.unanswered > 0 ||
      now - best->quality.last_heard < kAskedPause)
    return;
  best->next_probe = now;
}

void PathBook::probe_all(TimePoint now) {
  for (Candidate& candidate : candidates_) {
    candidate.next_probe = now;
    candidate.pause = kFirstPause;
  }
}

void PathBook::forget_all() {
  candidates_.clear();
  best_.reset();
}

std::vector<Path> PathBook::due(TimePoint now) {
  std::vector<Path> out;
  bool silence = false;
  for (Candidate& candidate : candidates_) {
    if (candidate.confirmed && candidate.quality.unanswered >= kLostAfter && candidate.next_probe &&
        now >= *candidate.next_probe)
      lose(now, candidate);
    const bool silent = candidate.confirmed && candidate.waiting_since &&
                        candidate.quality.unanswered == 0 &&
                        now - *candidate.waiting_since >= kSilenceInUse;
    silence = silence || silent;
  }
  // What silenced one path may have silenced all: ask them together, not one after the other.
  if (silence) probe_all(now);
  for (const Candidate& candidate : candidates_) {
    if (!candidate.next_probe || now < *candidate.next_probe) continue;
    Path path = candidate.path;
    path.local = {};
    out.push_back(path);
  }
  choose(now);
  return out;
}

void PathBook::sent(TimePoint now, const Path& path, std::uint64_t number) {
  Candidate* candidate = find(path);
  if (candidate == nullptr) return;
  candidate->outstanding[candidate->next_slot] = {number, now};
  candidate->next_slot = (candidate->next_slot + 1) % candidate->outstanding.size();
  ++candidate->quality.unanswered;
  if (candidate->confirmed) {
    candidate->next_probe = now + kRetry;
  } else {
    const bool expected = candidate->expected_until && now < *candidate->expected_until;
    const bool burst_over = candidate->open_first && !expected && candidate->pause >= kLastOfBurst;
    candidate->next_probe = now + candidate->pause;
    candidate->pause =
        std::min<Duration>(candidate->pause * 2, expected ? kExpectPause : kLongestPause);
    if (burst_over) rest(now, *candidate);
  }
  choose(now);
}

void PathBook::rest(TimePoint now, Candidate& candidate) {
  candidate.pause = kFirstPause;
  candidate.next_probe = now + candidate.rest;
  candidate.next_opening = now + std::max<Duration>(candidate.rest / 2, kRouterForgets);
  candidate.rest = std::min<Duration>(candidate.rest * 2, kLongestPause);
}

std::vector<Path> PathBook::to_open(TimePoint now) {
  std::vector<Path> out;
  for (Candidate& candidate : candidates_) {
    if (!candidate.next_opening || now < *candidate.next_opening) continue;
    candidate.next_opening.reset();
    if (candidate.confirmed) continue;
    out.push_back(candidate.path);
    out.back().local = {};
    // A router forgets what is not refreshed.
    if (candidate.next_probe && now + kKeepOpen < *candidate.next_probe)
      candidate.next_opening = now + kKeepOpen;
  }
  return out;
}

void PathBook::postponed(TimePoint now, const Path& path) {
  Candidate* candidate = find(path);
  if (candidate == nullptr) return;
  candidate->next_probe = now + seconds(10);
  if (candidate->waiting_since) candidate->waiting_since = now;
}

bool PathBook::answered(TimePoint now, const Path& path, std::uint64_t number) {
  Candidate* candidate = find(path);
  if (candidate == nullptr) return false;
  for (Outstanding& probe : candidate->outstanding) {
    if (probe.number != number || number == 0) continue;
    const Duration sample = now - probe.sent;
    probe = {};
    candidate->path.local = path.local;
    const bool first = !candidate->confirmed || candidate->quality.rtt == Duration{};
    candidate->quality.rtt = first ? sample : (candidate->quality.rtt * 7 + sample) / 8;
    if (candidate->confirmed && candidate->quality.unanswered <= 1) lengthen(*candidate);
    mark_alive(now, *candidate);
    choose(now);
    return true;
  }
  return false;
}

void PathBook::mark_alive(TimePoint now, Candidate& candidate) {
  candidate.confirmed = true;
  candidate.quality.last_heard = now;
  candidate.quality.unanswered = 0;
  candidate.waiting_since.reset();
  candidate.pause = kFirstPause;
  candidate.next_probe = now + (is_spare(now, candidate) ? kSparePause : candidate.keep_alive);
  if (!kept_ && !in_use(now)) candidate.next_probe.reset();
}

void PathBook::set_kept(TimePoint now, bool kept) {
  if (kept == kept_) return;
  kept_ = kept;
  if (!kept) return;  // the next word of the peer ends our probes
  for (Candidate& candidate : candidates_)
    if (candidate.confirmed && !candidate.next_probe) candidate.next_probe = now;
}

void PathBook::heard(TimePoint now, const Path& path) {
  Candidate* candidate = find(path);
  if (candidate == nullptr || !candidate->confirmed) return;
  candidate->quality.last_spoken = now;
  mark_alive(now, *candidate);
}

// The edge is in use (again): spare paths are kept alive as often as the best one.
void PathBook::keep_warm(TimePoint now) {
  for (Candidate& candidate : candidates_)
    if (candidate.confirmed && candidate.next_probe)
      candidate.next_probe = std::min<TimePoint>(*candidate.next_probe, now + candidate.keep_alive);
}

void PathBook::data_sent(TimePoint now) {
  if (!in_use(now)) keep_warm(now);
  last_data_ = now;
  if (!best_) return;
  Candidate* candidate = find(*best_);
  if (candidate != nullptr && !candidate->waiting_since) candidate->waiting_since = now;
}

void PathBook::lengthen(Candidate& candidate) {
  candidate.keep_alive = std::min<Duration>(candidate.keep_alive * 3 / 2, candidate.longest);
  if (candidate.keep_alive < candidate.longest || candidate.longest == kKeepAliveMax) return;
  if (++candidate.answers_at_longest < kAnswersToRelax) return;
  candidate.answers_at_longest = 0;
  candidate.longest = std::min<Duration>(candidate.longest * 3 / 2, kKeepAliveMax);
}

// A second path is kept warm only while the edge is in use.
bool PathBook::is_spare(TimePoint now, const Candidate& candidate) const {
  return best_ && !candidate.path.same_remote(*best_) && !in_use(now);
}

void PathBook::lose(TimePoint now, Candidate& candidate) {
  candidate.confirmed = false;
  candidate.expected_until = now + kExpect;
  candidate.waiting_since.reset();
  candidate.longest = std::max<Duration>(candidate.keep_alive / 2, kKeepAliveLeast);
  candidate.answers_at_longest = 0;
  candidate.keep_alive = candidate.longest;
  candidate.pause = kFirstPause;
  candidate.next_probe = now;
}

void PathBook::choose(TimePoint now) {
  Candidate* current = best_ ? find(*best_) : nullptr;
  if (current != nullptr && !current->confirmed) current = nullptr;
  Candidate* const before = current;
  for (Candidate& candidate : candidates_) {
    if (!candidate.confirmed || &candidate == current) continue;
    if (current == nullptr || better(candidate.quality, current->quality)) current = &candidate;
  }
  best_ = current == nullptr ? std::nullopt : std::optional<Path>(current->path);
  if (current == nullptr || current == before || !current->next_probe) return;
  // As a spare it may not have been heard for long.
  const bool fresh = now - current->quality.last_heard <= kRetry;
  current->next_probe = std::min<TimePoint>(*current->next_probe,
                                            now + (fresh ? current->keep_alive : Duration(kPace)));
}

std::optional<PathKind> PathBook::best_kind() const {
  if (!best_) return std::nullopt;
  for (const Candidate& candidate : candidates_)
    if (candidate.path.same_remote(*best_)) return candidate.kind;
  return std::nullopt;
}

std::optional<Duration> PathBook::best_rtt() const {
  if (!best_) return std::nullopt;
  for (const Candidate& candidate : candidates_)
    if (candidate.path.same_remote(*best_) && candidate.quality.rtt > Duration{})
      return candidate.quality.rtt;
  return std::nullopt;
}

std::optional<TimePoint> PathBook::next_deadline() const {
  std::optional<TimePoint> out;
  const auto consider = [&](TimePoint when) {
    if (!out || when < *out) out = when;
  };
  for (const Candidate& candidate : candidates_) {
    if (candidate.next_probe) consider(*candidate.next_probe);
    if (candidate.next_opening) consider(*candidate.next_opening);
    if (candidate.confirmed && candidate.waiting_since && candidate.quality.unanswered == 0)
      consider(*candidate.waiting_since + kSilenceInUse);
  }
  return out;
}

}  // namespace meshnode::discovery
