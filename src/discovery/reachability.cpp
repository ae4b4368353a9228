#include "discovery/reachability.h"

#include <algorithm>

#include "wire/dht_ping.h"

namespace meshnode::discovery {

Reachability::Reachability(Block<20> id, std::uint32_t network, Random& random)
    : id_(id), network_(network), random_(random) {}

void Reachability::heard(TimePoint now, const Endpoint& node) {
  auto found = nodes_.find(node);
  if (found == nodes_.end()) {
    if (nodes_.size() >= kMaxNodes) return;
    found = nodes_.emplace(node, Node{.heard = now, .due = now, .asked = std::nullopt}).first;
  }
  found->second.heard = now;
}

std::vector<Reachability::Ping> Reachability::turn(TimePoint now) {
  std::erase_if(nodes_, [&](const auto& each) { return now - each.second.heard >= kLife; });
  std::vector<Ping> out;
  for (auto& [endpoint, node] : nodes_) {
    if (now < node.due || out.size() == kPerTurn) continue;
    node.asked = random_.u32();
    node.due = now + kAgain;
    out.push_back({endpoint, wire::dht_ping(id_, *node.asked, network_)});
  }
  return out;
}

bool Reachability::answered(TimePoint now, const Endpoint& from, ByteView datagram) {
  const auto found = nodes_.find(from);
  if (found == nodes_.end() || !found->second.asked) return false;
  Node& node = found->second;
  const bool in_time = node.due - kAgain + kPatience >= now;
  if (!in_time || !wire::answers_ping(datagram, *node.asked, network_)) return false;
  node.asked.reset();
  return true;
}

}  // namespace meshnode::discovery
