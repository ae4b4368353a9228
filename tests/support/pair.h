// Two nodes on a virtual LAN, and what most tests want of them.
#pragma once

#include <gtest/gtest.h>

#include "support/virtual_lan.h"

namespace meshnode::test {

struct PairTest : ::testing::Test {
  explicit PairTest(std::uint64_t seed) : lan(seed) {}

  VirtualLan lan;
  VirtualNode& alpha = lan.add("alpha");
  VirtualNode& beta = lan.add("beta");

  bool connected() const {
    return alpha.state_of(beta) == overlay::PeerState::connected &&
           beta.state_of(alpha) == overlay::PeerState::connected;
  }
  void connect() {
    alpha.start();
    beta.start();
    ASSERT_TRUE(lan.run_until([&] { return connected(); }, seconds(5)));
  }
  // One ping and its answer, both ways.
  void expect_pings() {
    const auto a = alpha.answered_pings;
    const auto b = beta.answered_pings;
    alpha.ping(beta);
    beta.ping(alpha);
    EXPECT_TRUE(lan.run_until([&] { return alpha.answered_pings > a && beta.answered_pings > b; },
                              seconds(4)));
  }
};

}  // namespace meshnode::test
