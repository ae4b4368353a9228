// Nodes that hear no beacons of each other: what they know, they have from the virtual DHT and from
// gossip.
#pragma once

#include <algorithm>

#include <gtest/gtest.h>

#include "discovery/directory_keys.h"
#include "discovery/signed_record.h"
#include "support/virtual_lan.h"

namespace meshnode::test {

struct DirectoryTest : ::testing::Test {
  explicit DirectoryTest(std::uint64_t seed) : lan(seed) { lose_beacons(); }

  static bool is_beacon(const Datagram& d) { return d.to.port == discovery::kLanPort; }
  static bool is_probe(const Datagram& d) { return !is_beacon(d) && d.bytes[0] == 0x43; }

  static overlay::NetworkSecret network(std::uint8_t seed = 0x51) { return network_of(seed, 0x52); }
  static discovery::DirectoryKeys keys(const overlay::NetworkSecret& of = network()) {
    const auto all = overlay::NetworkKeys::derive(of);
    return {.rendezvous = all.rendezvous, .record = all.record};
  }
  static NodeOptions options(const std::string& name, std::uint8_t identity) {
    NodeOptions out;
    out.name = name;
    out.identity_seed.fill(identity);
    out.network = network();
    out.directory = true;
    return out;
  }
  static VirtualNode& add_to(VirtualLan& lan, const std::string& name) {
    return lan.add(options(name, static_cast<std::uint8_t>(lan.nodes().size() + 1)));
  }
  VirtualNode& add(const std::string& name) { return add_to(lan, name); }

  void lose_beacons() {
    lan.filter = [](const Datagram& d) { return !is_beacon(d); };
  }
  static bool connected(const VirtualNode& a, const VirtualNode& b) {
    return a.state_of(b) == overlay::PeerState::connected &&
           b.state_of(a) == overlay::PeerState::connected;
  }
  bool all_connected() const {
    for (const auto& a : lan.nodes())
      for (const auto& b : lan.nodes())
        if (a != b && !connected(*a, *b)) return false;
    return true;
  }
  void connect_all() {
    for (auto& node : lan.nodes())
      if (!node->running()) node->start();
    ASSERT_TRUE(lan.run_until([&] { return all_connected(); }, seconds(10)));
    lan.run_for(seconds(5));  // what follows an edge is over
  }
  bool ping(VirtualNode& from, const VirtualNode& to, Duration limit = seconds(1)) {
    const auto before = from.answered_pings;
    from.ping(to);
    return lan.run_until([&] { return from.answered_pings > before; }, limit);
  }
  // `by` has asked there, so it has a record that names this endpoint.
  bool has_probed(const VirtualNode& by, const Endpoint& there) const {
    return std::any_of(lan.history.begin(), lan.history.end(), [&](const Datagram& d) {
      return is_probe(d) && d.to == there && by.has(d.from);
    });
  }

  discovery::DhtKey door() const {
    return discovery::door_key(keys(), discovery::door_epoch(keys(), lan.unix));
  }
  // What the DHT holds at the door and what of it is still alive, newest first.
  std::vector<discovery::RecordPtr> at_door() {
    std::vector<discovery::RecordPtr> out;
    for (const auto& [id, stored] : lan.dht.stored[door()]) {
      if (stored.until <= lan.time) continue;
      const auto bytes = discovery::open_sealed_record(keys(), door(), stored.value);
      if (!bytes) continue;
      const auto id_of_network = to_bytes(network().id());
      auto record = discovery::open_record(*bytes, id_of_network, crypto::real_suite());
      if (record) out.push_back(std::move(record));
    }
    std::sort(out.begin(), out.end(),
              [](const auto& a, const auto& b) { return a->record.sequence > b->record.sequence; });
    return out;
  }
  discovery::RecordPtr published(const VirtualNode& node) {
    for (const auto& record : at_door())
      if (record->id == node.id()) return record;
    return nullptr;
  }

  VirtualLan lan;
};

}  // namespace meshnode::test
