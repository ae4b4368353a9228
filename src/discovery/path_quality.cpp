#include "discovery/path_quality.h"

namespace meshnode::discovery {

bool better(const PathQuality& candidate, const PathQuality& current) {
  // A path that answers beats one that has stopped to. One lost probe is not yet a sign.
  constexpr unsigned kSuspicious = 2;
  const bool candidate_suspicious = candidate.unanswered >= kSuspicious;
  const bool current_suspicious = current.unanswered >= kSuspicious;
  if (candidate_suspicious != current_suspicious) return current_suspicious;

  // Roaming: the peer speaks on the candidate, and the old path has been silent for a while since.
  constexpr Duration kSilence = seconds(1);
  if (candidate.last_heard - current.last_heard > kSilence && current.unanswered > 0) return true;
  if (current.last_heard - candidate.last_heard > kSilence && candidate.unanswered > 0)
    return false;

  // The local network is faster and cheaper than any way around, whatever a single RTT says.
  if (candidate.kind != current.kind) return candidate.kind == PathKind::lan;

  // Clearly faster, by a share and by an amount that a user could notice.
  constexpr Duration kNoticeable = milliseconds(2);
  return candidate.rtt * 10 < current.rtt * 7 && current.rtt - candidate.rtt > kNoticeable;
}

}  // namespace meshnode::discovery
