// Two whole nodes in virtual time: the life of keys.
#include <set>

#include <gtest/gtest.h>

#include "overlay/peer.h"
#include "support/pair.h"
#include "wire/data_frame.h"
#include "wire/handshake.h"

namespace meshnode::test {
namespace {

using overlay::PeerState;

struct Sessions : PairTest {
  Sessions() : PairTest(11) {}

  void SetUp() override {
    connect();
    lan.run_for(milliseconds(500));
  }
  std::size_t sent(wire::MessageType type) const {
    return static_cast<std::size_t>(
        std::count_if(lan.history.begin(), lan.history.end(), [&](const Datagram& d) {
          return d.to.ip && d.bytes[0] == static_cast<std::uint8_t>(type);
        }));
  }
};

TEST_F(Sessions, TrafficNeverStopsAcrossRekeys) {
  lan.history.clear();
  const auto begin_answers = alpha.answered_pings;
  constexpr int kPings = 3600;  // ten minutes, six a second
  for (int i = 0; i < kPings; ++i) {
    alpha.ping(beta);
    lan.run_for(milliseconds(1000) / 6);
  }
  EXPECT_EQ(alpha.answered_pings - begin_answers, static_cast<std::uint64_t>(kPings));
  const auto handshakes = sent(wire::MessageType::handshake_init);
  EXPECT_GE(handshakes, 4U) << "a key lives 120 s";
  EXPECT_LE(handshakes, 6U) << "and only its initiator renews it";
}

TEST_F(Sessions, NoCounterIsUsedTwiceUnderOneKey) {
  for (int i = 0; i < 2000; ++i) {
    alpha.ping(beta);
    lan.run_for(milliseconds(200));
  }
  std::set<std::pair<std::uint32_t, std::uint64_t>> seen;
  for (const Datagram& d : lan.history) {
    if (!d.to.ip) continue;
    const auto header = wire::parse_frame_header(d.bytes);
    if (!header) continue;
    EXPECT_TRUE(seen.emplace(header->receiver, header->counter).second);
  }
  EXPECT_GT(seen.size(), 4000U);
}

TEST_F(Sessions, NothingInsideIsSeenOutside) {
  alpha.ping(beta);
  lan.run_for(seconds(1));
  const Bytes payload(32, 0x61);  // what echo_request() carries
  for (const Datagram& d : lan.history) {
    const auto hit = std::search(d.bytes.begin(), d.bytes.end(), payload.begin(), payload.end());
    EXPECT_EQ(hit, d.bytes.end());
    for (const VirtualNode* node : {&alpha, &beta}) {
      const auto id = std::search(d.bytes.begin(), d.bytes.end(), node->id().bytes.begin(),
                                  node->id().bytes.end());
      EXPECT_EQ(id, d.bytes.end()) << "node ids travel sealed";
    }
  }
}

TEST_F(Sessions, KeysDieUnusedAfterThreeMinutes) {
  ASSERT_EQ(alpha.state_of(beta), PeerState::connected);
  lan.run_for(overlay::kKeyDeath + seconds(2));
  EXPECT_EQ(alpha.state_of(beta), PeerState::idle);
  EXPECT_FALSE(alpha.peer(beta)->handshake_age);
}

TEST_F(Sessions, DeadKeysAreDeadEvenIfTheMachineSlept) {
  alpha.ping(beta);
  lan.run_for(seconds(1));
  Datagram last;
  for (const Datagram& d : lan.history)
    if (d.to == beta.endpoint() && d.bytes[0] == 0x44) last = d;
  // The clock counts on while the machine sleeps: nothing runs, then an hour has passed.
  lan.time += hours(1);
  lan.run_for(milliseconds(10));
  const auto delivered = beta.delivered.size();
  lan.inject(last);
  lan.run_for(milliseconds(10));
  EXPECT_EQ(beta.delivered.size(), delivered);
  EXPECT_GE(beta.core().drops()[Drop::unknown_session], 1U);
}

TEST_F(Sessions, ReplayedDataIsDeliveredOnce) {
  alpha.ping(beta);
  lan.run_for(seconds(1));
  const auto history = lan.history;
  const auto delivered = beta.delivered.size() + alpha.delivered.size();
  for (const Datagram& d : history)
    if (d.to.ip && d.bytes[0] == 0x44) lan.inject(d);
  lan.run_for(seconds(1));
  EXPECT_EQ(beta.delivered.size() + alpha.delivered.size(), delivered);
  EXPECT_GT(beta.core().drops()[Drop::replayed], 0U);
}

TEST_F(Sessions, RekeySurvivesLoss) {
  lan.loss_percent = 20;
  std::uint64_t sent_pings = 0;
  const auto before = alpha.answered_pings;
  for (int i = 0; i < 1500; ++i, ++sent_pings) {
    alpha.ping(beta);
    lan.run_for(milliseconds(400));
  }
  const auto answered = alpha.answered_pings - before;
  // Two chances to be lost, 0.8² = 64 %; losing a session would show as a hole.
  EXPECT_GT(answered, sent_pings * 55 / 100);
  lan.loss_percent = 0;
  lan.run_for(seconds(1));
  const auto last = alpha.answered_pings;
  alpha.ping(beta);
  EXPECT_TRUE(lan.run_until([&] { return alpha.answered_pings == last + 1; }, seconds(1)));
}

TEST_F(Sessions, OneWayTrafficRekeysToo) {
  // Only the responder of the first session sends; the initiator only receives.
  lan.history.clear();
  for (int i = 0; i < 400; ++i) {
    beta.send_inner(echo_request(beta.overlay_address(), alpha.overlay_address(), 1));
    lan.run_for(seconds(1));
  }
  EXPECT_GE(sent(wire::MessageType::handshake_init), 2U);
  EXPECT_EQ(alpha.core().drops()[Drop::unknown_session], 0U);
}

}  // namespace
}  // namespace meshnode::test
