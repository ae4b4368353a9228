// What travels over several edges, in virtual time.
#include <algorithm>

#include <gtest/gtest.h>

#include "support/virtual_lan.h"

namespace meshnode::test {
namespace {

struct GossipBetweenNodes : testing::Test {
  GossipBetweenNodes() {
    for (auto& each : lan.nodes()) each->start();
    connected = lan.run_until(
        [&] {
          for (auto& a : lan.nodes())
            for (auto& b : lan.nodes())
              if (a != b && a->state_of(*b) != overlay::PeerState::connected) return false;
          return true;
        },
        seconds(10));
    lan.run_for(seconds(3));
  }
  void cut(const VirtualNode& a, const VirtualNode& b) {
    lan.filter = [&a, &b](const Datagram& d) {
      return !(d.from == a.endpoint() && d.to == b.endpoint()) &&
             !(d.from == b.endpoint() && d.to == a.endpoint());
    };
  }
  static bool heard_goodbye(const VirtualNode& who, const VirtualNode& of) {
    return std::any_of(who.events.begin(), who.events.end(), [&](const overlay::Event& event) {
      const auto* lost = std::get_if<overlay::PeerLost>(&event);
      return lost != nullptr && lost->id == of.id() && lost->goodbye;
    });
  }

  VirtualLan lan{5};
  VirtualNode& alpha = lan.add("alpha");
  VirtualNode& beta = lan.add("beta");
  VirtualNode& gamma = lan.add("gamma");
  bool connected = false;
};

TEST_F(GossipBetweenNodes, AStopIsHeardOfThroughOthers) {
  ASSERT_TRUE(connected);
  cut(alpha, gamma);
  gamma.stop_cleanly();
  EXPECT_TRUE(lan.run_until([&] { return heard_goodbye(alpha, gamma); }, seconds(1)));
  EXPECT_EQ(alpha.state_of(gamma), overlay::PeerState::unreachable);
  lan.filter = nullptr;
  gamma.start();
  EXPECT_TRUE(lan.run_until([&] { return alpha.state_of(gamma) == overlay::PeerState::connected; },
                            seconds(2)))
      << "and it may come back";
}

}  // namespace
}  // namespace meshnode::test
