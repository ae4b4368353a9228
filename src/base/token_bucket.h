// A rate limit on handed-in time.
#pragma once

#include <algorithm>

#include "base/clock.h"

namespace meshnode {

// `rate` tokens a second, at most `burst` saved up; starts full.
class TokenBucket {
 public:
  TokenBucket(double rate, double burst) : rate_(rate), burst_(burst), tokens_(burst) {}

  bool take(TimePoint now, double tokens = 1) {
    if (!has(now, tokens)) return false;
    tokens_ -= tokens;
    return true;
  }
  // Are there so many?
  bool has(TimePoint now, double tokens) {
    const double passed = std::chrono::duration<double>(now - last_).count();
    if (passed > 0) {
      tokens_ = std::min(burst_, tokens_ + passed * rate_);
      last_ = now;
    }
    return tokens_ >= tokens;
  }

 private:
  double rate_;
  double burst_;
  double tokens_;
  TimePoint last_{};
};

}  // namespace meshnode
