#include "overlay/edge_choice.h"

#include <algorithm>
#include <bit>
#include <map>
#include <tuple>

namespace meshnode::overlay {
namespace {

struct Ranked {
  NodeId id;
  Known::State state = Known::State::untried;
  bool before = false;
  std::uint32_t lot = 0;

  bool connected() const { return state == Known::State::connected; }
  bool failing() const { return state == Known::State::failing; }
  // Who holds a place keeps it: an attacker's many ids wait until one becomes free.
  auto for_bucket() const {
    return std::tuple(failing(), !(before && connected()), !connected(), lot);
  }
  // That somebody made an edge to us is no merit here.
  auto for_chance() const { return std::tuple(failing(), !before, lot); }
};

// The first `count`; who is gone never.
template <typename Rank>
void take_best(std::vector<Ranked> from, std::size_t count, Rank rank, std::set<NodeId>& chosen) {
  std::erase_if(from, [](const Ranked& r) { return r.state == Known::State::gone; });
  count = std::min(count, from.size());
  std::partial_sort(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(count), from.end(),
                    [&](const Ranked& a, const Ranked& b) { return (a.*rank)() < (b.*rank)(); });
  for (std::size_t i = 0; i < count; ++i) chosen.insert(from[i].id);
}

// Those that can be reached, as far as we know, before all others.
std::vector<Ranked> nearest(const NodeId& self, std::vector<Ranked> all) {
  std::erase_if(all, [](const Ranked& r) { return r.state >= Known::State::failing; });
  const auto count = static_cast<std::ptrdiff_t>(std::min(kNearest, all.size()));
  std::partial_sort(all.begin(), all.begin() + count, all.end(),
                    [&](const Ranked& a, const Ranked& b) {
                      return distance(self, a.id) < distance(self, b.id);
                    });
  all.resize(static_cast<std::size_t>(count));
  return all;
}

}  // namespace

NodeId distance(const NodeId& a, const NodeId& b) {
  NodeId out;
  for (std::size_t i = 0; i < out.bytes.size(); ++i) out.bytes[i] = a.bytes[i] ^ b.bytes[i];
  return out;
}

unsigned common_bits(const NodeId& a, const NodeId& b) {
  unsigned bits = 0;
  for (std::size_t i = 0; i < a.bytes.size(); ++i, bits += 8) {
    const auto difference = static_cast<std::uint8_t>(a.bytes[i] ^ b.bytes[i]);
    if (difference != 0) return bits + static_cast<unsigned>(std::countl_zero(difference));
  }
  return bits;
}

std::set<NodeId> choose_edges(const NodeId& self, std::span<const Known> known,
                              const std::set<NodeId>& before, Random& random) {
  std::vector<Ranked> all;
  std::map<unsigned, std::vector<Ranked>> buckets;
  all.reserve(known.size());
  for (const Known& member : known) {
    all.push_back({member.id, member.state, before.contains(member.id), random.u32()});
    buckets[common_bits(self, member.id)].push_back(all.back());
  }
  std::set<NodeId> chosen;
  for (auto& [bits, members] : buckets)
    take_best(std::move(members), kPerBucket, &Ranked::for_bucket, chosen);
  for (const Ranked& member : nearest(self, all)) chosen.insert(member.id);
  std::erase_if(all, [&](const Ranked& r) { return chosen.contains(r.id); });
  take_best(std::move(all), kRandom, &Ranked::for_chance, chosen);
  return chosen;
}

}  // namespace meshnode::overlay
