#include "discovery/servers.h"

#include <algorithm>
#include <set>

namespace meshnode::discovery {
namespace {

constexpr Duration kRecently = hours(24);

int group_of(const ServingMember& member) {
  if (member.alive) return 0;
  return member.silent < kRecently ? 1 : 2;
}

Block<32> distance(const NodeId& a, const NodeId& b) {
  Block<32> out{};
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<std::uint8_t>(a.bytes[i] ^ b.bytes[i]);
  return out;
}

// The lowest one of all, the nearest one of what is left, the next lowest, and so on.
std::vector<ServingMember> in_turn(std::vector<ServingMember> members, const NodeId& own) {
  const auto lower = [](const ServingMember& a, const ServingMember& b) { return a.id < b.id; };
  const auto nearer = [&](const ServingMember& a, const ServingMember& b) {
    return distance(a.id, own) < distance(b.id, own);
  };
  std::vector<ServingMember> out;
  for (auto left = members.begin(); left != members.end() && out.size() < kMaxServerOffers;
       ++left) {
    const auto best = out.size() % 2 == 0 ? std::min_element(left, members.end(), lower)
                                          : std::min_element(left, members.end(), nearer);
    std::iter_swap(left, best);
    out.push_back(std::move(*left));
  }
  return out;
}

}  // namespace

bool serves(const SignedRecord& record) {
  const auto& candidates = record.record.candidates;
  return std::any_of(candidates.begin(), candidates.end(), [](const wire::Candidate& candidate) {
    return (candidate.flags & wire::kServes) != 0;
  });
}

std::vector<Endpoint> serves_at(std::span<const wire::Candidate> candidates, const OwnView& own) {
  std::vector<Endpoint> out;
  std::vector<wire::Candidate> flagged;
  for (const wire::Candidate& candidate : candidates)
    if ((candidate.flags & wire::kServes) != 0 && is_public(candidate.endpoint.ip))
      flagged.push_back(candidate);
  if (flagged.empty()) return out;
  // In the order and with the exceptions that hold for probes.
  for (const Target& target : worth_probing(flagged, own)) {
    const Endpoint& endpoint = target.path.remote;
    if (std::none_of(out.begin(), out.end(), [&](const Endpoint& other) {
          return other.ip.family() == endpoint.ip.family();
        }))
      out.push_back(endpoint);
  }
  return out;
}

std::vector<ServerOffer> choose_servers(std::vector<ServingMember> members, const NodeId& own) {
  std::vector<ServerOffer> out;
  std::set<IpAddress> named;
  for (int group = 0; group <= 2; ++group) {
    std::vector<ServingMember> some;
    for (ServingMember& member : members)
      if (group_of(member) == group) some.push_back(member);
    for (const ServingMember& member : in_turn(std::move(some), own))
      for (const Endpoint& endpoint : member.at)
        if (out.size() < kMaxServerOffers && named.insert(endpoint.ip).second)
          out.push_back({endpoint, member.alive});
  }
  return out;
}

}  // namespace meshnode::discovery
