#include <gtest/gtest.h>

#include "discovery/reachability.h"
#include "tests/support/seeded_random.h"
#include "wire/dht_message.h"
#include "wire/dht_ping.h"
#include "wire/msgpack_writer.h"

namespace meshnode::discovery {
namespace {

const Endpoint kNode = *Endpoint::parse("192.0.2.1:4222");
constexpr std::uint32_t kNetwork = 3731;

// A node's answer, as OpenDHT writes it.
Bytes pong(std::uint32_t transaction, std::uint32_t network = kNetwork) {
  Bytes out;
  wire::MsgpackWriter pack(out);
  pack.map(5);
  pack.text("r");
  pack.map(2);
  pack.text("id");
  pack.bin(Block<20>{9});
  pack.text("sa");
  pack.bin(Block<4>{192, 0, 2, 9});
  pack.text("t");
  pack.uint(transaction);
  pack.text("y");
  pack.text("r");
  pack.text("v");
  pack.text("RNG1");
  pack.text("n");
  pack.uint(network);
  return out;
}

class ReachabilityTest : public testing::Test {
 protected:
  std::optional<std::uint32_t> ping() {
    const auto pings = reachability.turn(now);
    if (pings.size() != 1) return std::nullopt;
    const auto message = wire::inspect_dht(pings[0].datagram);
    EXPECT_EQ(pings[0].to, kNode);
    EXPECT_TRUE(message && message->client && message->network == kNetwork);
    EXPECT_EQ(message->query, wire::DhtMessage::Query::ping);
    return message->transaction;
  }

  test::SeededRandom random{1};
  Reachability reachability{Block<20>{7}, kNetwork, random};
  TimePoint now{hours(1)};
};

TEST_F(ReachabilityTest, WhoAnswersIsReachable) {
  EXPECT_TRUE(reachability.turn(now).empty());
  reachability.heard(now, kNode);
  const auto transaction = ping();
  ASSERT_TRUE(transaction);
  now += milliseconds(80);
  EXPECT_TRUE(reachability.answered(now, kNode, pong(*transaction)));
  EXPECT_FALSE(reachability.answered(now, kNode, pong(*transaction))) << "once";
}

TEST_F(ReachabilityTest, OthersAnswersDoNotCount) {
  reachability.heard(now, kNode);
  const auto transaction = ping();
  ASSERT_TRUE(transaction);
  EXPECT_FALSE(reachability.answered(now, kNode, pong(*transaction + 1)));
  EXPECT_FALSE(reachability.answered(now, kNode, pong(*transaction, 1)));
  EXPECT_FALSE(reachability.answered(now, *Endpoint::parse("192.0.2.1:4223"), pong(*transaction)));
  EXPECT_FALSE(reachability.answered(now, kNode, Bytes(40, 0x80)));
  EXPECT_FALSE(reachability.answered(now + Reachability::kPatience * 2, kNode, pong(*transaction)));
}

TEST_F(ReachabilityTest, AsksSeldomAndForgets) {
  int pings = 0;
  for (int minute = 0; minute < 120; ++minute) {
    reachability.heard(now, kNode);
    pings += static_cast<int>(reachability.turn(now).size());
    now += minutes(1);
  }
  EXPECT_EQ(pings, 6);
  now += Reachability::kLife;
  EXPECT_TRUE(reachability.turn(now).empty()) << "who is not heard any more is not asked";
}

TEST_F(ReachabilityTest, FewAtATimeAndBoundedInAll) {
  for (unsigned i = 0; i < 3000; ++i)
    reachability.heard(now, {kNode.ip, static_cast<std::uint16_t>(1 + i)});
  std::size_t pings = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto turn = reachability.turn(now);
    EXPECT_LE(turn.size(), Reachability::kPerTurn);
    pings += turn.size();
  }
  EXPECT_EQ(pings, Reachability::kMaxNodes);
}

}  // namespace
}  // namespace meshnode::discovery
