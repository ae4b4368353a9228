// PathBook: what is told of it.
#include "discovery/path_book.h"

namespace meshnode::discovery {

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

std::optional<PathFigures> PathBook::best_figures(TimePoint now) const {
  const Candidate* best = best_ ? find(*best_) : nullptr;
  if (best == nullptr) return std::nullopt;
  ProbeFigures of = best->figures;
  for (std::size_t slot = 0; slot < best->outstanding.size(); ++slot)
    if ((best->undecided & bit_of(slot)) != 0 &&
        now - best->outstanding[slot].sent > ProbeFigures::kTooLate)
      of.decided(true);
  return PathFigures{.rtt_last = of.last(),
                     .rtt_least = of.least(),
                     .rtt_average = best->quality.rtt,
                     .rtt_jitter = of.jitter(),
                     .asked = of.decided(),
                     .lost = of.lost(),
                     .heard_ago = now - best->quality.last_heard,
                     .keep_alive = best->keep_alive};
}

std::vector<CandidateFigures> PathBook::candidates() const {
  std::vector<CandidateFigures> out;
  for (const Candidate& candidate : candidates_) {
    CandidateFigures entry{.path = candidate.path,
                           .kind = candidate.kind,
                           .suggested = candidate.suggested,
                           .probes = candidate.figures.probes(),
                           .answers = candidate.figures.answers()};
    if (candidate.confirmed)
      entry.state = best_ && candidate.path.same_remote(*best_) ? CandidateState::carries
                                                                : CandidateState::spare;
    if (candidate.confirmed && candidate.quality.rtt > Duration{})
      entry.rtt = candidate.quality.rtt;
    out.push_back(entry);
  }
  return out;
}

void PathBook::note_fate(Candidate& candidate, std::size_t slot, bool lost) {
  if ((candidate.undecided & bit_of(slot)) == 0) return;
  candidate.undecided &= static_cast<std::uint8_t>(~bit_of(slot));
  candidate.figures.decided(lost);
}

// Only where it leads elsewhere: another address of our own is the same path.
void PathBook::note_change(TimePoint now, const std::optional<Path>& before, PathCause cause) {
  const bool same = before && best_ ? before->same_remote(*best_) : !before && !best_;
  if (same) return;
  if (!history_) history_ = std::make_unique<PathHistory>();
  history_->add({now, best_, cause});
}

}  // namespace meshnode::discovery
