#include "dht_child/refused_nodes.h"

#include <algorithm>

namespace meshnode::dht_child {

void RefusedNodes::refused(TimePoint now, const Endpoint& node, dht::Sent why) {
  const std::lock_guard lock(mutex_);
  if (why == dht::Sent::no_family) {
    no_family_until_[node.ip.family()] = now + kLife;
    return;
  }
  const auto [place, fresh] = until_.insert_or_assign(node, now + kLife);
  if (!fresh) return;
  order_.push_back(node);
  if (order_.size() <= kMost) return;
  until_.erase(order_.front());
  order_.pop_front();
}

void RefusedNodes::forget(const Endpoint& node) {
  const std::lock_guard lock(mutex_);
  no_family_until_.erase(node.ip.family());
  if (until_.erase(node) > 0) order_.erase(std::find(order_.begin(), order_.end(), node));
}

std::optional<dht::Sent> RefusedNodes::look_up(TimePoint now, const Endpoint& node) const {
  const std::lock_guard lock(mutex_);
  const auto family = no_family_until_.find(node.ip.family());
  if (family != no_family_until_.end() && family->second > now) return dht::Sent::no_family;
  const auto found = until_.find(node);
  if (found != until_.end() && found->second > now) return dht::Sent::unreachable;
  return std::nullopt;
}

std::size_t RefusedNodes::size() const {
  const std::lock_guard lock(mutex_);
  return until_.size();
}

}  // namespace meshnode::dht_child
