#include "discovery/bootstraps.h"

#include <algorithm>
#include <utility>

namespace meshnode::discovery {

Bootstraps::Bootstraps(std::vector<HostPort> names, Random& random, Doors doors)
    : random_(random), doors_(std::move(doors)) {
  for (HostPort& name : names) names_.push_back({std::move(name)});
}

// 100 to 125 %.
Duration Bootstraps::jittered(Duration about) {
  return about + Duration(static_cast<Duration::rep>(
                     random_.below(static_cast<std::uint64_t>(about.count() / 4) + 1)));
}

void Bootstraps::start(TimePoint now, const std::vector<Endpoint>& remembered) {
  for (Name& name : names_) name.due = now;
  for (const Endpoint& node : remembered) nodes_[node].due = now;
  look(now);
}

void Bootstraps::resolved(TimePoint now, const HostPort& name, const std::vector<Endpoint>& found) {
  const auto at = std::find_if(names_.begin(), names_.end(),
                               [&name](const Name& each) { return each.name == name; });
  if (at == names_.end()) return;
  at->asked = false;
  at->due = now + (found.empty() ? jittered(at->retry) : kResolveAgain);
  at->retry = found.empty() ? std::min(at->retry * 2, kRetryMost) : kRetryFirst;
  if (!found.empty()) {
    // Addresses that no name stands for any more are let go.
    const std::vector<Endpoint> old = std::exchange(found_[name], found);
    for (const Endpoint& node : old) {
      const bool kept = std::any_of(found_.begin(), found_.end(), [&node](const auto& each) {
        return std::find(each.second.begin(), each.second.end(), node) != each.second.end();
      });
      if (kept) continue;
      nodes_.erase(node);
      if (doors_.gone) doors_.gone(node);
    }
    for (const Endpoint& node : found) {
      auto [entry, fresh] = nodes_.try_emplace(node);
      if (fresh || !entry->second.named) entry->second.due = now;
      entry->second.named = true;
    }
  }
  look(now);
}

void Bootstraps::pinged(TimePoint now, const Endpoint& node, bool answered) {
  const auto at = nodes_.find(node);
  if (at == nodes_.end()) return;
  Node& entry = at->second;
  entry.asked = false;
  if (!entry.named && !answered) {
    nodes_.erase(at);  // a memory that does not hold any more
    return;
  }
  const bool returned = answered && !entry.up && entry.named;
  entry.up = answered;
  if (answered) {
    entry.retry = kRetryFirst;
    const auto span = static_cast<std::uint64_t>((kPingMost - kPingLeast).count());
    entry.due = now + kPingLeast + Duration(static_cast<Duration::rep>(random_.below(span)));
  } else {
    entry.due = now + jittered(entry.retry);
    entry.retry = std::min(entry.retry * 2, kRetryMost);
  }
  if (returned && doors_.returned) doors_.returned(node);
}

std::vector<Bootstraps::NameStatus> Bootstraps::names() const {
  std::vector<NameStatus> out;
  for (const Name& name : names_) {
    NameStatus status{.name = name.name, .nodes = {}};
    if (const auto found = found_.find(name.name); found != found_.end())
      status.nodes = found->second;
    for (const Endpoint& node : status.nodes) {
      const auto entry = nodes_.find(node);
      status.up = status.up || (entry != nodes_.end() && entry->second.up);
    }
    out.push_back(std::move(status));
  }
  return out;
}

std::optional<TimePoint> Bootstraps::next_deadline() const {
  std::optional<TimePoint> out;
  const auto consider = [&out](bool asked, TimePoint due) {
    if (!asked && (!out || due < *out)) out = due;
  };
  for (const Name& name : names_) consider(name.asked, name.due);
  for (const auto& [endpoint, node] : nodes_) consider(node.asked, node.due);
  return out;
}

void Bootstraps::timeout(TimePoint now) {
  look(now);
}

void Bootstraps::look(TimePoint now) {
  std::vector<HostPort> ask;
  for (Name& name : names_)
    if (!name.asked && name.due <= now) {
      name.asked = true;
      ask.push_back(name.name);
    }
  std::vector<std::pair<Endpoint, bool>> ping;
  for (auto& [endpoint, node] : nodes_)
    if (!node.asked && node.due <= now) {
      node.asked = true;
      ping.emplace_back(endpoint, node.named);
    }
  for (const HostPort& name : ask) doors_.resolve(name);
  for (const auto& [endpoint, named] : ping) doors_.ping(endpoint, named);
}

}  // namespace meshnode::discovery
