#include "discovery/bootstraps.h"

#include <algorithm>
#include <utility>

#include "base/earliest.h"

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

void Bootstraps::rename(TimePoint now, const std::vector<HostPort>& names) {
  std::vector<Name> next;
  for (const HostPort& name : names) {
    const auto known = std::find_if(names_.begin(), names_.end(),
                                    [&name](const Name& each) { return each.name == name; });
    next.push_back(known != names_.end() ? *known : Name{.name = name, .due = now});
  }
  const std::vector<Name> before = std::exchange(names_, std::move(next));
  for (const Name& each : before) {
    const auto found = found_.find(each.name);
    if (found == found_.end() || std::find(names.begin(), names.end(), each.name) != names.end())
      continue;
    const std::vector<Endpoint> nodes = std::move(found->second);
    found_.erase(found);
    let_go_unless_found(nodes);
  }
  choose(now);
  look(now);
}

// Addresses that no name stands for any more.
void Bootstraps::let_go_unless_found(const std::vector<Endpoint>& nodes) {
  for (const Endpoint& node : nodes) {
    const bool kept = std::any_of(found_.begin(), found_.end(), [&node](const auto& each) {
      return std::find(each.second.begin(), each.second.end(), node) != each.second.end();
    });
    if (!kept) let_go(node);
  }
}

void Bootstraps::resolved(TimePoint now, const HostPort& name, const std::vector<Endpoint>& found) {
  const auto at = std::find_if(names_.begin(), names_.end(),
                               [&name](const Name& each) { return each.name == name; });
  if (at == names_.end()) return;
  at->asked = false;
  at->due = now + (found.empty() ? jittered(at->retry) : kResolveAgain);
  at->retry = found.empty() ? std::min(at->retry * 2, kRetryMost) : kRetryFirst;
  if (!found.empty()) {
    let_go_unless_found(std::exchange(found_[name], found));
    for (const Endpoint& node : found) {
      auto [entry, fresh] = nodes_.try_emplace(node);
      if (fresh || !entry->second.named) entry->second.due = now;
      entry->second.named = true;
      entry->second.taken = false;
    }
  }
  choose(now);
  look(now);
}

void Bootstraps::pinged(TimePoint now, const Endpoint& node, bool answered) {
  const auto at = nodes_.find(node);
  if (at == nodes_.end()) return;
  Node& entry = at->second;
  entry.asked = false;
  if (!entry.named && !entry.taken && !answered) {
    nodes_.erase(at);  // a memory that does not hold any more
    return;
  }
  const bool returned = answered && !entry.up;
  entry.up = answered;
  entry.silences = answered ? 0 : entry.silences + 1;
  if (answered) {
    entry.retry = kRetryFirst;
    const auto span = static_cast<std::uint64_t>((kPingMost - kPingLeast).count());
    entry.due = now + kPingLeast + Duration(static_cast<Duration::rep>(random_.below(span)));
  } else {
    entry.due = now + jittered(entry.retry);
    entry.retry = std::min(entry.retry * 2, kRetryMost);
  }
  const auto& tell = entry.named ? doors_.returned : doors_.joined;
  const bool tells = returned && (entry.named || entry.taken) && tell;
  if (answered) rests_.erase(node.ip);
  if (entry.taken && entry.silences >= kMostSilences) rest(now, node.ip);
  choose(now);  // `entry` may be gone
  if (tells) tell(node);
  look(now);
}

// ---- offers ----

void Bootstraps::offer(TimePoint now, std::vector<ServerOffer> offers) {
  for (const ServerOffer& offer : offers) {
    const auto resting = rests_.find(offer.endpoint.ip);
    if (!offer.alive || resting == rests_.end() || resting->second.cut_short) continue;
    const bool was_alive = std::find(offers_.begin(), offers_.end(), offer) != offers_.end();
    if (was_alive) continue;
    resting->second.cut_short = true;
    resting->second.until.reset();
  }
  offers_ = std::move(offers);
  choose(now);
  look(now);
}

bool Bootstraps::named_up() const {
  return std::any_of(nodes_.begin(), nodes_.end(),
                     [](const auto& each) { return each.second.named && each.second.up; });
}

bool Bootstraps::resting(const IpAddress& ip) const {
  const auto found = rests_.find(ip);
  return found != rests_.end() && found->second.until;
}

void Bootstraps::let_go(const Endpoint& node) {
  nodes_.erase(node);
  if (doors_.gone) doors_.gone(node);
}

void Bootstraps::rest(TimePoint now, const IpAddress& ip) {
  if (!rests_.contains(ip) && rests_.size() >= kMaxRests)
    rests_.erase(std::min_element(rests_.begin(), rests_.end(), [](const auto& a, const auto& b) {
      return a.second.until < b.second.until;  // those that are over first
    }));
  Rest& rest = rests_[ip];
  rest.until = now + jittered(rest.next);
  rest.next = std::min(rest.next * 2, kRestMost);
}

// Which offers to take now.
void Bootstraps::choose(TimePoint now) {
  for (auto& [ip, rest] : rests_)
    if (rest.until && *rest.until <= now) {
      rest.until.reset();
      rest.cut_short = false;
    }
  const std::size_t most = named_up() ? kBesideNamed : kWithoutNamed;
  std::vector<Endpoint> wanted;
  for (const ServerOffer& offer : offers_) {
    const auto known = nodes_.find(offer.endpoint);
    const bool named = known != nodes_.end() && known->second.named;
    if (wanted.size() < most && !named && !resting(offer.endpoint.ip))
      wanted.push_back(offer.endpoint);
  }
  for (const Endpoint& node : taken())
    if (std::find(wanted.begin(), wanted.end(), node) == wanted.end()) let_go(node);
  for (const Endpoint& node : wanted) {
    auto [entry, fresh] = nodes_.try_emplace(node);
    if (fresh) entry->second.due = now;
    entry->second.taken = true;
  }
}

std::vector<Endpoint> Bootstraps::taken() const {
  std::vector<Endpoint> out;
  for (const auto& [endpoint, node] : nodes_)
    if (node.taken) out.push_back(endpoint);
  return out;
}

// ---- looking, and time ----

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
  for (const Name& name : names_) out = earliest({out, due_if(!name.asked, name.due)});
  for (const auto& [endpoint, node] : nodes_) out = earliest({out, due_if(!node.asked, node.due)});
  for (const auto& [ip, rest] : rests_) out = earliest({out, rest.until});
  return out;
}

void Bootstraps::timeout(TimePoint now) {
  choose(now);
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
