// Two whole nodes whose packets are sealed as by another thread: it learns of each change later,
// and is heard later.
#include <set>

#include <gtest/gtest.h>

#include "overlay/peer.h"
#include "support/virtual_lan.h"
#include "wire/data_frame.h"

namespace meshnode::test {
namespace {

using overlay::PeerState;

struct LateSealing : ::testing::Test {
  VirtualLan lan{23};
  VirtualNode& alpha = add("alpha", 1);
  VirtualNode& beta = add("beta", 2);

  VirtualNode& add(const std::string& name, std::uint8_t seed) {
    NodeOptions options;
    options.name = name;
    options.identity_seed.fill(seed);
    options.network = default_network();
    options.late_sealing = milliseconds(5);
    return lan.add(std::move(options));
  }
  bool connected() const {
    return alpha.state_of(beta) == PeerState::connected &&
           beta.state_of(alpha) == PeerState::connected;
  }
  void connect() {
    alpha.start();
    beta.start();
    ASSERT_TRUE(lan.run_until([&] { return connected(); }, seconds(5)));
  }
};

// The engine has just made a session, the pump does not know yet: the packet comes back as one
// without session, and must not wait for a handshake that is over.
TEST_F(LateSealing, APacketThatMissedItsKeyByAMomentIsNotLost) {
  alpha.start();
  beta.start();
  int missed = 0;
  bool before = false;
  ASSERT_TRUE(lan.run_until(
      [&] {
        const bool has = alpha.state_of(beta) == PeerState::connected;
        if (has && !std::exchange(before, true)) {
          alpha.ping(beta);
          ++missed;
        }
        return before;
      },
      seconds(5)));
  EXPECT_TRUE(lan.run_until([&] { return alpha.answered_pings == 1; }, milliseconds(100)));
  EXPECT_EQ(alpha.core().drops()[Drop::no_session], 0U);
}

TEST_F(LateSealing, PacketsThatWaitedForTheirEdgeArriveInOrder) {
  alpha.start();
  lan.run_for(milliseconds(100));
  beta.start();
  ASSERT_TRUE(lan.run_until(
      [&] { return alpha.state_of(beta) != PeerState::unreachable && alpha.peer(beta); },
      seconds(5)));
  for (int i = 0; i < 10; ++i) alpha.ping(beta);
  ASSERT_TRUE(lan.run_until([&] { return alpha.answered_pings == 10; }, seconds(5)));
}

TEST_F(LateSealing, NoPacketIsLostAndNoCounterUsedTwiceAcrossRekeys) {
  connect();
  lan.run_for(milliseconds(500));
  lan.history.clear();
  constexpr int kPings = 3600;  // six minutes, ten a second: at every phase of a rekey
  const auto begin = alpha.answered_pings;
  for (int i = 0; i < kPings; ++i) {
    alpha.ping(beta);
    lan.run_for(milliseconds(100));
  }
  EXPECT_EQ(alpha.answered_pings - begin, static_cast<std::uint64_t>(kPings));
  std::set<std::pair<SessionIndex, std::uint64_t>> seen;
  std::set<SessionIndex> sessions;
  for (const Datagram& d : lan.history) {
    const auto header = d.to.ip ? wire::parse_frame_header(d.bytes) : std::nullopt;
    if (!header) continue;
    EXPECT_TRUE(seen.emplace(header->receiver, header->counter).second);
    sessions.insert(header->receiver);
  }
  EXPECT_GE(seen.size(), 2U * kPings);
  EXPECT_GE(sessions.size(), 6U) << "a key lives 120 s, each way has its index";
}

TEST_F(LateSealing, GoodbyesAreSaid) {
  connect();
  lan.run_for(milliseconds(500));
  beta.stop_cleanly();
  EXPECT_TRUE(lan.run_until([&] { return alpha.state_of(beta) != PeerState::connected; },
                            milliseconds(50)));
}

TEST_F(LateSealing, StatusCountsWhatWasSent) {
  connect();
  lan.run_for(milliseconds(500));
  const auto number = alpha.peer(beta)->number;
  const auto before = alpha.core().sent(number).packets;
  for (int i = 0; i < 5; ++i) alpha.ping(beta);
  lan.run_for(milliseconds(100));
  EXPECT_EQ(alpha.core().sent(number).packets, before + 5);
}

}  // namespace
}  // namespace meshnode::test
