#include "discovery/path_quality.h"

namespace meshnode::discovery {

namespace {

// The peer speaks here, and the other path has been silent for a while since, although asked.
bool moved_to(const PathQuality& here, const PathQuality& from) {
  constexpr Duration kSilence = seconds(1);
  return from.unanswered > 0 && here.last_spoken - from.last_heard > kSilence;
}

}  // namespace

bool better(const PathQuality& candidate, const PathQuality& current) {
  // A path that answers beats one that has stopped to. One lost probe is not yet a sign.
  constexpr unsigned kSuspicious = 2;
  const bool candidate_suspicious = candidate.unanswered >= kSuspicious;
  const bool current_suspicious = current.unanswered >= kSuspicious;
  if (candidate_suspicious != current_suspicious) return current_suspicious;

  // Roaming. (An answer to a probe of ours says nothing: it comes back the way we chose.)
  if (moved_to(candidate, current)) return true;
  if (moved_to(current, candidate)) return false;

  // The local network is faster and cheaper than any way around, whatever a single RTT says.
  if (candidate.kind != current.kind) return candidate.kind == PathKind::lan;

  // Clearly faster, by a share and by an amount that a user could notice.
  constexpr Duration kNoticeable = milliseconds(2);
  return candidate.rtt * 10 < current.rtt * 7 && current.rtt - candidate.rtt > kNoticeable;
}

}  // namespace meshnode::discovery
