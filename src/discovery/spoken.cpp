#include "discovery/spoken.h"

namespace meshnode::discovery {

void Spoken::sent(TimePoint now, const Endpoint& to) {
  const auto found = last_.find(to);
  if (found != last_.end()) {
    found->second = now;
    return;
  }
  // Looked through at most once a second, however many strangers there are.
  if (last_.size() >= kMaxEndpoints && now >= next_sweep_) {
    next_sweep_ = now + seconds(1);
    std::erase_if(last_, [&](const auto& each) { return now - each.second >= kForgotten; });
  }
  if (last_.size() >= kMaxEndpoints)
    crowded_until_ = now + kForgotten;
  else
    last_.emplace(to, now);
}

bool Spoken::to(TimePoint now, const Endpoint& endpoint) const {
  if (now < crowded_until_) return true;
  const auto found = last_.find(endpoint);
  return found != last_.end() && now - found->second < kForgotten;
}

}  // namespace meshnode::discovery
