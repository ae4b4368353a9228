#include <gtest/gtest.h>

#include "dht_child/refused_nodes.h"

namespace meshnode::dht_child {
namespace {

using dht::Sent;

constexpr TimePoint kNow = TimePoint{} + hours(1);
Endpoint node(std::uint16_t port) {
  return {IpAddress::v4({192, 0, 2, 1}), port};
}

TEST(RefusedNodes, AreRememberedForAWhileOrUntilHeard) {
  RefusedNodes nodes;
  nodes.refused(kNow, node(1), Sent::unreachable);
  EXPECT_EQ(nodes.look_up(kNow, node(1)), Sent::unreachable);
  EXPECT_FALSE(nodes.look_up(kNow, node(2)));
  EXPECT_FALSE(nodes.look_up(kNow + RefusedNodes::kLife, node(1)));
  nodes.forget(node(1));
  EXPECT_FALSE(nodes.look_up(kNow, node(1)));
}

TEST(RefusedNodes, AMissingFamilyCountsForAllOfIt) {
  RefusedNodes nodes;
  const Endpoint one = *Endpoint::parse("[2001:db8::1]:1");
  const Endpoint other = *Endpoint::parse("[2001:db8::2]:2");
  nodes.refused(kNow, one, Sent::no_family);
  EXPECT_EQ(nodes.look_up(kNow, other), Sent::no_family);
  EXPECT_FALSE(nodes.look_up(kNow, node(1)));
  nodes.forget(other);
  EXPECT_FALSE(nodes.look_up(kNow, one)) << "it is there after all";
}

TEST(RefusedNodes, AreBounded) {
  RefusedNodes nodes;
  for (std::uint16_t i = 1; i <= 5000; ++i) nodes.refused(kNow, node(i), Sent::unreachable);
  EXPECT_EQ(nodes.size(), RefusedNodes::kMost);
  EXPECT_FALSE(nodes.look_up(kNow, node(1)));
  EXPECT_EQ(nodes.look_up(kNow, node(5000)), Sent::unreachable);
}

}  // namespace
}  // namespace meshnode::dht_child
