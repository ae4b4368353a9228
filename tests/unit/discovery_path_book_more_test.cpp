// What a record suggests, ways that are opened first, spare paths, and what a loss teaches.
#include <functional>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "discovery/path_book.h"

namespace meshnode::discovery {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr TimePoint kStart{hours(1)};
constexpr Duration kRtt = milliseconds(4);

Path path(std::uint8_t host) {
  return {{IpAddress::v4({192, 0, 2, host}), 3731}, {}, 0};
}
Target target(std::uint8_t host, bool open_first = false) {
  return {PathKind::direct, path(host), open_first};
}

// Does what the engine does: opens and probes what is due; `answers` plays the peer.
struct PathBookMore : ::testing::Test {
  PathBook book;
  TimePoint now = kStart;
  std::uint64_t number = 0;
  std::function<bool(const Path&)> answers = [](const Path&) { return false; };
  std::map<Path, std::vector<TimePoint>> probes;
  std::map<Path, std::vector<TimePoint>> openers;

  void run_until(TimePoint end) {
    for (auto next = book.next_deadline(); next && *next <= end; next = book.next_deadline()) {
      ASSERT_GE(*next, now) << "a deadline in the past";
      now = *next;
      for (const Path& p : book.to_open(now)) openers[p].push_back(now);
      std::vector<std::pair<Path, std::uint64_t>> answered;
      for (const Path& p : book.due(now)) {
        book.sent(now, p, ++number);
        probes[p].push_back(now);
        if (answers(p)) answered.emplace_back(p, number);
      }
      if (!answered.empty()) now += kRtt;
      for (const auto& [p, n] : answered) EXPECT_TRUE(book.answered(now, p, n));
    }
    now = std::max(now, end);
  }
  void run_for(Duration duration) { run_until(now + duration); }
  void suggest(std::initializer_list<Target> targets) {
    book.suggest(now, std::vector<Target>(targets));
  }
  void be_there() {
    answers = [](const Path&) { return true; };
  }
  void be_silent() {
    answers = [](const Path&) { return false; };
  }
  void confirm(std::uint8_t host) {
    be_there();
    book.add(now, PathKind::direct, path(host));
    run_until(now);
    be_silent();
    probes.clear();
  }
  // In use for that long: data goes out and comes in, each second.
  void be_used_for(Duration duration) {
    for (const TimePoint end = now + duration; now < end; run_for(seconds(1))) {
      book.data_sent(now);
      book.heard(now, *book.best());
    }
  }
  static std::vector<double> since(TimePoint begin, const std::vector<TimePoint>& times) {
    std::vector<double> out;
    for (const TimePoint t : times) out.push_back(std::chrono::duration<double>(t - begin).count());
    return out;
  }
  std::vector<double> probed(std::uint8_t host, TimePoint begin = kStart) {
    return since(begin, probes[path(host)]);
  }
  std::vector<double> opened(std::uint8_t host, TimePoint begin = kStart) {
    return since(begin, openers[path(host)]);
  }
};

// ---- suggestions ----

TEST_F(PathBookMore, SuggestedOnesAreProbedBestFirstAndPaced) {
  suggest({target(3), target(1), target(2)});
  run_for(milliseconds(90));
  EXPECT_THAT(probed(3), ElementsAre(0));
  EXPECT_THAT(probed(1), ElementsAre(0.02));
  EXPECT_THAT(probed(2), ElementsAre(0.04));
  EXPECT_THAT(openers, IsEmpty());
}

TEST_F(PathBookMore, ANewRecordReplacesWhatTheOldOneSaid) {
  suggest({target(1), target(2)});
  run_for(seconds(1));
  suggest({target(2), target(3)});
  probes.clear();
  run_for(hours(1));
  EXPECT_TRUE(probes[path(1)].empty());
  EXPECT_FALSE(probes[path(2)].empty());
  EXPECT_FALSE(probes[path(3)].empty());
}

TEST_F(PathBookMore, AnEmptyRecordLeavesNoneOfThem) {
  suggest({target(1), target(2)});
  suggest({});
  EXPECT_FALSE(book.knows_any());
  EXPECT_FALSE(book.next_deadline());
}

TEST_F(PathBookMore, WhatWasSeenAndWhatIsConfirmedStays) {
  book.add(now, PathKind::direct, path(1));  // it spoke to us
  suggest({target(2), target(3)});
  answers = [](const Path& p) { return p == path(2); };
  run_for(seconds(1));
  ASSERT_EQ(book.best(), path(2));
  suggest({target(4)});
  EXPECT_EQ(book.best(), path(2));
  probes.clear();
  run_for(hours(1));
  EXPECT_FALSE(probes[path(1)].empty());
  EXPECT_FALSE(probes[path(2)].empty());
  EXPECT_TRUE(probes[path(3)].empty());
  EXPECT_FALSE(probes[path(4)].empty());
}

TEST_F(PathBookMore, AConfirmedOneIsNotProbedBecauseARecordNamesIt) {
  confirm(1);
  suggest({target(1), target(2)});
  run_for(seconds(1));
  EXPECT_TRUE(probes[path(1)].empty());
  ASSERT_FALSE(probes[path(2)].empty());
  EXPECT_EQ(probes[path(2)].front(), kStart + kRtt) << "nor does it take a turn";
}

TEST_F(PathBookMore, ASuggestionMakesAnOldCandidateFresh) {
  suggest({target(1)});
  run_for(hours(1));
  const TimePoint again = now;
  probes.clear();
  suggest({target(1)});
  run_for(milliseconds(400));
  EXPECT_THAT(probed(1, again), ElementsAre(0, 0.1, 0.3));
}

TEST_F(PathBookMore, NoMoreThanTwelveHoweverManyRecordsCome) {
  for (std::uint8_t first = 1; first < 200; first = static_cast<std::uint8_t>(first + 8)) {
    std::vector<Target> eight;
    for (std::uint8_t i = 0; i < 8; ++i)
      eight.push_back(target(static_cast<std::uint8_t>(first + i)));
    book.suggest(now, eight);
    book.add(now, PathKind::direct, path(static_cast<std::uint8_t>(250 - first % 8)));
  }
  EXPECT_LE(book.due(now + seconds(1)).size(), PathBook::kMaxCandidates);
}

TEST_F(PathBookMore, InAFullBookTheNewestRecordTakesThePlacesOfHintsAndNotItsOwn) {
  for (std::uint8_t host = 101; host <= 112; ++host) book.add(now, PathKind::direct, path(host));
  std::vector<Target> fourteen;
  for (std::uint8_t host = 1; host <= 14; ++host) fourteen.push_back(target(host));
  book.suggest(now, fourteen);
  run_for(seconds(1));
  for (std::uint8_t host = 1; host <= 14; ++host)
    EXPECT_EQ(probes.contains(path(host)), host <= PathBook::kMaxCandidates) << int{host};
  for (std::uint8_t host = 101; host <= 112; ++host)
    EXPECT_FALSE(probes.contains(path(host))) << int{host};
}

TEST_F(PathBookMore, AHintTakesThePlaceOfAnotherHintBeforeThatOfASuggestion) {
  suggest({target(1), target(2)});
  for (std::uint8_t host = 101; host <= 120; ++host) book.add(now, PathKind::direct, path(host));
  run_for(seconds(1));
  EXPECT_TRUE(probes.contains(path(1)));
  EXPECT_TRUE(probes.contains(path(2)));
  EXPECT_FALSE(probes.contains(path(110))) << "the oldest hints went";
  EXPECT_TRUE(probes.contains(path(111)));
  EXPECT_TRUE(probes.contains(path(120)));
}

// ---- ways that are opened first ----

TEST_F(PathBookMore, FirstTheOpenerThenTheProbe) {
  suggest({target(1, true)});
  run_for(milliseconds(150));
  EXPECT_THAT(opened(1), ElementsAre(0));
  EXPECT_THAT(probed(1), ElementsAre(0.1));
}

TEST_F(PathBookMore, EachWayHasItsTurnAndItsLead) {
  suggest({target(1, true), target(2), target(3, true)});
  run_for(milliseconds(150));
  EXPECT_THAT(opened(1), ElementsAre(0));
  EXPECT_THAT(probed(2), ElementsAre(0.02, 0.12));
  EXPECT_THAT(opened(2), IsEmpty());
  EXPECT_THAT(opened(3), ElementsAre(0.04));
  EXPECT_THAT(probed(3), ElementsAre(0.14));
}

TEST_F(PathBookMore, AfterABurstBothRestLongerThanARouterRemembers) {
  suggest({target(1, true)});
  run_for(seconds(30));
  EXPECT_THAT(probed(1), ElementsAre(0.1, 0.2, 0.4, 0.8, 1.6)) << "a burst, and no more";
  run_for(seconds(15));
  EXPECT_THAT(opened(1), ElementsAre(0, 36.6)) << "the way is opened before the next one";
  EXPECT_THAT(probed(1), ElementsAre(0.1, 0.2, 0.4, 0.8, 1.6, 41.6, 41.7, 41.9, 42.3, 43.1));
}

TEST_F(PathBookMore, RestsDoubleUpToTenMinutesAndTheWayIsKeptOpenBeforeTheirEnd) {
  suggest({target(1, true)});
  run_for(hours(2));
  const auto& all = probes[path(1)];
  std::vector<double> rests;
  for (std::size_t i = 1; i < all.size(); ++i) {
    if (all[i] - all[i - 1] < seconds(10)) continue;
    rests.push_back(std::chrono::duration<double>(all[i] - all[i - 1]).count());
    std::vector<double> during;
    for (const TimePoint t : openers[path(1)])
      if (t > all[i - 1] && t <= all[i])
        during.push_back(std::chrono::duration<double>(t - all[i - 1]).count());
    ASSERT_FALSE(during.empty());
    EXPECT_GE(during.front(), 35) << "earlier it would keep up what the router has to forget";
    for (std::size_t k = 1; k < during.size(); ++k) EXPECT_EQ(during[k] - during[k - 1], 20);
    EXPECT_LE(rests.back() - during.back(), 20) << "open when the probes come";
  }
  ASSERT_GE(rests.size(), 7U);
  EXPECT_THAT(std::vector(rests.begin(), rests.begin() + 7),
              ElementsAre(40, 80, 160, 320, 600, 600, 600));
}

TEST_F(PathBookMore, OpenersEndWhenThePathIsConfirmed) {
  suggest({target(1, true)});
  run_for(seconds(30));
  be_there();
  run_for(seconds(15));
  ASSERT_EQ(book.best(), path(1));
  openers.clear();
  run_for(hours(1));
  EXPECT_THAT(openers, IsEmpty());
}

TEST_F(PathBookMore, WhatThePeerSendsEndsTheRest) {
  suggest({target(1, true)});
  run_for(seconds(10));
  probes.clear();
  be_there();
  EXPECT_FALSE(book.add(now, PathKind::direct, path(1)));
  run_until(now);
  EXPECT_EQ(book.best(), path(1));
}

TEST_F(PathBookMore, ANewRecordOpensAnew) {
  suggest({target(1, true)});
  run_for(minutes(10));
  const TimePoint again = now;
  probes.clear();
  openers.clear();
  suggest({target(1, true)});
  run_for(seconds(30));
  EXPECT_THAT(opened(1, again), ElementsAre(0));
  EXPECT_THAT(probed(1, again), ElementsAre(0.1, 0.2, 0.4, 0.8, 1.6));
  run_for(seconds(15));
  EXPECT_EQ(probes[path(1)].size(), 10U) << "and the rests begin at 40 s again";
}

TEST_F(PathBookMore, AWayThatIsNotToBeOpenedAnyMoreIsNot) {
  suggest({target(1, true)});
  run_for(seconds(10));
  openers.clear();
  suggest({target(1)});
  run_for(hours(1));
  EXPECT_THAT(openers, IsEmpty());
}

// ---- expected back ----

TEST_F(PathBookMore, WhatIsExpectedIsAskedEachFiveSecondsForTenMinutes) {
  book.expect(now, PathKind::direct, path(1));
  const TimePoint begin = now;
  run_for(minutes(10));
  EXPECT_GE(probes[path(1)].size(), 120U);
  EXPECT_LE(probes[path(1)].size(), 130U);
  const std::size_t before = probes[path(1)].size();
  run_until(begin + hours(3));
  EXPECT_LE(probes[path(1)].size() - before, 26U) << "then with growing pauses";
  EXPECT_GE(probes[path(1)].size() - before, 17U) << "but without end";
}

TEST_F(PathBookMore, ALostPathIsExpectedBack) {
  confirm(1);
  be_silent();
  run_for(minutes(5));
  ASSERT_FALSE(book.best());
  be_there();
  run_for(seconds(5));
  EXPECT_EQ(book.best(), path(1));
}

TEST_F(PathBookMore, ARestDoesNotKeepFromExpecting) {
  suggest({target(1, true)});
  run_for(seconds(3));
  book.expect(now, PathKind::direct, path(1));
  const TimePoint begin = now;
  run_for(minutes(2));
  TimePoint last = begin;
  for (const TimePoint probe : probes[path(1)]) {
    if (probe < begin) continue;
    EXPECT_LE(probe - last, PathBook::kExpectPause);
    last = probe;
  }
}

// ---- the peer asks elsewhere ----

// Its cable to our best path was pulled: it knows, we do not.
TEST_F(PathBookMore, ThePeersQuestionOnASparePathMakesUsAskOnTheBest) {
  confirm(1);
  confirm(2);
  ASSERT_EQ(book.best(), path(1));
  run_for(seconds(5));
  be_silent();
  answers = [](const Path& p) { return p == path(2); };
  const TimePoint begin = now;
  book.asked_on(now, path(2));
  run_for(milliseconds(120));
  EXPECT_EQ(book.best(), path(2)) << "long before any data is missed";
  EXPECT_THAT(probed(1, begin), ElementsAre(0, 0.06, 0.12));
}

TEST_F(PathBookMore, QuestionsOnTheBestOrRightAfterAnAnswerChangeNothing) {
  confirm(1);
  confirm(2);
  be_there();
  book.asked_on(now, path(1));
  book.asked_on(now, path(2));
  const TimePoint begin = now;
  run_for(seconds(10));
  EXPECT_THAT(probed(1, begin), IsEmpty());
}

// ---- spare paths ----

TEST_F(PathBookMore, ASparePathIsProbedEachTenMinutesWhileTheEdgeIsIdle) {
  confirm(1);
  confirm(2);
  const TimePoint begin = now;
  be_there();
  run_for(minutes(10) + seconds(1));
  EXPECT_THAT(probed(2, begin), ElementsAre(600));
  EXPECT_GE(probes[path(1)].size(), 7U);
}

TEST_F(PathBookMore, TheBestPathOfAnIdleEdgeStaysWhileAllIsAnswered) {
  confirm(1);
  confirm(2);
  be_there();
  int changes = 0;
  for (auto before = book.best(); now < kStart + hours(5); before = book.best()) {
    run_for(milliseconds(500));
    if (book.best() != before) ++changes;
  }
  EXPECT_EQ(changes, 0);
  EXPECT_LE(probes[path(2)].size(), 30U) << "each change costs probes";
}

TEST_F(PathBookMore, InUseASparePathIsProbedAsOftenAsTheBestOne) {
  confirm(1);
  confirm(2);
  be_there();
  run_for(hours(1));
  probes.clear();
  be_used_for(hours(1));
  const auto& spare = probes[path(2)];
  ASSERT_GT(spare.size(), 20U);
  for (std::size_t i = 1; i < spare.size(); ++i)
    EXPECT_LE(spare[i] - spare[i - 1], PathBook::kKeepAliveMax + kRtt);
}

TEST_F(PathBookMore, UseAfterALongIdleTimeWarmsTheSparePathSoon) {
  confirm(1);
  confirm(2);
  be_there();
  run_for(minutes(11));
  probes.clear();
  const TimePoint begin = now;
  be_used_for(minutes(2));
  ASSERT_FALSE(probes[path(2)].empty());
  EXPECT_LE(probes[path(2)].front() - begin, PathBook::kKeepAliveMax);
}

TEST_F(PathBookMore, TheSparePathTakesOverWhenTheBestOneIsLost) {
  confirm(1);
  confirm(2);
  answers = [](const Path& p) { return p == path(2); };
  while (book.best() == path(1) && now < kStart + minutes(5)) run_for(milliseconds(100));
  ASSERT_EQ(book.best(), path(2));
  const TimePoint change = now;
  probes.clear();
  run_for(seconds(30));
  ASSERT_FALSE(probes[path(2)].empty());
  EXPECT_LE(probes[path(2)].front() - change, seconds(1)) << "it was not heard for long";
}

// ---- what a loss teaches ----

struct LearnedLimit : PathBookMore {
  // Grown to 110 s, then lost once: the router forgets earlier than that.
  LearnedLimit() {
    confirm(1);
    be_there();
    run_for(hours(1));
    be_silent();
    while (book.best()) run_for(milliseconds(100));
    be_there();
    run_for(seconds(1));
    probes.clear();
  }
  std::vector<double> pauses(std::size_t count) {
    while (probes[path(1)].size() <= count) run_for(seconds(1));
    std::vector<double> out;
    const auto& all = probes[path(1)];
    for (std::size_t i = 1; i <= count; ++i)
      out.push_back(std::chrono::duration<double>(all[i] - all[i - 1] - kRtt).count());
    return out;
  }
};

TEST_F(LearnedLimit, ItHoldsForTwentyAnswersAndIsTriedAgainHalfAsLongAgain) {
  const auto all = pauses(60);
  std::vector<double> different;
  std::vector<std::size_t> how_often;
  for (const double pause : all) {
    if (different.empty() || different.back() != pause) {
      different.push_back(pause);
      how_often.push_back(0);
    }
    ++how_often.back();
  }
  EXPECT_THAT(different, ElementsAre(55, 82.5, 110));
  ASSERT_EQ(how_often.size(), 3U);
  EXPECT_GE(how_often[0], PathBook::kAnswersToRelax - 2);
  EXPECT_LE(how_often[0], PathBook::kAnswersToRelax + 1);
  EXPECT_GE(how_often[1], PathBook::kAnswersToRelax - 1);
  EXPECT_LE(how_often[1], PathBook::kAnswersToRelax + 1);
}

TEST_F(LearnedLimit, ASecondLossHalvesItAgain) {
  be_silent();
  while (book.best()) run_for(milliseconds(100));
  be_there();
  run_for(seconds(1));
  probes.clear();
  for (const double pause : pauses(10)) EXPECT_EQ(pause, 27.5);
}

}  // namespace
}  // namespace meshnode::discovery
