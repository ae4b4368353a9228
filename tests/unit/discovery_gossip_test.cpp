// Two neighbours, or one and what it says: everything that one could be made to send is bounded.
// Crowds are in discovery_gossip_crowd_test.cpp.
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
        gossip(book, {test::kNetworkId, crypto::real_suite()}, random) {
    gossip.set_own(self.sign(1));
  }
  void know(const RecordPtr& record, bool proven = true) {
    if (proven) book.prove(record->id);
    (void)book.offer(TimePoint(hours(1)), record->bytes);
    (void)book.take_news(TimePoint(hours(1)));
  }
  void up(TimePoint now, PeerNumber peer, Gossip::Begin begin = Gossip::Begin::we) {
    gossip.edge_up(now, peer, test::Member(1000 + static_cast<std::uint64_t>(peer)).id, begin);
  }
  std::vector<Gossip::Send> sent(TimePoint now) {
    std::vector<Gossip::Send> out;
    while (auto send = gossip.poll(now)) out.push_back(std::move(*send));
    return out;
  }

  test::Member self;
  test::SeededRandom random;
  RecordBook book;
  Gossip gossip;
  DropCounters drops;
};

constexpr PeerNumber kOther{1};
constexpr TimePoint kNow{hours(2)};

std::size_t count(const std::vector<Gossip::Send>& sent, ControlType type) {
  return static_cast<std::size_t>(
      std::count_if(sent.begin(), sent.end(), [&](const auto& each) { return each.type == type; }));
}

class GossipTest : public testing::Test {
 protected:
  // Both ways until nothing is said any more; how many messages that took.
  std::size_t talk() {
    std::size_t messages = 0;
    for (;;) {
      auto from_a = a.sent(now);
      auto from_b = b.sent(now);
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
        const auto verdict = to.book.offer(now, message.body, kOther);
        if (const auto* record = std::get_if<RecordPtr>(&verdict)) to.book.prove((*record)->id);
        return;
      }
      case ControlType::digest:
        return to.gossip.handle_digest(now, kOther, message.body, to.drops);
      case ControlType::want:
        return to.gossip.handle_want(now, kOther, message.body, to.drops);
      case ControlType::summary:
        return to.gossip.handle_summary(now, kOther, message.body, to.drops);
      default:
        FAIL();
    }
  }
  void meet() {
    a.gossip.edge_up(now, kOther, b.self.id, Gossip::Begin::we);
    b.gossip.edge_up(now, kOther, a.self.id, Gossip::Begin::they);
  }
  std::vector<Gossip::Send> sent() { return a.sent(now); }
  void wait_for_deadline() {
    now = *a.gossip.next_deadline();
    a.gossip.handle_timeout(now);
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

TEST_F(GossipTest, HundredsComeInMessagesOfBoundedSize) {
  for (std::uint64_t i = 10; i < 310; ++i) a.know(test::Member(i).sign(1));
  meet();
  EXPECT_LT(talk(), 340U) << "nothing twice";
  EXPECT_EQ(b.book.size(), 301U);
}

TEST_F(GossipTest, OneLackingRecordIsFoundAmongThousandsInAFewMessages) {
  for (std::uint64_t i = 10; i < 1510; ++i) {
    const RecordPtr record = test::Member(i).sign(1);
    const TimePoint at = kNow + milliseconds(2 * i);
    for (Node* node : {&a, &b}) {
      node->book.prove(record->id);
      if (node == &a || i != 700) (void)node->book.offer(at, record->bytes);
      (void)node->book.take_news(at);
    }
  }
  now += minutes(1);
  meet();
  EXPECT_LE(talk(), 9U);
  EXPECT_TRUE(b.book.find(test::Member(700).id));
}

TEST_F(GossipTest, WhoKnowsTheSameStaysSilent) {
  for (std::uint64_t i = 10; i < 200; ++i) {
    a.know(test::Member(i).sign(5));
    b.know(test::Member(i).sign(5));
  }
  a.know(b.self.sign(1));
  b.know(a.self.sign(1));
  meet();
  EXPECT_EQ(talk(), 3U) << "two own records, one summary";
}

TEST_F(GossipTest, WhatOneOnlyHeardOfIsNotPassedOn) {
  a.know(test::Member(10).sign(1), false);
  meet();
  talk();
  EXPECT_FALSE(b.book.find(test::Member(10).id));
}

TEST_F(GossipTest, WhoOnlyHeardOfItFromUsKnowsTheSame) {
  for (std::uint64_t i = 10; i < 20; ++i) {
    a.know(test::Member(i).sign(1));
    (void)b.book.offer(kNow, test::Member(i).sign(1)->bytes, kOther);
  }
  a.know(b.self.sign(1));
  b.know(a.self.sign(1));
  meet();
  EXPECT_EQ(talk(), 3U);
}

TEST_F(GossipTest, NewsGoToSomeButNotToWhoToldThem) {
  for (std::uint32_t i = 1; i <= 20; ++i) a.up(now, PeerNumber{i});
  a.know(test::Member(10).sign(1));
  sent();
  (void)a.book.offer(now, test::Member(10).sign(2)->bytes, PeerNumber{3});
  std::set<PeerNumber> told;
  for (const auto& each : sent()) {
    EXPECT_EQ(each.type, ControlType::record);
    EXPECT_TRUE(told.insert(each.to).second) << "nobody twice";
  }
  EXPECT_THAT(told, testing::SizeIs(Gossip::kFanOut));
  EXPECT_FALSE(told.contains(PeerNumber{3}));
  EXPECT_THAT(sent(), testing::IsEmpty()) << "once";
}

TEST_F(GossipTest, OurOwnGoesToAll) {
  for (std::uint32_t i = 1; i <= 20; ++i) a.up(now, PeerNumber{i});
  sent();
  a.gossip.set_own(a.self.sign(2));
  a.gossip.spread(now);
  EXPECT_EQ(count(sent(), ControlType::record), 20U);
  a.gossip.edge_down(PeerNumber{4});
  a.gossip.set_own(a.self.sign(3));
  a.gossip.spread(now);
  EXPECT_EQ(count(sent(), ControlType::record), 19U);
}

TEST_F(GossipTest, AnEdgeThatComesBackHearsOurRecordOnlyIfItIsNew) {
  a.up(now, kOther, Gossip::Begin::they);
  EXPECT_EQ(count(sent(), ControlType::record), 1U);
  a.up(now, kOther, Gossip::Begin::they);
  EXPECT_THAT(sent(), testing::IsEmpty());
  a.gossip.set_own(a.self.sign(2));
  a.up(now, kOther, Gossip::Begin::they);
  EXPECT_EQ(count(sent(), ControlType::record), 1U);
}

TEST_F(GossipTest, NewsAreAnnouncedAFewTimesToOneEach) {
  for (std::uint32_t i = 1; i <= 20; ++i) a.up(now, PeerNumber{i}, Gossip::Begin::they);
  a.know(test::Member(10).sign(1));
  sent();
  for (int i = 0; i < 2; ++i) {
    wait_for_deadline();
    ASSERT_EQ(count(sent(), ControlType::summary), 1U) << "does somebody know more new members?";
  }
  (void)a.book.offer(now, test::Member(10).sign(2)->bytes, PeerNumber{3});
  std::set<PeerNumber> told{PeerNumber{3}};
  for (const auto& each : sent()) told.insert(each.to);
  const TimePoint start = now;
  for (unsigned i = 0; i < Gossip::kAnnouncements; ++i) {
    wait_for_deadline();
    const auto out = sent();
    ASSERT_THAT(out, testing::SizeIs(1));
    EXPECT_TRUE(told.insert(out[0].to).second) << "not to whom we told already";
    const auto digest = wire::parse_digest(out[0].body);
    ASSERT_TRUE(out[0].type == ControlType::digest && digest && digest->announces());
    EXPECT_THAT(digest->entries,
                testing::ElementsAre(wire::Digest::Entry{wire::short_id(test::Member(10).id), 2}));
  }
  EXPECT_LE(now - start, seconds(2));
  EXPECT_GE(*a.gossip.next_deadline() - now, seconds(30)) << "then no more";
}

TEST_F(GossipTest, NewsAreNotAnnouncedToWhoToldThem) {
  a.up(now, kOther, Gossip::Begin::they);
  a.know(test::Member(10).sign(1));
  sent();
  (void)a.book.offer(now, test::Member(10).sign(2)->bytes, kOther);
  for (const TimePoint end = now + seconds(10); now < end; wait_for_deadline())
    for (const auto& each : sent()) EXPECT_EQ(each.type, ControlType::summary);
}

TEST_F(GossipTest, ALostPushToTheOnlyNeighbourIsAnnounced) {
  a.up(now, kOther, Gossip::Begin::they);
  sent();
  a.gossip.set_own(a.self.sign(2));
  a.gossip.spread(now);
  std::size_t announcements = 0;
  for (const TimePoint end = now + seconds(5); now < end; wait_for_deadline())
    announcements += count(sent(), ControlType::digest);
  EXPECT_EQ(announcements, Gossip::kAnnouncements);
}

TEST_F(GossipTest, AnAnnouncementSaysNothingOfOthers) {
  a.know(test::Member(10).sign(1));
  a.know(test::Member(11).sign(1));
  a.up(now, kOther, Gossip::Begin::they);
  sent();
  const wire::Digest digest{
      .lower = 1, .upper = 0, .entries = {{wire::short_id(test::Member(10).id), 1}}};
  a.gossip.handle_digest(now, kOther, wire::encode_digest(digest), a.drops);
  EXPECT_THAT(sent(), testing::IsEmpty());
}

TEST_F(GossipTest, TheSameIsRarelyAskedForTwiceInASecond) {
  for (std::uint32_t i = 1; i <= 100; ++i) a.up(now, PeerNumber{i}, Gossip::Begin::they);
  sent();
  const Bytes announcement =
      wire::encode_digest({.lower = 1, .upper = 0, .entries = {{0x1234, 1}}});
  for (std::uint32_t i = 1; i <= 100; ++i)
    a.gossip.handle_digest(now, PeerNumber{i}, announcement, a.drops);
  const std::size_t wants = count(sent(), ControlType::want);
  EXPECT_GE(wants, 2U) << "one who does not answer keeps us from nobody";
  EXPECT_LE(wants, 50U);
  now += Gossip::kAskAgain;
  a.gossip.handle_timeout(now);
  a.gossip.handle_digest(now, kOther, announcement, a.drops);
  EXPECT_EQ(count(sent(), ControlType::want), 1U);
}

TEST_F(GossipTest, AnAnswerThatNeverComesIsFollowedUpLessAndLess) {
  a.up(now, kOther, Gossip::Begin::they);
  sent();
  const Bytes announcement =
      wire::encode_digest({.lower = 1, .upper = 0, .entries = {{0x1234, 1}}});
  std::size_t summaries = 0;
  const TimePoint end = now + hours(1);
  while (now < end) {
    a.gossip.handle_digest(now, kOther, announcement, a.drops);
    wait_for_deadline();
    summaries += count(sent(), ControlType::summary);
  }
  EXPECT_GE(summaries, 10U);
  EXPECT_LE(summaries, 150U);
}

TEST_F(GossipTest, ChecksOfNewEdgesAreSpreadInTime) {
  for (std::uint32_t i = 1; i <= 10; ++i) a.up(now, PeerNumber{i});
  EXPECT_EQ(count(sent(), ControlType::summary), 1U);
  std::set<PeerNumber> checked;
  for (int i = 0; i < 9; ++i) {
    wait_for_deadline();
    for (const auto& each : sent())
      if (each.type == ControlType::summary) checked.insert(each.to);
  }
  EXPECT_EQ(checked.size(), 9U);
  EXPECT_EQ(now, kNow + 9 * Gossip::kCheckPause);
}

TEST_F(GossipTest, RoundsBecomeRareWhileNothingIsNew) {
  EXPECT_EQ(a.gossip.next_deadline(), std::nullopt);
  for (std::uint32_t i = 1; i <= 5; ++i) a.up(now, PeerNumber{i}, Gossip::Begin::they);
  sent();
  std::set<PeerNumber> chosen;
  std::vector<Duration> pauses;
  for (int i = 0; i < 60; ++i) {
    const TimePoint before = now;
    wait_for_deadline();
    pauses.push_back(now - before);
    for (const auto& each : sent()) {
      EXPECT_EQ(each.type, ControlType::summary);
      chosen.insert(each.to);
    }
  }
  EXPECT_LE(pauses.front(), Gossip::kRound);
  EXPECT_GE(pauses.back(), Gossip::kLongestRound * 3 / 4);
  EXPECT_LE(pauses.back(), Gossip::kLongestRound * 5 / 4);
  EXPECT_EQ(chosen.size(), 5U) << "each has its turn";
  (void)a.book.offer(now, test::Member(9).sign(1)->bytes, PeerNumber{1});
  a.book.prove(test::Member(9).id);
  sent();
  EXPECT_LE(*a.gossip.next_deadline() - now, Gossip::kRound) << "news bring them back";
}

TEST_F(GossipTest, ANeighbourCannotMakeUsSendWithoutEnd) {
  for (std::uint64_t i = 10; i < 210; ++i) a.know(test::Member(i).sign(1));
  a.up(now, kOther);
  sent();
  const Bytes lie =
      wire::encode_summary({.salt = 1, .ranges = {{.count = 4'000'000'000, .sum = 7}}});
  const Bytes empty = wire::encode_digest({});
  wire::Summary many{.salt = 1, .ranges = {}};
  for (wire::ShortId i = 0; i < 16; ++i)
    many.ranges.push_back(
        {.lower = i << 60, .upper = (i << 60) | 0xfffffff, .count = 99, .sum = i});
  std::vector<wire::ShortId> all;
  a.book.each(true, [&](const RecordPtr& r) { all.push_back(wire::short_id(r->id)); });
  all.resize(wire::kMaxDigest);
  std::size_t messages = 0;
  for (int i = 0; i < 1000; ++i) {
    a.gossip.handle_summary(now, kOther, lie, a.drops);
    a.gossip.handle_summary(now, kOther, wire::encode_summary(many), a.drops);
    a.gossip.handle_digest(now, kOther, empty, a.drops);
    a.gossip.handle_want(now, kOther, wire::encode_want(all), a.drops);
    messages += sent().size();
  }
  EXPECT_LE(messages, static_cast<std::size_t>(Gossip::kAnswersBurst));
  EXPECT_GT(a.drops[Drop::rate_limited], 0U);
}

TEST_F(GossipTest, NoAnswerToASummaryIsLargerThanItsRangesAllow) {
  for (std::uint64_t i = 10; i < 510; ++i) a.know(test::Member(i).sign(1));
  a.up(now, kOther, Gossip::Begin::they);
  sent();
  a.gossip.handle_summary(
      now, kOther, wire::encode_summary({.salt = 1, .ranges = {{.count = 1, .sum = 7}}}), a.drops);
  const auto out = sent();
  ASSERT_THAT(out, testing::SizeIs(1));
  const auto split = wire::parse_summary(out[0].body);
  ASSERT_TRUE(split);
  std::uint32_t known = 0;
  for (const auto& range : split->ranges) known += range.count;
  EXPECT_EQ(known, 501U) << "all of ours, and ourselves";
  EXPECT_EQ(split->ranges.front().lower, 0U);
  EXPECT_EQ(split->ranges.back().upper, ~wire::ShortId{0});
}

TEST_F(GossipTest, StrangersAndGarbageGetNothing) {
  a.know(test::Member(10).sign(1));
  a.gossip.handle_digest(now, kOther, wire::encode_digest({}), a.drops);
  a.gossip.handle_want(now, kOther, wire::encode_want({wire::short_id(a.self.id)}), a.drops);
  a.gossip.handle_summary(now, kOther, wire::encode_summary({.salt = 1, .ranges = {{}}}), a.drops);
  EXPECT_THAT(sent(), testing::IsEmpty()) << "no neighbour";
  EXPECT_EQ(a.drops[Drop::rate_limited], 3U);
  a.up(now, kOther);
  sent();
  a.gossip.handle_digest(now, kOther, Bytes(15), a.drops);
  a.gossip.handle_want(now, kOther, Bytes(3), a.drops);
  a.gossip.handle_summary(now, kOther, Bytes(9), a.drops);
  EXPECT_THAT(sent(), testing::IsEmpty());
  EXPECT_EQ(a.drops[Drop::malformed], 3U);
}

// ---- objects ----

class ObjectTest : public GossipTest {
 protected:
  static constexpr BootId kBoot{1};  // of test members

  ObjectTest() {
    for (std::uint32_t i = 1; i <= 20; ++i) a.up(now, PeerNumber{i}, Gossip::Begin::they);
    a.know(member.sign(5));
    sent();
  }
  SignedObject goodbye(std::uint64_t sequence, const BootId& boot = kBoot) const {
    return sign_object(wire::ObjectKind::goodbye, sequence, boot, member.seed, test::kNetworkId,
                       crypto::real_suite());
  }
  bool taken(const Bytes& bytes) {
    return a.gossip.handle_object(now, kOther, bytes, a.drops).has_value();
  }

  test::Member member{10};
};

TEST_F(ObjectTest, AGoodbyeIsTakenAndPassedOnOnce) {
  const auto object = a.gossip.handle_object(now, kOther, goodbye(9).bytes, a.drops);
  ASSERT_TRUE(object);
  EXPECT_EQ(object->signer, member.id);
  EXPECT_TRUE(a.book.gone(member.id));
  const auto out = sent();
  EXPECT_EQ(count(out, ControlType::object), Gossip::kFanOut);
  for (const auto& each : out) {
    EXPECT_EQ(each.body, goodbye(9).bytes);
    EXPECT_NE(each.to, kOther);
  }
  EXPECT_FALSE(taken(goodbye(9).bytes));
  EXPECT_FALSE(taken(goodbye(8).bytes));
  EXPECT_THAT(sent(), testing::IsEmpty());
  EXPECT_EQ(a.drops.total(), 0U);
}

TEST_F(ObjectTest, WhoComesBackIsNotGone) {
  ASSERT_TRUE(taken(goodbye(9).bytes));
  wire::Record late = member.record(7);
  (void)a.book.offer(now, member.sign(late)->bytes, kOther);
  EXPECT_TRUE(a.book.gone(member.id)) << "of the same start: it only came late";
  wire::Record again = member.record(8);
  again.boot = {2};
  (void)a.book.offer(now, member.sign(again)->bytes, kOther);
  EXPECT_FALSE(a.book.gone(member.id));
  EXPECT_FALSE(taken(goodbye(9).bytes));
  EXPECT_FALSE(a.book.gone(member.id)) << "an old one that is told again changes nothing";
}

TEST_F(ObjectTest, AnOldGoodbyeIsNoNewsAnHourLaterEither) {
  ASSERT_TRUE(taken(goodbye(9).bytes));
  wire::Record again = member.record(10);
  again.boot = {2};
  (void)a.book.offer(now, member.sign(again)->bytes, kOther);
  sent();
  now += ObjectTable::kLife + minutes(2);
  EXPECT_FALSE(taken(goodbye(9).bytes));
  EXPECT_EQ(count(sent(), ControlType::object), 0U);
}

TEST_F(ObjectTest, NobodySaysGoodbyeForAnother) {
  Bytes forged = goodbye(9).bytes;
  forged.back() ^= 1;
  EXPECT_FALSE(taken(forged));
  EXPECT_EQ(a.drops[Drop::bad_identity], 1U);
  const SignedObject elsewhere = sign_object(wire::ObjectKind::goodbye, 9, kBoot, member.seed,
                                             Bytes(32, 1), crypto::real_suite());
  EXPECT_FALSE(taken(elsewhere.bytes));
  EXPECT_EQ(a.drops[Drop::bad_identity], 2U) << "of another network";
  EXPECT_FALSE(a.book.gone(member.id));
  EXPECT_TRUE(taken(goodbye(9).bytes));
}

TEST_F(ObjectTest, DropReasons) {
  EXPECT_FALSE(taken(Bytes(20)));
  EXPECT_EQ(a.drops[Drop::malformed], 1U);
  EXPECT_FALSE(taken(
      sign_object(wire::ObjectKind{77}, 9, {}, member.seed, test::kNetworkId, crypto::real_suite())
          .bytes));
  EXPECT_EQ(a.drops[Drop::unsupported], 1U);
  EXPECT_FALSE(taken(sign_object(wire::ObjectKind::goodbye, 9, Bytes(3), member.seed,
                                 test::kNetworkId, crypto::real_suite())
                         .bytes));
  EXPECT_EQ(a.drops[Drop::malformed], 2U);
  member = test::Member(99);
  EXPECT_FALSE(taken(goodbye(9).bytes));
  EXPECT_EQ(a.drops[Drop::unsolicited], 1U) << "of nobody that we know";
  EXPECT_THAT(sent(), testing::IsEmpty());
}

TEST_F(ObjectTest, OfSomebodyThatWeOnlyHeardOfItIsTakenAndNotPassedOn) {
  member = test::Member(50);
  a.know(member.sign(5), false);
  EXPECT_TRUE(taken(goodbye(9).bytes));
  EXPECT_TRUE(a.book.gone(member.id));
  EXPECT_EQ(count(sent(), ControlType::object), 0U);
}

TEST_F(ObjectTest, OneSignerCannotMakeUsPassOnWithoutEnd) {
  std::size_t passed = 0;
  for (std::uint64_t i = 10; i < 110; ++i) {
    now += milliseconds(100);
    taken(goodbye(i).bytes);
    passed += count(sent(), ControlType::object);
  }
  EXPECT_LE(passed, (ObjectTable::kBurst + 1) * Gossip::kFanOut);
  EXPECT_GT(a.drops[Drop::rate_limited], 0U);
}

TEST_F(ObjectTest, OurOwnGoesToAllAndDoesNotComeBack) {
  const SignedObject own = sign_object(wire::ObjectKind::goodbye, 9, kBoot, a.self.seed,
                                       test::kNetworkId, crypto::real_suite());
  a.gossip.spread_object(now, own);
  EXPECT_EQ(count(sent(), ControlType::object), 20U);
  EXPECT_FALSE(taken(own.bytes));
  EXPECT_THAT(sent(), testing::IsEmpty());
}

TEST(ObjectTable, IsBounded) {
  const test::Member member(1);
  ObjectTable table(test::kNetworkId, crypto::real_suite());
  DropCounters drops;
  const SignedObject object = sign_object(wire::ObjectKind::goodbye, 1, BootId{}, member.seed,
                                          test::kNetworkId, crypto::real_suite());
  const auto parsed = *wire::parse_object(object.bytes);
  TimePoint now{hours(1)};
  const auto take = [&](std::uint64_t number) {
    NodeId id;
    store_be(id.bytes.data(), number);
    return table.take(now, id, parsed, object.bytes, drops).has_value();
  };
  for (std::uint64_t i = 0; i < ObjectTable::kMaxObjects; ++i) {
    now += milliseconds(5);
    ASSERT_TRUE(take(i)) << i;
  }
  EXPECT_FALSE(take(~std::uint64_t{0}));
  EXPECT_EQ(drops[Drop::table_full], 1U);
  now += ObjectTable::kLife;
  EXPECT_TRUE(take(~std::uint64_t{0})) << "the old ones are gone";
  EXPECT_EQ(table.size(), 1U);
}

}  // namespace
}  // namespace meshnode::discovery
