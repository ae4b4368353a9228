// Path MTU discovery against modelled paths, in virtual time.
#include <map>

#include <gtest/gtest.h>

#include "discovery/mtu_book.h"
#include "discovery/path_mtu.h"
#include "tests/support/seeded_random.h"
#include "wire/data_frame.h"

namespace meshnode::discovery {
namespace {

constexpr std::size_t kUsualCeiling = 1420 + wire::kFrameOverhead;
constexpr std::size_t kJumboCeiling = 8900 + wire::kFrameOverhead;

// A path that silently drops what is larger than `carries`.
struct PathModel {
  PathMtu mtu;
  std::size_t carries;
  Duration rtt = milliseconds(20);
  unsigned loss_percent = 0;
  bool dead = false;
  std::size_t own_interface = 100'000;  // larger: refused at once
  TimePoint now{seconds(1000)};
  test::SeededRandom random{5};
  std::uint32_t number = 0;
  std::multimap<TimePoint, std::uint32_t> answers;
  std::size_t probes = 0, probe_bytes = 0;

  explicit PathModel(std::size_t size, std::size_t ceiling = kUsualCeiling,
                     Family family = Family::v4)
      : mtu(family, ceiling), carries(size) {}

  void step() {
    for (const PathMtu::Probe& probe : mtu.due(now, milliseconds(0), number)) {
      ++probes;
      probe_bytes += probe.size;
      if (probe.size > own_interface) {
        mtu.refused(now, probe.size);
      } else if (probe.size <= carries && !dead && random.below(100) >= loss_percent) {
        answers.emplace(now + rtt, probe.number);
      }
    }
  }
  // Runs; with `data`, packets that would need so large a datagram leave every 5 ms.
  void run(Duration span, std::size_t data = 0) {
    const TimePoint end = now + span;
    TimePoint next_data = now;
    while (now < end) {
      TimePoint next = data > 0 ? std::min(end, next_data) : end;
      if (const auto due = mtu.next_deadline()) next = std::min(next, *due);
      if (!answers.empty()) next = std::min(next, answers.begin()->first);
      now = std::max(now, next);
      while (!answers.empty() && answers.begin()->first <= now) {
        const std::uint32_t answer = answers.begin()->second;
        answers.erase(answers.begin());
        mtu.answered(now, answer);
      }
      if (data > 0 && now >= next_data) {
        mtu.used(now, data);
        next_data = now + milliseconds(5);
      }
      step();
    }
  }
  // The time until the limit no longer exceeds what the path carries.
  Duration until_fits(std::size_t data, Duration most = seconds(10)) {
    const TimePoint began = now;
    while (mtu.limit() > carries && now - began < most) run(milliseconds(5), data);
    return now - began;
  }
};

// The best that a size in steps can do.
std::size_t best_for(std::size_t carries, std::size_t ceiling) {
  if (carries >= ceiling) return ceiling;
  return (carries - wire::kFrameOverhead) / PathMtu::kStep * PathMtu::kStep + wire::kFrameOverhead;
}

TEST(PathMtu, NothingIsAssumedAtFirst) {
  const PathMtu v4(Family::v4, kUsualCeiling), v6(Family::v6, kUsualCeiling);
  EXPECT_EQ(v4.limit(), PathMtu::kFloorV4);
  EXPECT_EQ(v6.limit(), PathMtu::kFloorV6);
  EXPECT_FALSE(v4.settled());
  EXPECT_LE(PathMtu::kFloorV4, 576U - 60 - 8);
  EXPECT_LE(PathMtu::kFloorV6, 1280U - 40 - 8);
}

TEST(PathMtu, AnIdlePathIsNotProbed) {
  PathModel path(1472);
  path.run(hours(24));
  EXPECT_EQ(path.probes, 0U);
  path.run(hours(1), 200);
  EXPECT_EQ(path.probes, 0U) << "small packets need nothing";
}

TEST(PathMtu, AUsualPathIsKnownAfterOneRoundTripAndTwoProbes) {
  PathModel path(1472);
  path.run(path.rtt + milliseconds(1), kUsualCeiling);
  EXPECT_EQ(path.mtu.limit(), kUsualCeiling);
  EXPECT_TRUE(path.mtu.settled());
  EXPECT_EQ(path.probes, 2U);
}

TEST(PathMtu, EveryPathIsFoundExactly) {
  for (const std::size_t ceiling : {kUsualCeiling, kJumboCeiling})
    for (std::size_t carries = 508; carries < 9200; carries += carries < 1500 ? 7 : 211) {
      PathModel path(carries, ceiling);
      path.run(seconds(15), ceiling);
      ASSERT_EQ(path.mtu.limit(), best_for(carries, ceiling)) << carries << " of " << ceiling;
      ASSERT_TRUE(path.mtu.settled());
      // 15 s of confirmations are in it.
      ASSERT_LE(path.probes, 85U) << carries;
    }
}

TEST(PathMtu, Ipv6PathsAreFoundToo) {
  for (const std::size_t link : {1280U, 1400U, 1492U, 1500U, 9000U}) {
    PathModel path(link - 48U, kJumboCeiling, Family::v6);
    path.run(seconds(15), kJumboCeiling);
    EXPECT_EQ(path.mtu.limit(), best_for(link - 48U, kJumboCeiling)) << link;
  }
}

TEST(PathMtu, TheSmallUnderlaysOfTheWorldTakeLessThanThreeSeconds) {
  for (const std::size_t link : {576U, 1124U, 1280U, 1400U, 1500U, 9000U}) {
    PathModel path(link - 28U);
    path.run(seconds(3), kUsualCeiling);
    EXPECT_EQ(path.mtu.limit(), best_for(link - 28U, kUsualCeiling)) << link;
    EXPECT_TRUE(path.mtu.settled()) << link;
  }
}

TEST(PathMtu, LossOnlyDelays) {
  for (unsigned seed = 0; seed < 30; ++seed) {
    PathModel path(1252);
    path.random = test::SeededRandom(seed);
    path.loss_percent = 10;
    path.run(minutes(25), kUsualCeiling);
    EXPECT_LE(path.mtu.limit(), 1252U) << seed;
    EXPECT_GE(path.mtu.limit(), 1100U) << seed;
  }
}

TEST(PathMtu, TheLimitNeverExceedsWhatHasBeenAnswered) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    PathModel path(600);
    path.random = test::SeededRandom(seed);
    path.loss_percent = seed % 4 * 20;
    path.rtt = milliseconds(path.random.below(900));
    for (int i = 0; i < 40; ++i) {
      path.run(milliseconds(100), kUsualCeiling);
      ASSERT_LE(path.mtu.limit(), 600U);
    }
  }
}

TEST(PathMtu, AShrunkenPathIsNoticedWithinTwoSeconds) {
  for (const int ms : {1, 20, 100, 200})
    for (const std::size_t after : {1372U, 1252U, 1096U, 548U}) {
      PathModel path(1472);
      path.rtt = milliseconds(ms);
      path.run(seconds(5), kUsualCeiling);
      ASSERT_EQ(path.mtu.limit(), kUsualCeiling);
      path.carries = after;
      EXPECT_LE(path.until_fits(kUsualCeiling), milliseconds(2200)) << ms << ", " << after;
      path.run(seconds(5), kUsualCeiling);
      EXPECT_EQ(path.mtu.limit(), best_for(after, kUsualCeiling)) << ms << ", " << after;
    }
}

TEST(PathMtu, WhileItIsNotKnownWhatFitsNobodyIsTold) {
  PathModel path(1472);
  path.run(seconds(5), kUsualCeiling);
  path.carries = 1096;
  path.until_fits(kUsualCeiling);
  EXPECT_FALSE(path.mtu.settled());
  path.run(seconds(3), kUsualCeiling);
  EXPECT_TRUE(path.mtu.settled());
}

TEST(PathMtu, ADeadPathIsNotMistakenForASmallOne) {
  PathModel path(1472);
  path.run(seconds(5), kUsualCeiling);
  path.dead = true;
  path.run(seconds(30), kUsualCeiling);
  EXPECT_EQ(path.mtu.limit(), kUsualCeiling);
}

TEST(PathMtu, ASuddenlySlowPathIsNotMistakenForASmallOne) {
  PathModel path(1472);
  path.rtt = milliseconds(10);
  path.run(seconds(5), kUsualCeiling);
  path.rtt = milliseconds(800);
  for (int i = 0; i < 600; ++i) {
    path.run(milliseconds(100), kUsualCeiling);
    ASSERT_EQ(path.mtu.limit(), kUsualCeiling) << i;
  }
}

TEST(PathMtu, SomeLossDoesNotShrinkAWidePathForLong) {
  PathModel path(1472);
  path.run(seconds(1), kUsualCeiling);
  path.loss_percent = 5;
  int narrow = 0;
  for (int i = 0; i < 6000; ++i) {
    path.run(milliseconds(100), kUsualCeiling);
    if (path.mtu.limit() < kUsualCeiling) ++narrow;
  }
  EXPECT_LE(narrow, 60);  // of ten minutes: six seconds
}

TEST(PathMtu, AGrownPathIsFoundAfterTenMinutesOfUse) {
  PathModel path(1096);
  path.run(seconds(5), kUsualCeiling);
  const std::size_t before = path.mtu.limit();
  path.carries = 1472;
  path.run(minutes(9), kUsualCeiling);
  EXPECT_EQ(path.mtu.limit(), before);
  path.run(minutes(1) + seconds(1), kUsualCeiling);
  EXPECT_EQ(path.mtu.limit(), kUsualCeiling);
}

TEST(PathMtu, AFruitlessLookForGrowthChangesNothing) {
  PathModel path(1096);
  path.run(seconds(5), kUsualCeiling);
  const std::size_t before = path.mtu.limit();
  path.run(minutes(9), 200);  // in use, but not by large packets
  const std::size_t probes = path.probes;
  for (int i = 0; i < 120; ++i) {
    path.run(seconds(1), kUsualCeiling);
    ASSERT_EQ(path.mtu.limit(), before);
    ASSERT_TRUE(path.mtu.settled());
  }
  EXPECT_LE(path.probes - probes, 240U + 30U);
}

TEST(PathMtu, ConfirmationsAreCheapAndEndWithTheUse) {
  PathModel path(1472);
  path.run(seconds(100), kUsualCeiling);
  EXPECT_LE(path.probes, 210U);  // two a second
  const std::size_t probes = path.probes;
  path.run(hours(1));
  EXPECT_LE(path.probes - probes, 1U);
}

TEST(PathMtu, WhatOurOwnMachineRefusesIsNotTriedAgain) {
  PathModel path(9000, kJumboCeiling);
  path.own_interface = 1472;
  path.run(path.rtt * 2, kJumboCeiling);  // no time-out was waited for
  EXPECT_EQ(path.mtu.limit(), 1472U);
  EXPECT_TRUE(path.mtu.settled());
  EXPECT_LE(path.probes, 16U);
}

TEST(PathMtu, ASmallerInterfaceOfOursIsObeyedAtOnce) {
  PathModel path(1472);
  path.run(seconds(1), kUsualCeiling);
  path.own_interface = path.carries = 1252;
  path.mtu.refused(path.now, kUsualCeiling);
  EXPECT_LE(path.mtu.limit(), 1252U);
  path.run(seconds(2), kUsualCeiling);
  EXPECT_EQ(path.mtu.limit(), best_for(1252, kUsualCeiling));
}

TEST(PathMtu, JumboPathsAreUsedWhereTheTunnelWantsThem) {
  PathModel path(8972, kJumboCeiling);
  path.run(milliseconds(100), kJumboCeiling);
  EXPECT_EQ(path.mtu.limit(), kJumboCeiling);
  EXPECT_LE(path.probes, 4U);
}

TEST(PathMtu, AnswersToNothingChangeNothing) {
  PathMtu mtu(Family::v4, kUsualCeiling);
  for (std::uint32_t number = 0; number < 100; ++number)
    EXPECT_FALSE(mtu.answered(TimePoint{seconds(1)}, number));
  EXPECT_EQ(mtu.limit(), PathMtu::kFloorV4);
}

TEST(PathMtu, AnAnswerCountsOnce) {
  PathMtu mtu(Family::v4, kUsualCeiling);
  std::uint32_t number = 0;
  const TimePoint now{seconds(1)};
  mtu.used(now, kUsualCeiling);
  const auto probes = mtu.due(now, {}, number);
  ASSERT_FALSE(probes.empty());
  EXPECT_TRUE(mtu.answered(now, probes.front().number));
  EXPECT_FALSE(mtu.answered(now, probes.front().number));
}

TEST(PathMtu, ATunnelSmallerThanTheFloorNeedsNoSearch) {
  PathModel path(1472, 300);
  path.run(minutes(1), 300);
  EXPECT_EQ(path.probes, 0U);
  EXPECT_TRUE(path.mtu.settled());
}

struct MtuBookTest : ::testing::Test {
  MtuBook book;
  TimePoint now{seconds(10)};
  Path a{*Endpoint::parse("192.0.2.1:4000"), {}, 0};
  Path b{*Endpoint::parse("192.0.2.2:4000"), {}, 0};

  void widen() {
    book.current()->used(now, kUsualCeiling);
    for (const auto& probe : book.current()->due(now, {}, book.number()))
      book.current()->answered(now, probe.number);
  }
};

TEST_F(MtuBookTest, AnotherPathStartsFromTheFloorAndTheOldOneIsRemembered) {
  EXPECT_EQ(book.current(), nullptr);
  book.path_is(a, kUsualCeiling);
  widen();
  EXPECT_EQ(book.current()->limit(), kUsualCeiling);
  book.path_is(b, kUsualCeiling);
  EXPECT_EQ(book.current()->limit(), PathMtu::kFloorV4);
  book.path_is(std::nullopt, kUsualCeiling);
  EXPECT_EQ(book.current(), nullptr);
  book.path_is(a, kUsualCeiling);
  EXPECT_EQ(book.current()->limit(), kUsualCeiling);
}

TEST_F(MtuBookTest, LearningOurOwnAddressIsNoNewPath) {
  book.path_is(a, kUsualCeiling);
  widen();
  a.local = IpAddress::v4({10, 0, 0, 1});
  book.path_is(a, kUsualCeiling);
  EXPECT_EQ(book.current()->limit(), kUsualCeiling);
  a.local = IpAddress::v4({10, 0, 0, 2});
  book.path_is(a, kUsualCeiling);
  EXPECT_EQ(book.current()->limit(), PathMtu::kFloorV4) << "another interface";
}

TEST_F(MtuBookTest, ProbesOfAnotherPathAreNoAnswer) {
  book.path_is(a, kUsualCeiling);
  book.current()->used(now, kUsualCeiling);
  const auto probes = book.current()->due(now, {}, book.number());
  book.path_is(b, kUsualCeiling);
  book.current()->used(now, kUsualCeiling);
  book.current()->due(now, {}, book.number());
  for (const auto& probe : probes) EXPECT_FALSE(book.current()->answered(now, probe.number));
}

TEST_F(MtuBookTest, FewPathsAreRemembered) {
  for (std::uint8_t i = 1; i < 10; ++i) {
    book.path_is(Path{{IpAddress::v4({192, 0, 2, i}), 4000}, {}, 0}, kUsualCeiling);
    widen();
  }
  book.path_is(Path{{IpAddress::v4({192, 0, 2, 7}), 4000}, {}, 0}, kUsualCeiling);
  EXPECT_EQ(book.current()->limit(), kUsualCeiling);
  book.path_is(Path{{IpAddress::v4({192, 0, 2, 1}), 4000}, {}, 0}, kUsualCeiling);
  EXPECT_EQ(book.current()->limit(), PathMtu::kFloorV4);
}

TEST_F(MtuBookTest, ARefusalConcernsItsPathAlone) {
  book.path_is(a, kUsualCeiling);
  widen();
  book.refused(now, b, 1200);
  EXPECT_EQ(book.current()->limit(), kUsualCeiling);
  book.refused(now, a, 1200);
  EXPECT_LT(book.current()->limit(), 1200U);
}

}  // namespace
}  // namespace meshnode::discovery
