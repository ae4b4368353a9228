#include "sim/nat.h"

namespace meshnode::sim {

Nat::Nat(const NatRules& rules, const IpAddress& outside, std::uint64_t seed)
    : rules_(rules), outside_(outside), state_(seed) {}

Endpoint Nat::part(const Endpoint& remote, Depends depends) {
  switch (depends) {
    case Depends::nothing:
      return {};
    case Depends::address:
      return {remote.ip, 0};
    case Depends::address_and_port:
      break;
  }
  return remote;
}

bool Nat::is_free(std::uint16_t port) const {
  return port >= kFirstPort && !by_port_.contains(port) && !resting_.contains(port);
}

std::uint16_t Nat::choose_port(const Endpoint& inside) {
  if (rules_.ports == Ports::preserved && is_free(inside.port)) return inside.port;
  for (;;) {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    const auto drawn = static_cast<std::uint16_t>(state_ >> 48);
    const std::uint16_t port = rules_.ports == Ports::random ? drawn : next_port_++;
    if (is_free(port)) return port;
  }
}

void Nat::sweep(TimePoint now) {
  if (now < next_sweep_) return;
  next_sweep_ = now + rules_.timeout;
  std::erase_if(resting_, [&](const auto& each) { return now >= each.second; });
  std::erase_if(mappings_, [&](const auto& each) {
    if (alive(now, each.second.used)) return false;
    by_port_.erase(each.second.port);
    return true;
  });
}

Endpoint Nat::out(TimePoint now, const Endpoint& inside, const Endpoint& remote) {
  sweep(now);
  const Key key{inside, part(remote, rules_.mapping)};
  auto found = mappings_.find(key);
  if (found != mappings_.end() && !alive(now, found->second.used)) {
    by_port_.erase(found->second.port);
    mappings_.erase(found);
    found = mappings_.end();
  }
  if (found == mappings_.end()) {
    const std::uint16_t port = choose_port(inside);
    found = mappings_.emplace(key, Mapping{.port = port, .used = now, .spoken_to = {}}).first;
    by_port_[port] = key;
  }
  found->second.used = now;
  if (rules_.filtering != Depends::nothing)
    found->second.spoken_to[part(remote, rules_.filtering)] = now;
  return {outside_, found->second.port};
}

std::optional<Endpoint> Nat::in(TimePoint now, const Endpoint& remote, std::uint16_t port) const {
  if (remote.ip == outside_ && !rules_.hairpin) return std::nullopt;
  const auto key = by_port_.find(port);
  if (key == by_port_.end()) return std::nullopt;
  const Mapping& mapping = mappings_.at(key->second);
  if (!alive(now, mapping.used)) return std::nullopt;
  if (rules_.filtering != Depends::nothing) {
    const auto spoken = mapping.spoken_to.find(part(remote, rules_.filtering));
    if (spoken == mapping.spoken_to.end() || !alive(now, spoken->second)) return std::nullopt;
  }
  return key->second.first;
}

std::optional<Endpoint> Nat::insider(std::uint16_t port) const {
  const auto key = by_port_.find(port);
  if (key == by_port_.end()) return std::nullopt;
  return key->second.first;
}

void Nat::forget(TimePoint now) {
  for (const auto& [port, key] : by_port_) resting_[port] = now + rules_.timeout;
  by_port_.clear();
  mappings_.clear();
}

}  // namespace meshnode::sim
