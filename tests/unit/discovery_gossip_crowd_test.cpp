// Gossip among hundreds, in virtual time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/gossip_crowd.h"

namespace meshnode::discovery {
namespace {

using test::Crowd;
using wire::ControlType;

TEST(GossipCrowd, AChangeReachesTwoHundredWithinTwoSecondsDespiteLosses) {
  Crowd crowd(200);
  crowd.connect_by_distance();
  crowd.all_know_all();
  crowd.loss_per_mille = 50;
  std::size_t messages = 0;
  constexpr std::size_t kChanges = 10;
  for (Crowd::Place who = 0; who < kChanges; ++who) {
    crowd.run(minutes(5));
    crowd.reset();
    crowd.change(who);
    const NodeId& id = crowd[who].self.id;
    EXPECT_TRUE(crowd.run_until(seconds(2), [&] { return crowd.who_know(id, 2) == 200; }))
        << who << ": " << crowd.who_know(id, 2);
    crowd.run(seconds(20));
    messages += crowd.tally.total();
  }
  const double per_node = static_cast<double>(messages) / kChanges / 200;
  EXPECT_LT(per_node, Gossip::kFanOut + Gossip::kAnnouncements + 1) << "hardly anything else";
}

TEST(GossipCrowd, ANewMemberIsSoonKnownToAllAndKnowsAll) {
  Crowd crowd(200);
  crowd.connect_by_distance();
  crowd.all_know_all();
  crowd.loss_per_mille = 50;
  const Crowd::Place last = crowd.add();
  for (Crowd::Place other = 0; other < 60; ++other) crowd.connect(last, other * 3);
  const auto done = [&] {
    return crowd.who_know(crowd[last].self.id, 1) == 201 && crowd[last].book.size() == 200;
  };
  EXPECT_TRUE(crowd.run_until(seconds(5), done));
}

TEST(GossipCrowd, NobodyForwardsTwiceOrBackToWhoToldIt) {
  Crowd crowd(100);
  crowd.connect_by_distance();
  crowd.all_know_all();
  crowd.logging = true;
  crowd.change(0);
  crowd.run(seconds(20));
  std::map<Crowd::Place, std::size_t> forwards;
  std::map<Crowd::Place, std::set<Crowd::Place>> told_by;  // in the order of sending
  std::set<std::pair<Crowd::Place, Crowd::Place>> sent;
  for (const auto& message : crowd.log) {
    if (message.type != ControlType::record) continue;
    ASSERT_EQ(message.body, crowd[0].own->bytes);
    EXPECT_NE(message.to, 0U) << "not to its own author";
    EXPECT_TRUE(sent.emplace(message.from, message.to).second);
    ++forwards[message.from];
  }
  for (const auto& [who, count] : forwards) {
    if (who != 0) {
      EXPECT_LE(count, Gossip::kFanOut) << who;
    }
  }
  EXPECT_EQ(forwards[0], crowd[0].neighbours.size());
  // To whom told it first, nobody says it again.
  std::map<Crowd::Place, Crowd::Place> first_from;
  for (const auto& message : crowd.log) {
    if (message.type != ControlType::record) continue;
    first_from.emplace(message.to, message.from);
    const auto first = first_from.find(message.from);
    if (first != first_from.end()) {
      EXPECT_NE(first->second, message.to);
    }
  }
  EXPECT_EQ(crowd.who_know(crowd[0].self.id, 2), 100U);
}

TEST(GossipCrowd, HalvesThatMeetAgainKnowAllOfEachOther) {
  Crowd crowd(200);
  crowd.connect_all(0, 40);
  crowd.connect_all(100, 140);
  for (Crowd::Place i = 40; i < 100; ++i)
    for (Crowd::Place k = 0; k < 20; ++k) {
      crowd.connect(i, k * 2);
      crowd.connect(i + 100, 100 + k * 2);
    }
  crowd.loss_per_mille = 20;
  const auto knows = [&](std::size_t least) {
    for (Crowd::Place i = 0; i < crowd.size(); ++i)
      if (crowd[i].book.size() < least) return false;
    return true;
  };
  ASSERT_TRUE(crowd.run_until(minutes(5), [&] { return knows(99); }));
  ASSERT_FALSE(knows(100));
  // One edge across would tell its two ends only: nobody vouches alone for a hundred.
  for (Crowd::Place i = 0; i < 12; ++i) {
    crowd.connect(i * 8, 100 + i * 8);
    crowd.connect(i * 8, 100 + (i + 1) % 12 * 8);
  }
  crowd.reset();
  crowd.run(seconds(15));
  std::size_t known = 0;
  for (Crowd::Place i = 0; i < crowd.size(); ++i) known += crowd[i].book.size();
  EXPECT_GE(known, 200U * 199 * 99 / 100) << "almost all at once";
  EXPECT_LE(crowd.tally.bytes / 200, 120'000U) << "of which the records alone are 40 KB";
  EXPECT_TRUE(crowd.run_until(minutes(2), [&] { return knows(199); })) << "the rest a round later";
}

TEST(GossipCrowd, WhoMissedEverythingIsBroughtUpToDateByItsNextCheck) {
  Crowd crowd(60);
  crowd.connect_by_distance();
  crowd.all_know_all();
  crowd.loss_per_mille = 1000;
  for (Crowd::Place i = 0; i < 10; ++i) crowd.change(i);
  crowd.run(seconds(10));
  crowd.loss_per_mille = 0;
  ASSERT_EQ(crowd.who_know(crowd[0].self.id, 2), 1U);
  const auto done = [&] {
    for (Crowd::Place i = 0; i < 10; ++i)
      if (crowd.who_know(crowd[i].self.id, 2) != 60) return false;
    return true;
  };
  EXPECT_TRUE(crowd.run_until(minutes(2), done)) << "nothing was forgotten by the ones who know";
}

TEST(GossipCrowd, IdleMembersHardlySpeak) {
  Crowd crowd(100);
  crowd.connect_by_distance();
  crowd.all_know_all();
  crowd.run(hours(24));
  EXPECT_LT(crowd.tally.bytes * 2 / 100, 1'000'000U) << "a day and node, both ways";
  EXPECT_EQ(crowd.tally.messages.size(), 1U) << "summaries only";
}

TEST(GossipCrowd, AGoodbyeReachesAlmostAll) {
  Crowd crowd(200);
  crowd.connect_by_distance();
  crowd.all_know_all();
  crowd.loss_per_mille = 50;
  auto& leaver = crowd[7];
  leaver.gossip.spread_object(
      crowd.now, sign_object(wire::ObjectKind::goodbye, 5, leaver.own->record.boot,
                             leaver.self.seed, test::kNetworkId, crypto::real_suite()));
  crowd.settle(7);
  crowd.run(seconds(2));
  std::size_t know = 0;
  for (Crowd::Place i = 0; i < crowd.size(); ++i)
    know += crowd[i].book.gone(leaver.self.id) ? 1U : 0U;
  EXPECT_GE(know, 195U);
  EXPECT_FALSE(leaver.book.gone(leaver.self.id));
}

// Two members with made-up ones in their hands vouch for all of them.
TEST(GossipCrowd, MadeUpMembersSpreadAtABoundedRate) {
  Crowd crowd(40);
  crowd.connect_all(0, 40);
  crowd.all_know_all();
  auto& victim = crowd[5];
  std::size_t offered = 0;
  for (std::uint64_t i = 0; i < 600; ++i) {
    const RecordPtr made_up = test::Member(10'000 + i).sign(1);
    for (const Crowd::Place liar : {0U, 1U})
      (void)victim.book.offer(crowd.now, made_up->bytes, Crowd::number(liar));
    crowd.settle(5);
    crowd.run(milliseconds(4));
    ++offered;
  }
  crowd.run(seconds(5));
  ASSERT_EQ(victim.book.size(), 39U + offered);
  std::size_t handed_out = 0;
  for (std::uint64_t i = 0; i < 600; ++i)
    handed_out += crowd[6].book.find(test::Member(10'000 + i).id) ? 1U : 0U;
  EXPECT_LE(handed_out, RecordBook::kAdmissionsBurst + 10 * RecordBook::kAdmissionsPerSecond);
  EXPECT_GT(handed_out, 0U);
}

// One neighbour answers each message with a summary, digest or want of its own making.
TEST(GossipCrowd, ALiarEndsNoExchangeButItsOwn) {
  Crowd crowd(30);
  crowd.connect_all(0, 30);
  crowd.all_know_all();
  test::SeededRandom random(5);
  const TimePoint start = crowd.now;
  const PeerNumber liar = Crowd::number(0);
  auto& victim = crowd[1];
  for (int i = 0; i < 3000; ++i) {
    wire::Summary lie{.salt = random.u64(), .ranges = {}};
    wire::ShortId lower = 0;
    for (int k = 0; k < 16; ++k, lower += 1ULL << 60)
      lie.ranges.push_back({.lower = lower,
                            .upper = lower + random.below(1ULL << 60),
                            .count = static_cast<std::uint32_t>(random.below(200)),
                            .sum = random.u64()});
    victim.gossip.handle_summary(crowd.now, liar, wire::encode_summary(lie), victim.drops);
    crowd.settle(1);
    crowd.run(milliseconds(10));
  }
  const double passed = std::chrono::duration<double>(crowd.now - start).count();
  EXPECT_LE(static_cast<double>(crowd.tally.total()),
            2 * (Gossip::kAnswersBurst + passed * Gossip::kAnswersPerSecond))
      << "it, and whoever heard of it, within the budget of one neighbour";
  crowd.change(2);
  EXPECT_TRUE(
      crowd.run_until(seconds(2), [&] { return crowd.who_know(crowd[2].self.id, 2) == 30; }));
}

}  // namespace
}  // namespace meshnode::discovery
