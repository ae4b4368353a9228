// The edge ledger, and what both programs tell Prometheus, against golden files. To write these
// anew after a change: MESHNODE_WRITE_GOLDEN=1 bin/unit_metrics_text.
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "hub/metrics_text.h"
#include "node/edge_ledger.h"
#include "node/metrics_text.h"

namespace meshnode {
namespace {

using control::PeerState;
using control::PeerStatus;
using node::EdgeLedger;

NodeId id_of(int number) {
  NodeId out;
  out.bytes[0] = static_cast<std::uint8_t>(number >> 8);
  out.bytes[1] = static_cast<std::uint8_t>(number);
  return out;
}

PeerStatus peer(int number, std::uint64_t bytes, PeerState state = PeerState::connected) {
  PeerStatus out;
  out.id = id_of(number);
  out.state = state;
  out.tx_bytes = bytes;
  out.rx_bytes = 2 * bytes;
  out.tx_packets = bytes / 10;
  out.rx_packets = bytes / 5;
  return out;
}

void compare(const std::string& text, const std::string& file) {
  const std::string path = std::string(MESHNODE_GOLDEN) + "/" + file;
  if (std::getenv("MESHNODE_WRITE_GOLDEN") != nullptr) std::ofstream(path) << text;
  std::stringstream wanted;
  wanted << std::ifstream(path).rdbuf();
  EXPECT_EQ(text, wanted.str()) << path;
}

// ---- the ledger

TEST(EdgeLedger, LabelsAreBoundedAndTheRestIsSummed) {
  EdgeLedger ledger;
  std::vector<PeerStatus> peers;
  for (int i = 0; i < 1000; ++i) peers.push_back(peer(i, 100));
  ledger.look(peers);
  std::size_t labelled = 0;
  for (const PeerStatus& each : peers)
    if (ledger.labelled(each.id)) ++labelled;
  EXPECT_EQ(labelled, EdgeLedger::kLabelled);
  EXPECT_EQ(ledger.rest_edges(), 1000 - EdgeLedger::kLabelled);
  EXPECT_EQ(ledger.all().tx_bytes, 100'000U);
  EXPECT_EQ(ledger.rest().tx_bytes, 100 * (1000 - EdgeLedger::kLabelled));
  EXPECT_EQ(ledger.rest().rx_packets, 20 * (1000 - EdgeLedger::kLabelled));
}

TEST(EdgeLedger, WhoClaimsAnothersIdIsNotCounted) {
  EdgeLedger ledger;
  const std::vector<PeerStatus> peers{peer(2, 70), peer(1, 100), peer(1, 0, PeerState::connecting)};
  std::vector<PeerStatus> other_order{peers[2], peers[0], peers[1]};
  for (int i = 0; i < 3; ++i) ledger.look(node::one_of_each(i == 1 ? other_order : peers));
  EXPECT_EQ(ledger.all().tx_bytes, 170U);
  EXPECT_EQ(node::one_of_each(other_order)[0].tx_bytes, 100U);
  EXPECT_EQ(node::one_of_each(other_order).size(), 2U);
}

TEST(EdgeLedger, WhoHasALabelKeepsIt) {
  EdgeLedger ledger;
  std::vector<PeerStatus> peers;
  for (int i = 500; i < 500 + static_cast<int>(EdgeLedger::kLabelled); ++i)
    peers.push_back(peer(i, 1));
  ledger.look(peers);
  peers.insert(peers.begin(), peer(1, 1));
  ledger.look(peers);
  EXPECT_FALSE(ledger.labelled(id_of(1)));
  peers[1].state = PeerState::unreachable;
  ledger.look(peers);
  EXPECT_TRUE(ledger.labelled(id_of(1))) << "one without a connection makes room";
  EXPECT_FALSE(ledger.labelled(id_of(500)));
  peers.erase(peers.begin() + 2);
  ledger.look(peers);
  EXPECT_TRUE(ledger.labelled(id_of(500))) << "a place that is free is given";
}

TEST(EdgeLedger, SumsNeverFall) {
  EdgeLedger ledger;
  ledger.look({peer(1, 1000), peer(2, 50)});
  ledger.look({peer(2, 60)});
  EXPECT_EQ(ledger.all().tx_bytes, 1060U) << "a peer that is forgotten stays in the sum";
  ledger.look({peer(1, 10), peer(2, 60)});
  EXPECT_EQ(ledger.all().tx_bytes, 1070U) << "it begins anew";
  ledger.look({peer(1, 5), peer(2, 60)});
  EXPECT_EQ(ledger.all().tx_bytes, 1075U) << "so does its counter";
  ledger.look({});
  EXPECT_EQ(ledger.all().tx_bytes, 1075U);
  EXPECT_EQ(ledger.rest_edges(), 0U);
}

// ---- the texts

PeerStatus full_peer() {
  PeerStatus out = peer(258, 123'456);
  out.name = "beta\"\\\n}";
  out.path = control::PathStatus{};
  out.path->kind = control::PathKind::lan;
  control::EdgeStatus edge;
  edge.rtt_last_ms = 1.5;
  edge.rtt_min_ms = 0.25;
  edge.rtt_avg_ms = 1;
  edge.rtt_jitter_ms = 0.125;
  edge.probes = 16;
  edge.lost = 4;
  edge.heard_s = 3;
  edge.keep_alive_s = 25;
  edge.datagram = 1472;
  edge.mtu_settled = true;
  edge.cipher = "AES-256-GCM";
  edge.handshakes = 7;
  edge.path_changes = 2;
  out.edge = edge;
  out.handshake_age_s = 61;
  return out;
}

control::Snapshot snapshot() {
  control::Snapshot out;
  out.node.interface = "mesh0";
  out.node.network = "7f3a-91c2";
  out.node.uptime_s = 3600;
  out.node.known_members = 2;
  out.discovery.mode = control::DiscoveryMode::dht;
  out.discovery.dht = control::DhtStatus{control::DhtState::connected, 42};
  out.discovery.bootstraps = {{"hub.example.org:3731", true}, {"[2001:db8::1]:3731", false}};
  out.data_plane.threads = 2;
  out.data_plane.rungs = {{"udp_gso", true, ""}, {"ipsec_mb", false, "the CPU has no VAES"}};
  out.drops.count(Drop::malformed, 3);
  out.drops.count(Drop::underlay_loop, 1);
  out.peers = {full_peer(), peer(259, 0, PeerState::unreachable)};
  return out;
}

TEST(MetricsText, OfTheNodeIsTheGoldenOne) {
  const control::Snapshot now = snapshot();
  EdgeLedger ledger;
  ledger.look(now.peers);
  compare(node::metrics_text(now, ledger, "1.2.3"), "meshnode.txt");
}

TEST(MetricsText, HasABoundHoweverManyPeersThereAre) {
  const auto size_with = [](int peers) {
    control::Snapshot now;
    for (int i = 0; i < peers; ++i) {
      PeerStatus each = full_peer();
      each.id = id_of(i);
      now.peers.push_back(each);
    }
    EdgeLedger ledger;
    ledger.look(now.peers);
    return node::metrics_text(now, ledger, "1.2.3").size();
  };
  EXPECT_LT(size_with(4000), size_with(EdgeLedger::kLabelled) + 200);
  EXPECT_LT(size_with(4000), 256U * 1024);
}

TEST(MetricsText, OfTheHubIsTheGoldenOne) {
  hub::HubFigures figures{.version = "1.2.3"};
  figures.uptime_s = 86400;
  figures.state = dht::State::connected;
  figures.picture.v4.good = 8;
  figures.picture.v6.good = 5;
  figures.picture.stored_values = 20'000;
  figures.picture.stored_bytes = 12'345'678;
  figures.counters.in = 1000;
  figures.counters.out = 900;
  figures.counters.refused = 3;
  figures.counters.lost_to_child = 1;
  figures.stun_answered = 77;
  figures.drops.count(Drop::rate_limited, 9);
  figures.bootstraps.push_back({{"hub.example.org", 3731}, true, {}});
  compare(hub::metrics_text(figures), "meshhub.txt");
}

}  // namespace
}  // namespace meshnode
