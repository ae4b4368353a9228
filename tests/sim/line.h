// A line: what a cable or a radio link does to the datagrams that pass it.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "base/random.h"

namespace meshnode::sim {

struct LineRules {
  Duration latency = milliseconds(5);
  Duration jitter{};  // drawn evenly from 0 to this
  unsigned loss_per_mille = 0;
  unsigned duplicate_per_mille = 0;
  // Held back by up to kHeldBack, so that later ones overtake it.
  unsigned reorder_per_mille = 0;
  std::uint64_t bytes_per_second = 0;  // 0: unlimited
  Duration longest_queue = milliseconds(200);
  std::size_t mtu = 1500;  // with IP and UDP headers
};

inline constexpr Duration kHeldBack = milliseconds(40);
inline constexpr std::size_t kHeaders = 28;  // IPv4 and UDP

class Line {
 public:
  Line() = default;
  explicit Line(const LineRules& rules) : rules_(rules) {}

  struct Passage {
    bool lost = false;
    bool twice = false;
    Duration delay{};
  };
  // `size`: of the UDP payload.
  Passage pass(TimePoint now, std::size_t size, Random& random);
  LineRules& rules() { return rules_; }

 private:
  Duration queueing(TimePoint now, std::size_t size, bool& lost);

  LineRules rules_;
  TimePoint free_at_{};
};

}  // namespace meshnode::sim
