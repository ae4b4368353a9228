// Neighbours keep each other's records current; everything that one could be made to send is
// bounded.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "discovery/gossip.h"
#include "tests/support/members.h"
#include "tests/support/seeded_random.h"

namespace meshnode::discovery {
namespace {

using wire::ControlType;

// A member with its book; sessions are vectors of messages.
struct Node {
  explicit Node(std::uint64_t number)
      : self(number),
        random(number),
        book(test::kNetworkId, crypto::real_suite()),
        gossip(book, random) {
    gossip.set_own(self.sign(1));
  }
  void know(const RecordPtr& record, bool proven = true) {
    if (proven) book.prove(record->id);
    (void)book.offer(TimePoint(hours(1)), record->bytes);
  }
  std::vector<Gossip::Send> sent() {
    std::vector<Gossip::Send> out;
    while (auto send = gossip.poll()) out.push_back(std::move(*send));
    return out;
  }

  test::Member self;
  test::SeededRandom random;
  RecordBook book;
  Gossip gossip;
  DropCounters drops;
};

constexpr PeerNumber kOther{1};
constexpr TimePoint kNow{hours(1)};

class GossipTest : public testing::Test {
 protected:
  // Both ways until nothing is said any more; how many messages that took.
  std::size_t talk() {
    std::size_t messages = 0;
    for (;;) {
      auto from_a = a.sent();
      auto from_b = b.sent();
      if (from_a.empty() && from_b.empty()) return messages;
      for (auto& each : from_a) deliver(each, b);
      for (auto& each : from_b) deliver(each, a);
      messages += from_a.size() + from_b.size();
      if (messages > 20'000) return messages;
    }
  }
  void deliver(const Gossip::Send& message, Node& to) {
    switch (message.type) {
      case ControlType::record: {
        const auto verdict = to.book.offer(now, message.body);
        if (const auto* record = std::get_if<RecordPtr>(&verdict)) to.book.prove((*record)->id);
        return;
      }
      case ControlType::digest:
        return to.gossip.handle_digest(now, kOther, message.body, to.drops);
      case ControlType::want:
        return to.gossip.handle_want(now, kOther, message.body, to.drops);
      default:
        FAIL();
    }
  }
  void meet() {
    a.gossip.edge_up(now, kOther, Gossip::Begin::we);
    b.gossip.edge_up(now, kOther, Gossip::Begin::they);
  }

  Node a{1};
  Node b{2};
  TimePoint now = kNow;
};

TEST_F(GossipTest, ANewEdgeBringsBothToTheSameKnowledge) {
  for (std::uint64_t i = 10; i < 20; ++i) a.know(test::Member(i).sign(5));
  for (std::uint64_t i = 15; i < 30; ++i) b.know(test::Member(i).sign(i % 2 == 0 ? 4 : 6));
  meet();
  talk();
  for (std::uint64_t i = 10; i < 30; ++i) {
    const test::Member member(i);
    ASSERT_TRUE(a.book.find(member.id) && b.book.find(member.id)) << i;
    EXPECT_EQ(a.book.find(member.id)->record.sequence, b.book.find(member.id)->record.sequence);
  }
  EXPECT_TRUE(a.book.find(b.self.id) && b.book.find(a.self.id)) << "and of each other";
}

TEST_F(GossipTest, HundredsFitIntoSeveralDigests) {
  for (std::uint64_t i = 10; i < 310; ++i) a.know(test::Member(i).sign(1));
  meet();
  EXPECT_LT(talk(), 320U) << "nothing twice";
  EXPECT_EQ(b.book.size(), 301U);
}

TEST_F(GossipTest, WhoKnowsTheSameSaysLittle) {
  for (std::uint64_t i = 10; i < 20; ++i) {
    a.know(test::Member(i).sign(5));
    b.know(test::Member(i).sign(5));
  }
  a.know(b.self.sign(1));
  b.know(a.self.sign(1));
  meet();
  EXPECT_EQ(talk(), 1U) << "one digest";
}

TEST_F(GossipTest, UnprovenOnesAreNotPassedOn) {
  a.know(test::Member(10).sign(1), false);
  meet();
  talk();
  EXPECT_FALSE(b.book.find(test::Member(10).id));
}

TEST_F(GossipTest, NewsGoToAllButWhoToldThem) {
  for (std::uint32_t i = 1; i <= 5; ++i) a.gossip.edge_up(now, PeerNumber{i}, Gossip::Begin::we);
  a.sent();
  a.gossip.spread(test::Member(10).sign(1), PeerNumber{3});
  std::set<PeerNumber> told;
  for (const auto& each : a.sent()) {
    EXPECT_EQ(each.type, ControlType::record);
    told.insert(each.to);
  }
  EXPECT_THAT(told,
              testing::ElementsAre(PeerNumber{1}, PeerNumber{2}, PeerNumber{4}, PeerNumber{5}));
  a.gossip.edge_down(PeerNumber{1});
  a.gossip.spread(test::Member(10).sign(2));
  EXPECT_THAT(a.sent(), testing::SizeIs(4));
}

TEST_F(GossipTest, OneRoundAMinuteWithOneNeighbour) {
  EXPECT_EQ(a.gossip.next_deadline(), std::nullopt);
  for (std::uint32_t i = 1; i <= 5; ++i) a.gossip.edge_up(now, PeerNumber{i}, Gossip::Begin::we);
  a.sent();
  std::set<PeerNumber> chosen;
  std::size_t digests = 0;
  for (int i = 0; i < 60; ++i) {
    now = *a.gossip.next_deadline();
    a.gossip.handle_timeout(now);
    ASSERT_GT(*a.gossip.next_deadline(), now);
    for (const auto& each : a.sent()) {
      chosen.insert(each.to);
      ++digests;
    }
  }
  EXPECT_EQ(digests, 60U);
  EXPECT_EQ(now - kNow, minutes(60));
  EXPECT_EQ(chosen.size(), 5U) << "each has its turn";
}

TEST_F(GossipTest, ANeighbourCannotMakeUsSendWithoutEnd) {
  for (std::uint64_t i = 10; i < 210; ++i) a.know(test::Member(i).sign(1));
  a.gossip.edge_up(now, kOther, Gossip::Begin::we);
  a.sent();
  const Bytes empty = wire::encode_digest({});
  std::size_t records = 0;
  for (int i = 0; i < 1000; ++i) {
    a.gossip.handle_digest(now, kOther, empty, a.drops);
    for (const auto& each : a.sent()) records += each.type == ControlType::record ? 1 : 0;
  }
  EXPECT_LE(records, static_cast<std::size_t>(Gossip::kAnswersBurst));
  EXPECT_GT(a.drops[Drop::rate_limited], 0U);
}

TEST_F(GossipTest, StrangersAndGarbageGetNothing) {
  a.know(test::Member(10).sign(1));
  a.gossip.handle_digest(now, kOther, wire::encode_digest({}), a.drops);
  a.gossip.handle_want(now, kOther, wire::encode_want({wire::short_id(a.self.id)}), a.drops);
  EXPECT_THAT(a.sent(), testing::IsEmpty()) << "no neighbour";
  a.gossip.edge_up(now, kOther, Gossip::Begin::we);
  a.sent();
  a.gossip.handle_digest(now, kOther, Bytes(15), a.drops);
  a.gossip.handle_want(now, kOther, Bytes(3), a.drops);
  EXPECT_THAT(a.sent(), testing::IsEmpty());
  EXPECT_EQ(a.drops[Drop::malformed], 2U);
}

}  // namespace
}  // namespace meshnode::discovery
