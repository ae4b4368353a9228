#include "discovery/path_quality.h"

namespace meshnode::discovery {

namespace {

// The peer turned to this path, and since then the other one was asked in vain. (An answer to a
// probe of ours says nothing: it comes back the way we chose.)
bool moved_to(const PathQuality& here, const PathQuality& from) {
  return from.overdue > 0 && here.turned_here > from.last_heard;
}

}  // namespace

bool better(const PathQuality& candidate, const PathQuality& current) {
  // A path that answers beats one that has stopped to.
  if (candidate.suspicious != current.suspicious) return current.suspicious;

  // Roaming.
  if (moved_to(candidate, current)) return true;
  if (moved_to(current, candidate)) return false;

  // Nobody leaves a path that answers better.
  if (candidate.overdue > current.overdue) return false;

  // The local network is faster and cheaper than any way around, whatever a single RTT says.
  if (candidate.kind != current.kind) return candidate.kind == PathKind::lan;

  // Clearly faster, by a share and by an amount that a user could notice.
  constexpr Duration kNoticeable = milliseconds(2);
  return candidate.rtt * 10 < current.rtt * 7 && current.rtt - candidate.rtt > kNoticeable;
}

}  // namespace meshnode::discovery
