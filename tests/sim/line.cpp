#include "sim/line.h"

#include <algorithm>

namespace meshnode::sim {
namespace {

bool happens(unsigned per_mille, Random& random) {
  return per_mille > 0 && random.below(1000) < per_mille;
}

Duration up_to(Duration longest, Random& random) {
  if (longest.count() <= 0) return {};
  return Duration(
      static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(longest.count()))));
}

}  // namespace

Duration Line::queueing(TimePoint now, std::size_t size, bool& lost) {
  if (rules_.bytes_per_second == 0) return {};
  const TimePoint begins = std::max(now, free_at_);
  if (begins - now > rules_.longest_queue) {
    lost = true;
    return {};
  }
  const auto nanoseconds = (size + kHeaders) * 1'000'000'000U / rules_.bytes_per_second;
  free_at_ = begins + Duration(static_cast<std::int64_t>(nanoseconds));
  return free_at_ - now;
}

Line::Passage Line::pass(TimePoint now, std::size_t size, Random& random) {
  Passage out;
  if (size + kHeaders > rules_.mtu || happens(rules_.loss_per_mille, random)) {
    out.lost = true;
    return out;
  }
  out.delay = rules_.latency + up_to(rules_.jitter, random) + queueing(now, size, out.lost);
  if (happens(rules_.reorder_per_mille, random)) out.delay += up_to(kHeldBack, random);
  out.twice = happens(rules_.duplicate_per_mille, random);
  return out;
}

}  // namespace meshnode::sim
