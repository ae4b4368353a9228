#include "discovery/path_book.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/earliest.h"

namespace meshnode::discovery {
namespace {

// An answer that takes longer is overdue.
Duration patience(const PathQuality& quality) {
  const Duration rtt = quality.rtt > Duration{} ? quality.rtt : Duration(Silence::kUnknownRtt);
  return std::clamp<Duration>(rtt * 3 / 2, PathBook::kOverdueLeast, PathBook::kOverdueMost);
}

}  // namespace

PathBook::Candidate* PathBook::find(const Path& path) {
  const auto found = std::find_if(candidates_.begin(), candidates_.end(),
                                  [&](const Candidate& c) { return c.path.same_remote(path); });
  return found == candidates_.end() ? nullptr : &*found;
}

const PathBook::Candidate* PathBook::find(const Path& path) const {
  return const_cast<PathBook*>(this)->find(path);
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
  candidate->evidence = Evidence::seen;
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
    if (candidate->evidence != Evidence::seen)
      candidate->evidence = target.unlikely ? Evidence::unlikely : Evidence::told;
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
  mark_alive(now, *candidate);
  if (candidate == best_candidate()) silence_.answered();
  // Two handshakes may confirm it before the first probe leaves.
  if (candidate->quality.rtt == Duration{}) candidate->next_probe = now;
  choose(now);
}

void PathBook::asked_on(TimePoint now, const Path& path, bool news) {
  Candidate* best = best_candidate();
  Candidate* asked = find(path);
  if (best == nullptr || asked == nullptr) return;
  if (asked == best) return take_turns(now, *best);
  if (news) return turned_to(now, *asked);
  if (best->unanswered > 0 || now < next_asked_) return;
  const Duration lately = in_a_hurry(now) ? patience(best->quality) : kAskedPause;
  if (now - best->quality.last_heard < lately) return;
  next_asked_ = now + kAskedPause;
  surprised_until_ = now + kAskedPause;
  be_quick(now, kDoubt);
  ask(now, *best);
}

// Its question kept the path alive for both, so the next one is ours, and not before it is due.
// Unless it repeats itself: then our answers do not get there.
void PathBook::take_turns(TimePoint now, Candidate& best) {
  const bool again = last_asked_ && now - *last_asked_ < kOurTurn;
  last_asked_ = now;
  const bool rests = best.next_probe && best.unanswered == 0 && best.quality.rtt > Duration{};
  if (again || !rests || in_use(now)) return;
  best.quality.last_heard = now;
  best.next_probe = now + best.keep_alive - kOurTurn;
}

// Its frames come from there now: perhaps it moved, perhaps only our way to it is another one.
void PathBook::turned_to(TimePoint now, Candidate& candidate) {
  if (spoken_on_ && spoken_on_->same_remote(candidate.path)) return;
  spoken_on_ = candidate.path;
  candidate.quality.turned_here = now;
  Candidate* best = best_candidate();
  if (best == nullptr || best == &candidate) return;
  be_quick(now, kDoubt);
  ask(now, *best);
}

void PathBook::be_quick(TimePoint now, Duration span) {
  const bool already = in_a_hurry(now);
  doubted_until_ = std::max(doubted_until_, now + span);
  if (already) return;
  for (Candidate& candidate : candidates_)
    if (candidate.unanswered > 0 && candidate.next_probe)
      candidate.next_probe = std::min(*candidate.next_probe, std::max(now, candidate.overdue_at));
}

// Now, unless the answer to the last question may still come.
void PathBook::ask(TimePoint now, Candidate& candidate) {
  if (candidate.unanswered > 0 && now < candidate.overdue_at) return;
  candidate.next_probe = now;
}

void PathBook::ask_warm(TimePoint now) {
  for (Candidate& candidate : candidates_)
    if (is_warm(candidate) && now - candidate.quality.last_heard >= patience(candidate.quality))
      ask(now, candidate);
}

void PathBook::doubt(TimePoint now) {
  doubted_until_ = now + kDoubt;
  probe_all(now);
}

void PathBook::addresses_are(TimePoint now, std::span<const IpAddress> own) {
  for (Candidate& candidate : candidates_) {
    IpAddress& local = candidate.path.local;
    if (!local || std::find(own.begin(), own.end(), local) != own.end()) continue;
    local = {};
    candidate.address_gone = candidate.confirmed;
    candidate.quality.suspicious = candidate.confirmed;
  }
  doubt(now);
  choose(now);
}

void PathBook::probe_all(TimePoint now) {
  for (Candidate& candidate : candidates_) {
    candidate.next_probe = now;
    candidate.pause = kFirstPause;
  }
}

void PathBook::forget_all(TimePoint now) {
  candidates_.clear();
  const auto before = std::exchange(best_, std::nullopt);
  note_change(now, before, PathCause::goodbye);
  spoken_on_.reset();
  silence_ = {};
}

std::vector<Path> PathBook::due(TimePoint now) {
  std::vector<Path> out;
  const unsigned lost_after = in_a_hurry(now) ? kLostAfterHurry : kLostAfter;
  for (Candidate& candidate : candidates_) {
    if (!candidate.confirmed || !candidate.next_probe || now < *candidate.next_probe) continue;
    count_overdue(now, candidate);
    if (candidate.unanswered >= lost_after) lose(now, candidate);
  }
  choose(now);
  listen(now);
  for (const Candidate& candidate : candidates_) {
    if (!candidate.next_probe || now < *candidate.next_probe) continue;
    Path path = candidate.path;
    path.local = {};
    out.push_back(path);
  }
  return out;
}

// What silenced one path may have silenced all: ask them together, not one after the other.
void PathBook::count_overdue(TimePoint now, Candidate& candidate) {
  if (candidate.quality.overdue == candidate.unanswered || now < candidate.overdue_at) return;
  const bool were_few = candidate.quality.overdue < few(now);
  const bool was_suspicious = candidate.quality.suspicious;
  candidate.quality.overdue = candidate.unanswered;
  candidate.quality.suspicious =
      candidate.address_gone ||
      candidate.unanswered >= (surprised(now) ? kSuspiciousSurprise : kSuspicious);
  if (!best_ || !candidate.path.same_remote(*best_) || !in_a_hurry(now)) return;
  if (were_few && candidate.unanswered >= few(now)) ask_warm(now);
  if (was_suspicious || !candidate.quality.suspicious) return;
  for (Candidate& other : candidates_) {
    if (other.confirmed) continue;
    other.next_probe = now;
    other.pause = kFirstPause;
  }
}

void PathBook::listen(TimePoint now) {
  Candidate* best = best_candidate();
  if (best == nullptr || best->unanswered > 0) return;
  const auto due = silence_.due(best->quality.rtt);
  if (!due || now < *due) return;
  silence_.asked(now, best->quality.rtt);
  best->next_probe = now;
  if (surprised(now)) ask_warm(now);
}

void PathBook::sent(TimePoint now, const Path& path, std::uint64_t number) {
  Candidate* candidate = find(path);
  if (candidate == nullptr) return;
  note_fate(*candidate, candidate->next_slot, true);
  candidate->outstanding[candidate->next_slot] = {number, now};
  if (candidate->confirmed) candidate->undecided |= bit_of(candidate->next_slot);
  candidate->figures.sent();
  candidate->next_slot = (candidate->next_slot + 1) % candidate->outstanding.size();
  if (candidate->confirmed) {
    ++candidate->unanswered;
    candidate->overdue_at = now + patience(candidate->quality);
    candidate->next_probe = now + pause_after_probe(now, *candidate);
    return;
  }
  const bool expected = candidate->expected_until && now < *candidate->expected_until;
  const bool burst_over = candidate->open_first && !expected && candidate->pause >= kLastOfBurst;
  candidate->next_probe = now + candidate->pause;
  candidate->pause = std::min<Duration>(
      candidate->pause * 2,
      !expected ? kLongestPause : (in_a_hurry(now) ? Duration(kHurryPause) : kExpectPause));
  if (burst_over) rest(now, *candidate);
}

// After two quick ones with pauses that double: a path that is only slow must not be lost.
Duration PathBook::pause_after_probe(TimePoint now, const Candidate& candidate) const {
  const Duration least = patience(candidate.quality);
  if (!in_a_hurry(now)) return std::max<Duration>(kRetry, least);
  const unsigned doublings = std::clamp(candidate.unanswered, 2U, 6U) - 2;
  return std::max(least, std::min<Duration>(least * (1 << doublings), kRetry));
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

void PathBook::postponed(TimePoint now, const Path& path, bool urgent) {
  Candidate* candidate = find(path);
  if (candidate == nullptr) return;
  candidate->next_probe = now + (urgent ? kPostponedUrgent : kPostponed);
}

bool PathBook::answered(TimePoint now, const Path& path, std::uint64_t number) {
  Candidate* candidate = find(path);
  if (candidate == nullptr) return false;
  for (std::size_t slot = 0; slot < candidate->outstanding.size(); ++slot) {
    Outstanding& probe = candidate->outstanding[slot];
    if (probe.number != number || number == 0) continue;
    // The machine reads its clock once for many datagrams; zero would mean that it is not known.
    const Duration sample = std::max<Duration>(now - probe.sent, std::chrono::microseconds(1));
    note_fate(*candidate, slot, sample > ProbeFigures::kTooLate);
    candidate->figures.answered(sample);
    probe = {};
    candidate->path.local = path.local;
    const bool first = !candidate->confirmed || candidate->quality.rtt == Duration{};
    candidate->quality.rtt = first ? sample : (candidate->quality.rtt * 7 + sample) / 8;
    if (candidate->confirmed && candidate->unanswered <= 1) lengthen(*candidate);
    mark_alive(now, *candidate);
    if (candidate == best_candidate()) silence_.answered();
    choose(now);
    return true;
  }
  return false;
}

void PathBook::mark_alive(TimePoint now, Candidate& candidate) {
  candidate.confirmed = true;
  candidate.evidence = Evidence::seen;
  candidate.quality.last_heard = now;
  candidate.quality.overdue = 0;
  candidate.quality.suspicious = false;
  candidate.unanswered = 0;
  candidate.address_gone = false;
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

void PathBook::heard(TimePoint now, const Path& path, bool inner) {
  Candidate* candidate = find(path);
  if (candidate == nullptr) return;
  Candidate* best = best_candidate();
  if (inner) used(now);
  if (best != nullptr) silence_.heard(now, best->quality.rtt, candidate == best, inner);
  turned_to(now, *candidate);
  // Whoever relays the peer's frames must not seem alive by that: first our own question has to be
  // answered there.
  if (candidate->confirmed && candidate->quality.rtt > Duration{}) mark_alive(now, *candidate);
}

// The edge is in use (again): spare paths are kept alive as often as the best one.
void PathBook::keep_warm(TimePoint now) {
  for (Candidate& candidate : candidates_) {
    if (!candidate.next_probe || !is_warm(candidate)) continue;
    const TimePoint due = candidate.quality.last_heard + candidate.keep_alive;
    candidate.next_probe =
        std::min<TimePoint>(*candidate.next_probe, std::max<TimePoint>(now, due));
  }
}

void PathBook::used(TimePoint now) {
  if (!in_use(now)) keep_warm(now);
  be_quick(now, {});
}

void PathBook::data_sent(TimePoint now) {
  used(now);
  silence_.data_sent(now);
}

void PathBook::lengthen(Candidate& candidate) {
  candidate.keep_alive = std::min<Duration>(candidate.keep_alive * 3 / 2, candidate.longest);
  if (candidate.keep_alive < candidate.longest || candidate.longest == kKeepAliveMax) return;
  if (++candidate.answers_at_longest < kAnswersToRelax) return;
  candidate.answers_at_longest = 0;
  candidate.longest = std::min<Duration>(candidate.longest * 3 / 2, kKeepAliveMax);
}

// Kept alive rarely: not the best, and not needed.
bool PathBook::is_spare(TimePoint now, const Candidate& candidate) const {
  return best_ && !candidate.path.same_remote(*best_) && (!in_use(now) || !is_warm(candidate));
}

// One of the kWarm best spares: rather those that do not share the fate of the best path, then the
// fast ones.
bool PathBook::is_warm(const Candidate& candidate) const {
  if (!best_ || !candidate.confirmed || candidate.path.same_remote(*best_)) return false;
  const auto rank = [&](const Candidate& c) {
    return std::tuple(c.path.remote.ip.family() == best_->remote.ip.family(),
                      c.path.local == best_->local, c.quality.rtt, &c);
  };
  const auto before = [&](const Candidate& other) {
    return other.confirmed && !other.path.same_remote(*best_) && rank(other) < rank(candidate);
  };
  return static_cast<std::size_t>(std::count_if(candidates_.begin(), candidates_.end(), before)) <
         kWarm;
}

void PathBook::lose(TimePoint now, Candidate& candidate) {
  candidate.confirmed = false;
  candidate.expected_until = now + kExpect;
  candidate.unanswered = candidate.quality.overdue = 0;
  candidate.quality.suspicious = candidate.address_gone = false;
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
  const bool gone = current != nullptr && current->address_gone;
  auto cause = best_ ? PathCause::unanswered : PathCause::first;
  // Rather to one without a question that should have been answered: what silenced the present one
  // may have silenced others.
  for (const bool any : {false, true})
    for (Candidate& candidate : candidates_) {
      if (!candidate.confirmed || &candidate == current) continue;
      if (!any && candidate.quality.overdue > 0) continue;
      const auto why = current == nullptr ? std::optional(cause)
                                          : why_better(candidate.quality, current->quality);
      if (!why) continue;
      // What left the first choice counts, not how its followers compare with each other.
      if (current == before) cause = *why;
      current = &candidate;
    }
  if (cause == PathCause::unanswered && gone) cause = PathCause::address_gone;
  const auto old =
      std::exchange(best_, current == nullptr ? std::nullopt : std::optional<Path>(current->path));
  note_change(now, old, cause);
  if (current == before) return;
  silence_.moved();
  if (current == nullptr || !current->next_probe) return;
  // As a spare it may not have been heard for long.
  const bool fresh = now - current->quality.last_heard <= kRetry;
  current->next_probe = std::min<TimePoint>(*current->next_probe,
                                            now + (fresh ? current->keep_alive : Duration(kPace)));
}

PathBook::Evidence PathBook::evidence(const Path& path) const {
  const Candidate* candidate = find(path);
  return candidate == nullptr ? Evidence::told : candidate->evidence;
}

bool PathBook::confirmed(const Path& path) const {
  const Candidate* candidate = find(path);
  return candidate != nullptr && candidate->confirmed;
}

bool PathBook::doubtful() const {
  const Candidate* best = best_ ? find(*best_) : nullptr;
  return best != nullptr && best->quality.suspicious;
}

bool PathBook::uneasy(TimePoint now) const {
  const Candidate* best = best_ ? find(*best_) : nullptr;
  return best != nullptr && in_a_hurry(now) && best->quality.overdue >= few(now);
}

std::optional<TimePoint> PathBook::next_deadline() const {
  std::optional<TimePoint> out;
  for (const Candidate& candidate : candidates_)
    out = earliest({out, candidate.next_probe, candidate.next_opening});
  const Candidate* best = best_ ? find(*best_) : nullptr;
  if (best == nullptr || best->unanswered > 0) return out;
  return earliest({out, silence_.due(best->quality.rtt)});
}

}  // namespace meshnode::discovery
