// Control messages that wait for a session: an idle edge has a path and no keys.
#pragma once

#include <deque>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"

namespace meshnode::overlay {

// Bounded; when it is full the oldest goes. What waited too long is not said any more: whoever
// asked has asked again.
class Unsaid {
 public:
  static constexpr std::size_t kMax = 16;
  static constexpr Duration kPatience = seconds(5);

  void add(TimePoint now, Bytes text) {
    if (waiting_.size() == kMax) waiting_.pop_front();
    waiting_.push_back({now, std::move(text)});
  }
  std::vector<Bytes> take(TimePoint now) {
    std::vector<Bytes> out;
    for (auto& [since, text] : waiting_)
      if (now - since <= kPatience) out.push_back(std::move(text));
    waiting_.clear();
    return out;
  }

 private:
  std::deque<std::pair<TimePoint, Bytes>> waiting_;
};

}  // namespace meshnode::overlay
