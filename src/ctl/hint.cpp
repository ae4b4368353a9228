#include "ctl/hint.h"

#include <algorithm>
#include <cstdint>

#include "control/printable.h"

namespace meshnode::ctl {
namespace {

using control::PeerState;
using control::PeerStatus;
using control::printable;

constexpr std::uint64_t kAloneAfter_s = 15;

std::optional<std::string> all_bootstraps_down(const control::DiscoveryStatus& discovery) {
  if (discovery.bootstraps.empty()) return std::nullopt;
  for (const auto& bootstrap : discovery.bootstraps)
    if (bootstrap.up) return std::nullopt;
  return "no bootstrap answers (" + printable(discovery.bootstraps.front().address) +
         "): is the internet there, and UDP let through?";
}

std::optional<std::string> alone(const control::Snapshot& snapshot) {
  if (!snapshot.peers.empty() || snapshot.node.uptime_s < kAloneAfter_s) return std::nullopt;
  return "nobody else in this network yet: same fingerprint " + printable(snapshot.node.network) +
         " there?";
}

std::optional<std::string> unreachable(const std::vector<PeerStatus>& peers) {
  const auto lost = [](const PeerStatus& peer) { return peer.state == PeerState::unreachable; };
  const auto first = std::find_if(peers.begin(), peers.end(), lost);
  if (first == peers.end()) return std::nullopt;
  const auto others = std::count_if(first + 1, peers.end(), lost);
  std::string out = printable(first->name.value_or(first->id.short_string())) + ": " +
                    printable(first->reason_text.value_or("unreachable, for no reason known"));
  if (others > 0) out += " (and " + std::to_string(others) + " more)";
  return out;
}

}  // namespace

std::optional<std::string> hint(const control::Snapshot& snapshot) {
  if (auto text = all_bootstraps_down(snapshot.discovery)) return text;
  if (auto text = alone(snapshot)) return text;
  return unreachable(snapshot.peers);
}

}  // namespace meshnode::ctl
