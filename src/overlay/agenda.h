// Which peer has something to do next, so that nobody has to ask all of them.
#pragma once

#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"

namespace meshnode::overlay {

class Agenda {
 public:
  // Takes the place of what was noted for this peer; nothing: it waits for no time.
  void set(PeerNumber peer, std::optional<TimePoint> when) {
    const auto noted = when_.find(peer);
    if (noted != when_.end()) {
      if (when == noted->second) return;
      order_.erase({noted->second, peer});
      if (!when) when_.erase(noted);
    }
    if (!when) return;
    when_[peer] = *when;
    order_.emplace(*when, peer);
  }

  std::optional<TimePoint> first() const {
    if (order_.empty()) return std::nullopt;
    return order_.begin()->first;
  }

  // Those whose time has come; they stay noted until the next set().
  std::vector<PeerNumber> due(TimePoint now) const {
    std::vector<PeerNumber> out;
    for (auto it = order_.begin(); it != order_.end() && it->first <= now; ++it)
      out.push_back(it->second);
    return out;
  }

 private:
  std::set<std::pair<TimePoint, PeerNumber>> order_;
  std::unordered_map<PeerNumber, TimePoint> when_;
};

}  // namespace meshnode::overlay
