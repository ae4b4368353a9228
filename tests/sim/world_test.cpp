#include "sim/world.h"

#include <gtest/gtest.h>

namespace meshnode::sim {
namespace {

using overlay::PeerState;

Host& add_public(World& world) {
  HostOptions options;
  options.identity = world.size();
  options.network = world.default_network();
  Host& host = world.add_host(options);
  Card card;
  card.broadcast = false;
  card.addresses = {{kInternet, Cidr{world.fresh_public_address(), 32}}};
  host.add_card(card);
  return host;
}

std::size_t edges(const World& world) {
  std::size_t sum = 0;
  for (std::size_t i = 0; i < world.size(); ++i)
    for (const auto& peer : world.host(i).snapshot().peers)
      if (peer.state == PeerState::connected) ++sum;
  return sum / 2;
}

TEST(SimWorld, TenOpenNodesMakeAllEdges) {
  for (const bool cheap : {true, false}) {
    World world({.seed = 1, .cheap = cheap});
    for (int i = 0; i < 10; ++i) add_public(world);
    for (std::size_t i = 0; i < world.size(); ++i) world.host(i).start();
    EXPECT_TRUE(world.run_until([&] { return edges(world) == 45; }, seconds(10)))
        << edges(world) << "\n"
        << world.trace.diagram({}, 100);
    const auto id = world.host(0).send_packet(world.host(1));
    world.run_for(seconds(1));
    EXPECT_TRUE(world.packets.delivered(id));
    for (const auto& violation : world.violations())
      ADD_FAILURE() << violation.what << violation.diagram;
  }
}

}  // namespace
}  // namespace meshnode::sim
