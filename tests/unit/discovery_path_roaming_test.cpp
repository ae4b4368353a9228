// What a path book does when the network under an edge changes.
#include <functional>
#include <map>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "discovery/path_book.h"

namespace meshnode::discovery {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pointwise;

constexpr TimePoint kStart{hours(1)};
constexpr Duration kRtt = milliseconds(20);

const IpAddress kOurs = IpAddress::v4({192, 0, 2, 100});
const IpAddress kOurOther = IpAddress::v4({192, 0, 2, 101});

Path path(std::uint8_t host, IpAddress local = kOurs) {
  return {{IpAddress::v4({198, 51, 100, host}), 3731}, local, 0};
}
Path path6(std::uint16_t port) {
  return {{*IpAddress::parse("2001:db8::1"), port}, *IpAddress::parse("2001:db8::2"), 0};
}

// Does what the engine does; `answers` plays the peer, kRtt away.
struct PathRoaming : ::testing::Test {
  PathBook book;
  TimePoint now = kStart;
  std::uint64_t number = 0;
  std::function<bool(const Path&)> answers = [](const Path&) { return true; };
  std::map<Endpoint, std::vector<TimePoint>> probes;
  std::map<Endpoint, Path> known;  // with our address
  std::map<Endpoint, Duration> rtts;
  std::multimap<TimePoint, std::pair<Path, std::uint64_t>> coming;

  void step() {
    while (!coming.empty() && coming.begin()->first <= now) {
      book.answered(now, coming.begin()->second.first, coming.begin()->second.second);
      coming.erase(coming.begin());
    }
    for (const Path& p : book.due(now)) {
      book.sent(now, p, ++number);
      probes[p.remote].push_back(now);
      const Path from = known.contains(p.remote) ? known[p.remote] : p;
      const Duration rtt = rtts.contains(p.remote) ? rtts[p.remote] : kRtt;
      if (answers(from)) coming.emplace(now + rtt, std::pair(from, number));
    }
  }
  void run_for(Duration span) {
    for (const TimePoint end = now + span;;) {
      step();
      TimePoint next = end;
      if (const auto due = book.next_deadline()) next = std::min(next, *due);
      if (!coming.empty()) next = std::min(next, coming.begin()->first);
      if (next >= end) {
        now = end;
        return;
      }
      ASSERT_GT(next, now);
      now = next;
    }
  }
  void confirm(const Path& p) {
    known[p.remote] = p;
    book.add(now, PathKind::direct, p);
    run_for((rtts.contains(p.remote) ? rtts[p.remote] : kRtt) + milliseconds(1));
    probes.clear();
  }
  // Packets both ways for a second, on the best path.
  void talk() {
    for (int i = 0; i < 40; ++i) {
      book.data_sent(now);
      book.heard(now, *book.best());
      run_for(milliseconds(25));
    }
  }
  // Packets from us only.
  void stream(Duration span) {
    for (const TimePoint end = now + span; now < end; run_for(milliseconds(25)))
      book.data_sent(now);
  }
  std::vector<double> probed(const Path& p, TimePoint begin) {
    std::vector<double> out;
    for (const TimePoint t : probes[p.remote])
      out.push_back(std::chrono::duration<double>(t - begin).count());
    return out;
  }
  void only(std::initializer_list<Path> alive) {
    answers = [living = std::vector<Path>(alive)](const Path& p) {
      return std::find(living.begin(), living.end(), p) != living.end();
    };
  }
  Duration until(const std::function<bool()>& condition) {
    const TimePoint begin = now;
    while (!condition() && now < begin + seconds(10)) run_for(milliseconds(1));
    return now - begin;
  }
};

// ---- silence under a conversation ----

TEST_F(PathRoaming, TheSparePathTakesOverAQuarterOfASecondAfterTheLastWord) {
  confirm(path(1));
  confirm(path(2));
  talk();
  ASSERT_EQ(book.best(), path(1));
  only({path(2)});
  const TimePoint begin = now;
  book.data_sent(now);
  EXPECT_LE(until([&] { return book.best() == path(2); }), milliseconds(100 + 2 * 60 + 1));
  EXPECT_THAT(probed(path(1), begin), ElementsAre(0.1, 0.16, 0.22));
  EXPECT_THAT(probed(path(2), begin), ElementsAre(0.1)) << "together with the first";
}

TEST_F(PathRoaming, WhatDiedWithTheBestIsNotTried) {
  confirm(path(1));
  confirm(path(2));
  confirm(path(3));
  talk();
  only({path(3)});
  book.data_sent(now);
  int tried = 0;
  until([&] {
    if (book.best() == path(2)) ++tried;
    return book.best() == path(3);
  });
  EXPECT_EQ(tried, 0);
}

TEST_F(PathRoaming, NorUnderAFlowThatGoesOneWay) {
  for (const auto& p : {path(1), path(2), path(3)}) confirm(p);
  stream(seconds(20));
  only({path(3)});
  for (const TimePoint end = now + seconds(3); now < end && book.best() != path(3);) {
    stream(milliseconds(25));
    ASSERT_NE(book.best(), path(2));
  }
  EXPECT_EQ(book.best(), path(3));
}

TEST_F(PathRoaming, NorWhenThePeerTells) {
  for (const auto& p : {path(1), path(2), path(3)}) confirm(p);
  run_for(seconds(5));
  only({path(3)});
  book.asked_on(now, path(3));
  until([&] {
    EXPECT_NE(book.best(), path(2));
    return book.best() == path(3);
  });
  EXPECT_EQ(book.best(), path(3));
}

// A handshake went there and back, and frames still come, but nobody answers: they are relayed.
TEST_F(PathRoaming, FramesOnAPathThatNeverAnsweredKeepItNoLonger) {
  only({});
  book.confirm(now, PathKind::direct, path(1));
  ASSERT_EQ(book.best(), path(1));
  for (const TimePoint end = now + seconds(3); now < end; run_for(milliseconds(50)))
    book.heard(now, path(1));
  EXPECT_EQ(book.best(), std::nullopt);
}

TEST_F(PathRoaming, APathThatTwoHandshakesConfirmIsMeasuredAtOnce) {
  book.confirm(now, PathKind::direct, path(1));
  book.confirm(now, PathKind::direct, path(1));
  ASSERT_FALSE(book.best_rtt());
  run_for(milliseconds(200));
  EXPECT_TRUE(book.best_rtt());
}

// The machine reads its clock once for all datagrams that wait.
TEST_F(PathRoaming, AnAnswerAtTheMomentOfItsQuestionIsAMeasurement) {
  book.confirm(now, PathKind::direct, path(1));
  const auto due = book.due(now);
  ASSERT_EQ(due.size(), 1U);
  book.sent(now, due[0], 77);
  ASSERT_FALSE(book.best_rtt());
  ASSERT_TRUE(book.answered(now, due[0], 77));
  EXPECT_TRUE(book.best_rtt());
}

TEST_F(PathRoaming, AFlowThatGoesOneWayCostsAQuestionEachEightTenthsOfASecond) {
  confirm(path(1));
  confirm(path(2));
  stream(seconds(60));
  EXPECT_LE(probes[path(1).remote].size(), 60 / 0.8 + 2);
  EXPECT_GE(probes[path(1).remote].size(), 60 / 0.9);
  EXPECT_LE(probes[path(2).remote].size(), 3U);
}

TEST_F(PathRoaming, WithoutASpareTheOthersAreAskedBeforeItIsLost) {
  confirm(path(1));
  only({path(1)});
  known[path(2).remote] = path(2);
  book.add(now, PathKind::direct, path(2));
  run_for(minutes(3));
  talk();
  only({path(2)});
  book.data_sent(now);
  EXPECT_LE(until([&] { return book.best() == path(2); }), milliseconds(300));
}

TEST_F(PathRoaming, ALostPathOfAnEdgeInUseIsAskedEachSecond) {
  confirm(path(1));
  talk();
  only({});
  book.data_sent(now);
  until([&] { return !book.best(); });
  const TimePoint lost = now;
  probes.clear();
  run_for(seconds(7));
  std::vector<double> pauses = probed(path(1), lost);
  std::adjacent_difference(pauses.begin(), pauses.end(), pauses.begin());
  ASSERT_EQ(pauses.size(), 9U);
  EXPECT_THAT(std::vector(pauses.begin() + 1, pauses.end()),
              Pointwise(DoubleNear(0.001), {0.2, 0.4, 0.8, 1.0, 1.0, 1.0, 1.0, 1.0}));
}

TEST_F(PathRoaming, DoubtIsToldWhereNothingElseAnswers) {
  confirm(path(1));
  talk();
  EXPECT_FALSE(book.doubtful());
  only({});
  book.data_sent(now);
  EXPECT_LE(until([&] { return book.doubtful(); }), milliseconds(230));
  EXPECT_TRUE(book.best());
}

TEST_F(PathRoaming, AnIdleEdgeIsNotInAHurry) {
  confirm(path(1));
  run_for(minutes(10));
  probes.clear();
  only({});
  until([&] { return !probes.empty(); });
  run_for(minutes(1));
  const TimePoint begin = probes[path(1).remote].front();
  auto times = probed(path(1), begin);
  times.resize(4);
  EXPECT_THAT(times, ElementsAre(0, 0.5, 1, 1.5));
}

// ---- the peer is elsewhere ----

TEST_F(PathRoaming, FramesFromANewEndpointAreFollowedWhenTheOldOneDoesNotAnswer) {
  confirm(path(1));
  talk();
  only({path(2)});
  known[path(2).remote] = path(2);
  const TimePoint begin = now;
  EXPECT_TRUE(book.add(now, PathKind::direct, path(2)));
  book.heard(now, path(2));
  EXPECT_LE(until([&] { return book.best() == path(2); }), milliseconds(61));
  EXPECT_THAT(probed(path(1), begin), ElementsAre(0, 0.06)) << "both at the same moment";
  EXPECT_THAT(probed(path(2), begin), ElementsAre(0));
}

TEST_F(PathRoaming, AQuestionFromANewEndpointIsFollowedLikewise) {
  confirm(path(1));
  run_for(minutes(10));
  only({path(2)});
  known[path(2).remote] = path(2);
  const bool news = book.add(now, PathKind::direct, path(2));
  book.asked_on(now, path(2), news);
  EXPECT_LE(until([&] { return book.best() == path(2); }), milliseconds(61));
}

TEST_F(PathRoaming, WhatWasJustAskedIsNotAskedAgain) {
  confirm(path(1));
  talk();
  only({});
  const TimePoint begin = now;
  book.data_sent(now);
  run_for(milliseconds(110));
  book.add(now, PathKind::direct, path(2));
  book.heard(now, path(2));
  run_for(milliseconds(40));
  EXPECT_THAT(probed(path(1), begin), ElementsAre(0.1));
}

TEST_F(PathRoaming, QuestionsOnASparePathDrawOneOfOursASecond) {
  confirm(path(1));
  confirm(path(2));
  talk();
  run_for(seconds(2));
  probes.clear();
  for (int i = 0; i < 40; ++i) {
    book.asked_on(now, path(2));
    run_for(milliseconds(100));
  }
  EXPECT_EQ(probes[path(1).remote].size(), 4U);
}

TEST_F(PathRoaming, ANewEndpointBesideALivingOneChangesNothing) {
  confirm(path(1));
  talk();
  known[path(2).remote] = path(2);
  book.add(now, PathKind::direct, path(2));
  book.heard(now, path(2));
  for (int i = 0; i < 40; ++i) {
    book.heard(now, path(2));
    run_for(milliseconds(25));
    ASSERT_EQ(book.best(), path(1));
  }
}

TEST_F(PathRoaming, BeforeItsAnswerNothingGoesToANewEndpoint) {
  confirm(path(1));
  talk();
  only({});
  book.add(now, PathKind::direct, path(2));
  for (int i = 0; i < 200; ++i) {
    book.heard(now, path(2));
    run_for(milliseconds(25));
    ASSERT_NE(book.best(), path(2));
  }
}

// ---- our own address is gone ----

TEST_F(PathRoaming, APathFromAnAddressThatIsGoneGivesWayAtOnce) {
  confirm(path(1, kOurs));
  confirm(path(2, kOurOther));
  ASSERT_EQ(book.best(), path(1, kOurs));
  const IpAddress left[] = {kOurOther};
  book.addresses_are(now, left);
  EXPECT_EQ(book.best(), path(2, kOurOther));
}

TEST_F(PathRoaming, TheOnlyPathGoesOnFromWhereverTheKernelChooses) {
  confirm(path(1, kOurs));
  const IpAddress left[] = {kOurOther};
  book.addresses_are(now, left);
  EXPECT_EQ(book.best(), path(1, {}));
  EXPECT_TRUE(book.doubtful());
  probes.clear();
  known[path(1).remote] = path(1, kOurOther);
  const TimePoint begin = now;
  run_for(kRtt + milliseconds(1));
  EXPECT_EQ(book.best(), path(1, kOurOther));
  EXPECT_FALSE(book.doubtful());
  EXPECT_THAT(probed(path(1), begin), ElementsAre(0));
}

TEST_F(PathRoaming, WhatStaysIsAskedAndKept) {
  confirm(path(1, kOurs));
  confirm(path(2, kOurOther));
  const IpAddress left[] = {kOurs, kOurOther};
  const TimePoint begin = now;
  book.addresses_are(now, left);
  EXPECT_EQ(book.best(), path(1, kOurs));
  EXPECT_FALSE(book.doubtful());
  run_for(milliseconds(1));
  EXPECT_THAT(probed(path(1), begin), ElementsAre(0));
  EXPECT_THAT(probed(path(2), begin), ElementsAre(0));
}

TEST_F(PathRoaming, DoubtAsksAllInAHurry) {
  confirm(path(1));
  confirm(path(2));
  run_for(minutes(30));
  only({path(2)});
  probes.clear();
  const TimePoint begin = now;
  book.doubt(now);
  until([&] { return book.best() == path(2); });
  EXPECT_LE(now - begin, milliseconds(250));
}

// ---- spares ----

TEST_F(PathRoaming, TwoSparesAreKeptWarmRatherOfTheOtherFamilyAndThenTheFastOnes) {
  const Path slow = path(9);
  rtts[slow.remote] = 2 * kRtt;
  for (const auto& p : {path(1), path(2, kOurOther), path(3, kOurOther)}) confirm(p);
  confirm(slow);
  rtts[path6(1).remote] = 3 * kRtt;
  confirm(path6(1));
  ASSERT_EQ(book.best(), path(1));
  run_for(minutes(9));  // the spares were last asked when they were found
  probes.clear();
  for (int i = 0; i < 120; ++i) talk();
  EXPECT_FALSE(probes[path6(1).remote].empty());
  std::size_t warm = 0;
  for (const Path& p : {path(2), path(3), slow})
    if (probes[p.remote].size() > 1) ++warm;
  EXPECT_EQ(warm, 1U);
}

TEST_F(PathRoaming, SparesThatWereNotHeardForLongAreAskedWhenUseBegins) {
  confirm(path(1));
  confirm(path(2));
  run_for(minutes(9));
  const TimePoint begin = now;
  probes.clear();
  book.data_sent(now);
  book.heard(now, path(1));
  run_for(milliseconds(1));
  EXPECT_THAT(probed(path(2), begin), ElementsAre(0));
  run_for(seconds(1));
  probes.clear();
  book.data_sent(now);
  book.heard(now, path(1));
  run_for(milliseconds(1));
  EXPECT_THAT(probes, IsEmpty()) << "once is enough";
}

}  // namespace
}  // namespace meshnode::discovery
