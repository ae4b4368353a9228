// Which of two paths carries the data? One pure function, with a little stickiness so that equal
// paths do not flap.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "base/endpoint.h"

namespace meshnode::discovery {

enum class PathKind : std::uint8_t { lan, direct };

// Where a peer may be.
struct Target {
  PathKind kind = PathKind::direct;
  Path path;
  // We are behind a NAT that may be spoilt by what comes in before something went out
  // (docs/decisions/0010): it is opened before the peer is probed, see PathBook.
  bool open_first = false;
  // A private address that looks like one of our own link, of a peer that seems to be elsewhere.
  bool unlikely = false;
  auto operator<=>(const Target&) const = default;
};

struct PathQuality {
  PathKind kind = PathKind::direct;
  Duration rtt{};
  TimePoint last_heard{};  // last answer or authentic frame on it
  // When the peer began to send its frames here, after others elsewhere; or asked from here, from
  // where it was never heard before.
  TimePoint turned_here{};
  unsigned overdue = 0;     // probes since last_heard whose answers should have come
  bool suspicious = false;  // so many that it seems dead; or our own address of it is gone
};

// Why data moved to a path, or has none any more.
enum class PathCause : std::uint8_t {
  first,         // there was none before
  unanswered,    // the one before stopped to answer
  address_gone,  // our own address of the one before is gone
  peer_turned,   // the peer speaks from there now
  lan,           // it leads through the local network
  faster,
  goodbye,  // the peer stopped
};

// Whether data should move from `current` to `candidate`, and why. Both are confirmed.
std::optional<PathCause> why_better(const PathQuality& candidate, const PathQuality& current);
inline bool better(const PathQuality& candidate, const PathQuality& current) {
  return why_better(candidate, current).has_value();
}

}  // namespace meshnode::discovery
