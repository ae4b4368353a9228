#include "sim/calm.h"

#include <set>

#include "discovery/record_book.h"
#include "overlay/roster.h"
#include "sim/town.h"

namespace meshnode::sim {
namespace {

using overlay::PeerState;

constexpr Duration kLookEvery = seconds(5);
// A path may get better once or twice.
constexpr unsigned kMostChanges = 3;

// A liar's own edges are its own affair.
bool counts(const Host& host) {
  return host.awake() && !host.lies();
}

}  // namespace

std::vector<HostPair> Calm::missing_edges(std::size_t most) const {
  std::map<NodeId, HostIndex> index_of;
  for (HostIndex i = 0; i < world_.size(); ++i)
    if (world_.host(i).awake()) index_of[world_.host(i).id()] = i;
  std::set<HostPair> edges;
  for (const auto& [id, i] : index_of)
    for (const auto& peer : world_.host(i).snapshot().peers) {
      const auto other = index_of.find(peer.id);
      if (other != index_of.end() &&
          (peer.state == PeerState::connected || peer.state == PeerState::idle))
        edges.emplace(i, other->second);
    }
  std::vector<HostPair> out;
  for (HostIndex a = 0; a < world_.size(); ++a)
    for (HostIndex b = a + 1; b < world_.size() && out.size() < most; ++b) {
      const Host& one = world_.host(a);
      const Host& other = world_.host(b);
      if (!counts(one) || !counts(other) || !(one.options().network == other.options().network))
        continue;
      if (edges.contains({a, b}) && edges.contains({b, a})) continue;
      if (Town::can_meet(world_, one, other)) out.emplace_back(a, b);
    }
  return out;
}

std::string Calm::why(HostIndex from, HostIndex to) const {
  const char* const kStates[] = {"connected", "connecting", "idle", "unreachable"};
  const std::string names = "n" + std::to_string(from) + " says of n" + std::to_string(to) + ": ";
  for (const auto& peer : world_.host(from).snapshot().peers)
    if (peer.id == world_.host(to).id())
      return names + kStates[static_cast<std::size_t>(peer.state)] + ", " +
             std::string(code(peer.reason)) + ", " +
             (peer.path ? peer.path->to_string() : "no path");
  return names + "no peer; it knows " + std::to_string(world_.host(from).snapshot().known) +
         " others; no room " + std::to_string(world_.host(from).core().drops()[Drop::table_full]) +
         " times";
}

std::size_t Calm::missing_records() const {
  std::size_t running = 0;
  for (HostIndex i = 0; i < world_.size(); ++i)
    if (world_.host(i).awake()) ++running;
  std::size_t missing = 0;
  for (HostIndex i = 0; i < world_.size(); ++i) {
    if (!world_.host(i).awake()) continue;
    const std::size_t known = world_.host(i).snapshot().known;
    missing += known + 1 < running ? running - 1 - known : 0;
  }
  return missing;
}

std::optional<HostPair> Calm::draw_pair() {
  for (int tries = 0; tries < 100; ++tries) {
    const auto a = static_cast<HostIndex>(world_.random.below(world_.size()));
    const auto b = static_cast<HostIndex>(world_.random.below(world_.size()));
    if (a == b || !counts(world_.host(a)) || !counts(world_.host(b))) continue;
    if (Town::can_meet(world_, world_.host(a), world_.host(b))) return HostPair{a, b};
  }
  return std::nullopt;
}

Calm::Exchange Calm::exchange(std::size_t pairs, Duration patience) {
  Exchange out;
  struct Sent {
    HostPair pair;
    std::vector<Packets::Id> ids;
  };
  std::vector<Sent> sent;
  for (std::size_t i = 0; i < pairs; ++i) {
    const auto pair = draw_pair();
    if (!pair) continue;
    sent.push_back({*pair, {}});
    sent.push_back({{pair->second, pair->first}, {}});
  }
  out.packets = sent.size();
  const auto arrived = [&](const Sent& each) {
    return std::any_of(each.ids.begin(), each.ids.end(),
                       [&](Packets::Id id) { return world_.packets.delivered(id); });
  };
  for (int attempt = 0; attempt < 3; ++attempt) {
    for (Sent& each : sent)
      if (!arrived(each))
        each.ids.push_back(world_.host(each.pair.first).send_packet(world_.host(each.pair.second)));
    const TimePoint began = world_.now();
    const auto all = [&] { return std::all_of(sent.begin(), sent.end(), arrived); };
    world_.run_until(all, patience, milliseconds(250));
    if (attempt > 0) continue;
    out.slowest = world_.now() - began;
    out.first_try = static_cast<std::size_t>(std::count_if(sent.begin(), sent.end(), arrived));
  }
  for (const Sent& each : sent) {
    if (arrived(each)) continue;
    ++out.failed;
    world_.complain("no packet gets from n" + std::to_string(each.pair.first) + " to n" +
                        std::to_string(each.pair.second) + "; " +
                        why(each.pair.first, each.pair.second) + "; " +
                        Town::describe(world_, world_.host(each.pair.first)),
                    {host_owner(each.pair.first), host_owner(each.pair.second)});
  }
  return out;
}

void Calm::watch_paths(Duration span) {
  struct Watched {
    Endpoint remote;
    unsigned changes = 0;
  };
  std::map<std::pair<HostIndex, NodeId>, Watched> watched;
  for (const TimePoint end = world_.now() + span; world_.now() < end;) {
    world_.run_for(kLookEvery);
    for (HostIndex i = 0; i < world_.size(); ++i)
      for (const auto& peer : world_.host(i).snapshot().peers) {
        if (!peer.path) continue;
        const auto [found, first] =
            watched.try_emplace({i, peer.id}, Watched{peer.path->remote, 0});
        if (first || found->second.remote == peer.path->remote) continue;
        found->second.remote = peer.path->remote;
        if (++found->second.changes == kMostChanges)
          world_.complain("n" + std::to_string(i) + "'s path to " + peer.name +
                              " goes to and fro: now " + peer.path->to_string(),
                          {host_owner(i)});
      }
  }
}

void Calm::check_bounds() {
  for (HostIndex i = 0; i < world_.size(); ++i) {
    if (!world_.host(i).running()) continue;
    const auto snapshot = world_.host(i).snapshot();
    if (snapshot.peers.size() > overlay::Roster::kMaxMembers)
      world_.complain("n" + std::to_string(i) + " has too many peers", {host_owner(i)});
    if (snapshot.known > discovery::RecordBook::kMaxRecords)
      world_.complain("n" + std::to_string(i) + " has too many records", {host_owner(i)});
  }
}

}  // namespace meshnode::sim
