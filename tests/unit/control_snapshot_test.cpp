// control/snapshot_json: golden JSON, and back.
#include <gtest/gtest.h>

#include "control/protocol.h"
#include "control/snapshot_json.h"

namespace meshnode::control {
namespace {

NodeId id(std::uint8_t fill) {
  NodeId out;
  out.bytes.fill(fill);
  return out;
}

Snapshot full() {
  Snapshot out;
  out.node = {id(1),
              "alpha",
              {*IpAddress::parse("fd12:3456:789a::1"), *IpAddress::parse("10.77.0.1")},
              "mesh0",
              41234,
              3725,
              "7f3a-91c2",
              {*Endpoint::parse("203.0.113.7:41234")},
              812};
  out.discovery = {DiscoveryMode::dht,
                   DhtStatus{DhtState::connected, 12},
                   {{"hub:3731", true}, {"other:3731", false}}};
  out.data_plane.rungs = {{"udp_gso", true, ""}, {"udp_gro", false, "switched off"}};
  out.data_plane.threads = 2;
  PeerStatus beta;
  beta.id = id(2);
  beta.name = "beta";
  beta.addresses = {*IpAddress::parse("fd12:3456:789a::2")};
  beta.state = PeerState::connected;
  beta.path = PathStatus{PathKind::lan, *Endpoint::parse("192.168.1.5:41234"),
                         *Endpoint::parse("[2001:db8::9]:555"), 0.41234};
  beta.tx_bytes = 1;
  beta.rx_bytes = 18446744073709551615ULL;
  beta.tx_packets = 3;
  beta.rx_packets = 4;
  beta.handshake_age_s = 17;
  beta.edge = EdgeStatus{.observed = Endpoint::parse("203.0.113.7:41234"),
                         .rtt_last_ms = 0.5,
                         .rtt_min_ms = 0.25,
                         .rtt_avg_ms = 0.41234,
                         .rtt_jitter_ms = 0.0625,
                         .probes = 64,
                         .lost = 3,
                         .heard_s = 2,
                         .keep_alive_s = 110,
                         .datagram = 1452,
                         .mtu_settled = true,
                         .cipher = "AES-256-GCM",
                         .handshakes = 4,
                         .path_changes = 2};
  PeerStatus gamma;
  gamma.id = id(3);
  gamma.state = PeerState::unreachable;
  gamma.reason = "no-answer";
  gamma.reason_text = "no answer on any path";
  out.peers = {beta, gamma};
  out.names = {Endpoint::parse("[fd12:3456:789a::1]:53"), true, {"b.mesh is nobody's"}};
  out.drops.count(Drop::malformed, 2);
  out.drops.count(Drop::underlay_loop, 1);
  return out;
}

constexpr const char* kGolden = R"({
  "version": 1,
  "node": {
    "id": "aeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaq",
    "name": "alpha",
    "addresses": [
      "fd12:3456:789a::1",
      "10.77.0.1"
    ],
    "interface": "mesh0",
    "port": 41234,
    "uptime_s": 3725,
    "network": "7f3a-91c2",
    "reflexive": [
      "203.0.113.7:41234"
    ],
    "known_members": 812
  },
  "discovery": {
    "mode": "dht",
    "dht": {
      "state": "connected",
      "nodes": 12
    },
    "bootstraps": [
      {
        "address": "hub:3731",
        "state": "up"
      },
      {
        "address": "other:3731",
        "state": "down"
      }
    ]
  },
  "data_plane": {
    "udp_gso": {
      "active": true,
      "reason": null
    },
    "udp_gro": {
      "active": false,
      "reason": "switched off"
    },
    "threads": 2
  },
  "names": {
    "server": "[fd12:3456:789a::1]:53",
    "hosts": true,
    "conflicts": [
      "b.mesh is nobody's"
    ]
  },
  "peers": [
    {
      "id": "aibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaiba",
      "name": "beta",
      "addresses": [
        "fd12:3456:789a::2"
      ],
      "state": "connected",
      "path": {
        "kind": "lan",
        "local": "192.168.1.5:41234",
        "remote": "[2001:db8::9]:555",
        "rtt_ms": 0.412
      },
      "tx_bytes": 1,
      "rx_bytes": 18446744073709551615,
      "tx_packets": 3,
      "rx_packets": 4,
      "handshake_age_s": 17,
      "reason": null,
      "reason_text": null,
      "edge": {
        "observed": "203.0.113.7:41234",
        "rtt_last_ms": 0.5,
        "rtt_min_ms": 0.25,
        "rtt_avg_ms": 0.412,
        "rtt_jitter_ms": 0.063,
        "probes": 64,
        "lost": 3,
        "heard_s": 2,
        "keep_alive_s": 110,
        "datagram": 1452,
        "mtu_settled": true,
        "cipher": "AES-256-GCM",
        "handshakes": 4,
        "path_changes": 2
      }
    },
    {
      "id": "ambqgaydambqgaydambqgaydambqgaydambqgaydambqgaydambq",
      "name": null,
      "addresses": [],
      "state": "unreachable",
      "path": null,
      "tx_bytes": 0,
      "rx_bytes": 0,
      "tx_packets": 0,
      "rx_packets": 0,
      "handshake_age_s": null,
      "reason": "no-answer",
      "reason_text": "no answer on any path",
      "edge": null
    }
  ],
  "drops": {
    "malformed": 2,
    "underlay-loop": 1
  }
})";

TEST(SnapshotJson, IsGolden) {
  const std::string json = to_json(full());
  EXPECT_EQ(json.find('\n'), json.npos) << "one line: the protocol is a line protocol";
  EXPECT_EQ(pretty(json), kGolden);
}

TEST(SnapshotJson, LanOnlyHasNoDht) {
  EXPECT_NE(
      to_json(Snapshot{})
          .find(
              R"("discovery":{"mode":"lan-only","dht":null,"bootstraps":[]},"data_plane":{},"names":{"server":null,"hosts":false,"conflicts":[]},"peers":[],"drops":{})"),
      std::string::npos);
}

TEST(SnapshotJson, ComesBackAsItWas) {
  const auto back = from_json(to_json(full()));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(to_json(*back), to_json(full()));
  EXPECT_EQ(to_json(*from_json(to_json(Snapshot{}))), to_json(Snapshot{}));
}

TEST(SnapshotJson, AnOlderDaemonTellsNothingOfItsDataPlane) {
  std::string json = to_json(Snapshot{});
  const std::string part = R"("data_plane":{},)";
  json.erase(json.find(part), part.size());
  const auto back = from_json(json);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_TRUE(back->data_plane.rungs.empty());
  EXPECT_EQ(back->data_plane.threads, 0U);
}

TEST(SnapshotJson, AnOlderDaemonTellsNothingOfNames) {
  std::string text = to_json(Snapshot{});
  const std::string part = R"("names":{"server":null,"hosts":false,"conflicts":[]},)";
  const auto at = text.find(part);
  ASSERT_NE(at, text.npos);
  const auto back = from_json(text.erase(at, part.size()));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->names, NamesStatus{});
}

TEST(SnapshotJson, AnOlderDaemonTellsNothingOfEdges) {
  Snapshot snapshot = full();
  snapshot.peers[0].edge.reset();
  std::string json = to_json(snapshot);
  const std::string part = R"(,"edge":null)";
  for (auto at = json.find(part); at != json.npos; at = json.find(part))
    json.erase(at, part.size());
  const auto back = from_json(json);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_FALSE(back->peers[0].edge);
}

TEST(SnapshotJson, WhatANewerDaemonAddsIsSkipped) {
  std::string json = to_json(full());
  json.insert(1, R"("later":{"a":1},)");
  const auto drops = json.find("\"malformed\"");
  json.insert(drops, R"("new-reason":9,)");
  const auto back = from_json(json);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(to_json(*back), to_json(full()));
}

TEST(SnapshotJson, UntrustedNamesStayOneLineOfValidJson) {
  Snapshot snapshot = full();
  snapshot.peers[0].name = "a\n\xff\"\033";
  const std::string json = to_json(snapshot);
  EXPECT_EQ(json.find('\n'), json.npos);
  const auto back = from_json(json);
  ASSERT_TRUE(back);
  EXPECT_EQ(*back->peers[0].name, "a\n\xef\xbf\xbd\"\033");
}

TEST(SnapshotJson, NothingElseIsAStatus) {
  for (const char* text : {"", "7", "[]", "{}", "null", "{\"node\":{}}"})
    EXPECT_FALSE(from_json(text)) << text;
}

TEST(SnapshotJson, TruncatedOrChangedNeverCrashes) {
  const std::string json = to_json(full());
  for (std::size_t size = 0; size < json.size(); ++size)
    EXPECT_FALSE(from_json(json.substr(0, size)));
  for (std::size_t at = 0; at < json.size(); ++at) {
    std::string changed = json;
    changed[at] = static_cast<char>(changed[at] ^ 0x11);
    const auto back = from_json(changed);
    EXPECT_TRUE(!back || !to_json(*back).empty());
  }
}

}  // namespace
}  // namespace meshnode::control
