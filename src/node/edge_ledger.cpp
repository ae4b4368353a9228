#include "node/edge_ledger.h"

#include <set>
#include <utility>

namespace meshnode::node {
namespace {

using Traffic = EdgeLedger::Traffic;

Traffic traffic_of(const control::PeerStatus& peer) {
  return {peer.tx_bytes, peer.rx_bytes, peer.tx_packets, peer.rx_packets};
}

// What is new; a counter that fell began anew.
std::uint64_t grown(std::uint64_t now, std::uint64_t before) {
  return now >= before ? now - before : now;
}

Traffic grown(const Traffic& now, const Traffic& before) {
  return {grown(now.tx_bytes, before.tx_bytes), grown(now.rx_bytes, before.rx_bytes),
          grown(now.tx_packets, before.tx_packets), grown(now.rx_packets, before.rx_packets)};
}

void add(Traffic& to, const Traffic& more) {
  to.tx_bytes += more.tx_bytes;
  to.rx_bytes += more.rx_bytes;
  to.tx_packets += more.tx_packets;
  to.rx_packets += more.rx_packets;
}

bool tells_more(const control::PeerStatus& one, const control::PeerStatus& other) {
  const bool connected = one.state == control::PeerState::connected;
  if (connected != (other.state == control::PeerState::connected)) return connected;
  return one.tx_bytes + one.rx_bytes > other.tx_bytes + other.rx_bytes;
}

}  // namespace

std::vector<control::PeerStatus> one_of_each(std::vector<control::PeerStatus> peers) {
  std::vector<control::PeerStatus> out;
  std::map<NodeId, std::size_t> places;
  for (control::PeerStatus& peer : peers) {
    const auto [place, first] = places.emplace(peer.id, out.size());
    if (first)
      out.push_back(std::move(peer));
    else if (tells_more(peer, out[place->second]))
      out[place->second] = std::move(peer);
  }
  return out;
}

void EdgeLedger::look(const std::vector<control::PeerStatus>& peers) {
  forget_the_gone(peers);
  hand_out_labels(peers);
  for (const control::PeerStatus& peer : peers) {
    Known& known = known_[peer.id];
    const Traffic now = traffic_of(peer);
    const Traffic more = grown(now, known.last);
    known.last = now;
    add(all_, more);
    if (!known.labelled) add(rest_, more);
  }
}

bool EdgeLedger::labelled(const NodeId& id) const {
  const auto found = known_.find(id);
  return found != known_.end() && found->second.labelled;
}

void EdgeLedger::forget_the_gone(const std::vector<control::PeerStatus>& peers) {
  std::set<NodeId> present;
  for (const control::PeerStatus& peer : peers) present.insert(peer.id);
  std::erase_if(known_, [&](const auto& each) { return !present.contains(each.first); });
  labels_ = 0;
  for (const auto& [id, known] : known_) labels_ += known.labelled ? 1 : 0;
}

void EdgeLedger::hand_out_labels(const std::vector<control::PeerStatus>& peers) {
  std::vector<Known*> may_yield;  // without a connection
  std::vector<Known*> waiting;    // with one, and no label
  std::vector<Known*> idle;       // neither
  for (const control::PeerStatus& peer : peers) {
    Known& known = known_[peer.id];
    const bool connected = peer.state == control::PeerState::connected;
    if (known.labelled && !connected) may_yield.push_back(&known);
    if (!known.labelled) (connected ? waiting : idle).push_back(&known);
  }
  for (Known* known : waiting) {
    if (labels_ == kLabelled) {
      if (may_yield.empty()) return;
      may_yield.back()->labelled = false;
      may_yield.pop_back();
      --labels_;
    }
    known->labelled = true;
    ++labels_;
  }
  for (Known* known : idle) {
    if (labels_ == kLabelled) return;
    known->labelled = true;
    ++labels_;
  }
}

}  // namespace meshnode::node
