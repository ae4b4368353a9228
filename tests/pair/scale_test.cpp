// Meshes of more members than a node keeps edges with, in virtual time.
#include <set>

#include "directory_fixture.h"

namespace meshnode::test {
namespace {

using overlay::PeerState;

struct ScaleTest : DirectoryTest {
  static constexpr std::size_t kMembers = 80;
  static constexpr std::size_t kEager = 12;

  ScaleTest() : DirectoryTest(77) {}

  void add_members(std::size_t count, std::size_t eager = kEager) {
    for (std::size_t i = 0; i < count; ++i) {
      NodeOptions one = options("n" + std::to_string(i), static_cast<std::uint8_t>(i + 1));
      one.eager_members = eager;
      lan.add(one);
    }
  }
  VirtualNode& node(std::size_t i) { return *lan.nodes()[i]; }
  // One after the other, as in real life; then quiet.
  void start_all() {
    for (auto& each : lan.nodes()) {
      each->start();
      lan.run_for(milliseconds(200));
    }
    ASSERT_TRUE(lan.run_until([&] { return all_known(); }, minutes(15)));
  }
  std::size_t known_to(const VirtualNode& each) const {
    return const_cast<VirtualNode&>(each).core().engine().snapshot(lan.time).known;
  }
  bool all_known() const {
    for (const auto& each : lan.nodes())
      if (known_to(*each) + 1 < lan.nodes().size()) return false;
    return true;
  }
  std::size_t peers_of(VirtualNode& each) {
    return each.core().engine().snapshot(lan.time).peers.size();
  }
  // A pair without an edge, if there is one.
  std::pair<VirtualNode*, VirtualNode*> strangers() {
    for (auto& a : lan.nodes())
      for (auto& b : lan.nodes())
        if (a != b && !a->peer(*b) && !b->peer(*a)) return {a.get(), b.get()};
    return {};
  }
};

TEST_F(ScaleTest, EverybodyIsKnownAndEdgesAreMadeOnDemand) {
  add_members(kMembers);
  start_all();
  lan.run_for(minutes(30));  // edges that nobody needs go
  std::size_t sum = 0;
  for (auto& each : lan.nodes()) sum += peers_of(*each);
  EXPECT_LT(sum / kMembers, kMembers * 3 / 4);

  lan.dht.up = false;
  const auto pair = strangers();  // (a structured binding may not be captured)
  VirtualNode* const a = pair.first;
  VirtualNode* const b = pair.second;
  ASSERT_NE(a, nullptr);
  EXPECT_TRUE(ping(*a, *b)) << "b has no keys for a: a has to be introduced";
  EXPECT_TRUE(ping(*b, *a));
  lan.run_for(minutes(5));
  EXPECT_TRUE(a->peer(*b)) << "it was of use just now";
  lan.run_for(minutes(30));
  EXPECT_FALSE(a->peer(*b)) << "of no use for long";
  EXPECT_FALSE(b->peer(*a));

  const auto before = a->delivered.size();
  const Bytes packet = echo_request(a->overlay_address(), b->overlay_address(), 1);
  b->kill();
  a->send_inner(packet);
  ASSERT_TRUE(lan.run_until([&] { return a->delivered.size() > before; }, seconds(10)));
  EXPECT_FALSE(is_echo(a->delivered.back(), false)) << "an ICMP message: unreachable";
}

// Pauses have grown to minutes by then; who pings does not wait for them.
TEST_F(ScaleTest, AfterALongTimeApartThePacketMakesTheEdge) {
  add_members(3);
  start_all();
  ASSERT_TRUE(lan.run_until([&] { return all_connected(); }, seconds(30)));
  const auto concerns = [](const Datagram& d, const VirtualNode& node) {
    return d.from == node.endpoint() || d.to == node.endpoint();
  };
  lan.filter = [&](const Datagram& d) { return !concerns(d, node(0)) || !concerns(d, node(1)); };
  lan.run_for(minutes(50));
  ASSERT_FALSE(connected(node(0), node(1)));
  lan.filter = nullptr;
  const auto before = node(0).answered_pings;
  const TimePoint began = lan.time;
  while (node(0).answered_pings == before && lan.time - began < seconds(20)) {
    node(0).ping(node(1));
    lan.run_for(seconds(1));
  }
  EXPECT_LE(lan.time - began, seconds(6));
}

// A member that lies fills the places of those that have not proven their key.
TEST_F(ScaleTest, APacketFindsAPlaceForItsMemberWhereAllAreTaken) {
  add_members(30, 4);
  start_all();
  lan.run_for(minutes(30));
  const auto pair = strangers();
  ASSERT_NE(pair.first, nullptr);
  VirtualNode& a = *pair.first;
  SeededRandom random(5);
  const auto lan_key = overlay::NetworkKeys::derive(network()).lan;
  const auto table_full = [&] { return a.core().drops()[Drop::table_full]; };
  for (int i = 0; i < 5000 && table_full() == 0; ++i) {
    discovery::LanBeacon liar({.lan_key = lan_key,
                               .static_key = random.block<32>(),
                               .node = {random.block<32>()},
                               .boot = random.block<8>(),
                               .port = 6666},
                              random);
    liar.set_interfaces(lan.time, pair.second->interfaces());
    for (auto& beacon : liar.handle_timeout(a.now(), [] { return std::uint64_t{1}; }))
      lan.inject({{beacon.source, 3732}, {{}, 3732}, beacon.datagram});
    lan.run_for(milliseconds(20));
  }
  ASSERT_GT(table_full(), 0U);
  ASSERT_FALSE(a.peer(*pair.second));
  EXPECT_TRUE(ping(a, *pair.second));
}

TEST_F(ScaleTest, FullMeshHasAllEdges) {
  for (std::size_t i = 0; i < 24; ++i) {
    NodeOptions one = options("n" + std::to_string(i), static_cast<std::uint8_t>(i + 1));
    one.eager_members = 4;
    one.full_mesh = true;
    lan.add(one);
  }
  for (auto& each : lan.nodes()) each->start();
  EXPECT_TRUE(lan.run_until([&] { return all_connected(); }, seconds(30)));
}

}  // namespace
}  // namespace meshnode::test
