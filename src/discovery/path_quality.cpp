#include "discovery/path_quality.h"

namespace meshnode::discovery {

namespace {

// The peer turned to this path, and since then the other one was asked in vain. (An answer to a
// probe of ours says nothing: it comes back the way we chose.)
bool moved_to(const PathQuality& here, const PathQuality& from) {
  return from.overdue > 0 && here.turned_here > from.last_heard;
}

}  // namespace

std::optional<PathCause> why_better(const PathQuality& candidate, const PathQuality& current) {
  const auto if_so = [](bool so, PathCause cause) {
    return so ? std::optional(cause) : std::nullopt;
  };

  // A path that answers beats one that has stopped to.
  if (candidate.suspicious != current.suspicious)
    return if_so(current.suspicious, PathCause::unanswered);

  // Roaming.
  if (moved_to(candidate, current)) return PathCause::peer_turned;
  if (moved_to(current, candidate)) return std::nullopt;

  // Nobody leaves a path that answers better.
  if (candidate.overdue > current.overdue) return std::nullopt;

  // The local network is faster and cheaper than any way around, whatever a single RTT says.
  if (candidate.kind != current.kind) return if_so(candidate.kind == PathKind::lan, PathCause::lan);

  // Clearly faster, by a share and by an amount that a user could notice.
  constexpr Duration kNoticeable = milliseconds(2);
  return if_so(candidate.rtt * 10 < current.rtt * 7 && current.rtt - candidate.rtt > kNoticeable,
               PathCause::faster);
}

}  // namespace meshnode::discovery
