// The life of a candidate path, in virtual time.
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "discovery/path_book.h"

namespace meshnode::discovery {
namespace {

using ::testing::ElementsAre;

constexpr TimePoint kStart{hours(1)};
constexpr Duration kRtt = milliseconds(4);

Path path(std::uint8_t host) {
  return {{IpAddress::v4({192, 0, 2, host}), 3731}, {}, 0};
}

std::vector<double> in_seconds(const std::vector<TimePoint>& times, TimePoint begin) {
  std::vector<double> out;
  for (const TimePoint t : times) out.push_back(std::chrono::duration<double>(t - begin).count());
  return out;
}

// Does what the engine does: sends what is due when it is due; `answers` plays the peer.
struct PathBookLife : ::testing::Test {
  PathBook book;
  TimePoint now = kStart;
  std::uint64_t number = 0;
  std::function<bool(const Path&)> answers = [](const Path&) { return false; };
  std::vector<TimePoint> probes;  // when each left
  Duration answer_time = kRtt;

  void run_until(TimePoint end) {
    for (auto next = book.next_deadline(); next && *next <= end; next = book.next_deadline()) {
      ASSERT_GE(*next, now) << "a deadline in the past";
      now = *next;
      std::vector<std::pair<Path, std::uint64_t>> answered;
      for (const Path& p : book.due(now)) {
        book.sent(now, p, ++number);
        probes.push_back(now);
        if (answers(p)) answered.emplace_back(p, number);
      }
      if (!answered.empty()) now += answer_time;
      for (const auto& [p, n] : answered) EXPECT_TRUE(book.answered(now, p, n));
    }
    now = std::max(now, end);
  }
  void run_for(Duration duration) { run_until(now + duration); }
  void be_silent() {
    answers = [](const Path&) { return false; };
  }
  void be_there() {
    answers = [](const Path&) { return true; };
  }
  // Confirmed with a first keep-alive interval, heard just now.
  void confirm_by_answer(std::uint8_t host = 1) {
    be_there();
    book.add(now, PathKind::direct, path(host));
    run_until(now);
    ASSERT_EQ(book.best(), path(host));
    probes.clear();
  }
  std::vector<double> probe_times(TimePoint begin) const { return in_seconds(probes, begin); }
};

TEST_F(PathBookLife, EmptyBook) {
  EXPECT_FALSE(book.best());
  EXPECT_FALSE(book.next_deadline());
  EXPECT_FALSE(book.knows_any());
  EXPECT_TRUE(book.due(now).empty());
}

TEST_F(PathBookLife, UnansweredProbesComeWithDoublingPauses) {
  EXPECT_TRUE(book.add(now, PathKind::direct, path(1)));
  run_for(seconds(7));
  EXPECT_THAT(probe_times(kStart), ElementsAre(0, 0.1, 0.3, 0.7, 1.5, 3.1, 6.3));
  EXPECT_FALSE(book.best());
}

TEST_F(PathBookLife, PausesGrowToTenMinutes) {
  book.add(now, PathKind::direct, path(1));
  run_for(hours(24));
  ASSERT_GT(probes.size(), 20U);
  Duration longest{};
  for (std::size_t i = 1; i < probes.size(); ++i) {
    const Duration pause = probes[i] - probes[i - 1];
    EXPECT_GE(pause, longest);
    longest = pause;
  }
  EXPECT_EQ(longest, minutes(10));
}

TEST_F(PathBookLife, AHintIsProbedAtOnceAgain) {
  book.add(now, PathKind::direct, path(1));
  run_for(seconds(2));
  EXPECT_FALSE(book.add(now, PathKind::direct, path(1))) << "no news";
  const TimePoint hint = now;
  probes.clear();
  run_for(milliseconds(400));
  EXPECT_THAT(probe_times(hint), ElementsAre(0, 0.1, 0.3));
}

TEST_F(PathBookLife, AHintAboutAConfirmedPathChangesNothing) {
  confirm_by_answer();
  book.add(now, PathKind::direct, path(1));
  run_for(seconds(20));
  EXPECT_TRUE(probes.empty());
}

TEST_F(PathBookLife, AnAnswerConfirms) {
  be_there();
  book.add(now, PathKind::direct, path(1));
  run_until(now);
  EXPECT_EQ(book.best(), path(1));
  EXPECT_EQ(book.best_rtt(), kRtt);
  EXPECT_EQ(book.best_kind(), PathKind::direct);
}

TEST_F(PathBookLife, KeepAliveGrowsWhileAnswered) {
  confirm_by_answer();
  TimePoint last = now;
  run_for(seconds(600));
  std::vector<double> gaps;
  for (const TimePoint t : probes) {
    gaps.push_back(std::chrono::duration<double>(t - last).count());
    last = t + kRtt;
  }
  EXPECT_THAT(gaps, ElementsAre(25, 37.5, 56.25, 84.375, 110, 110, 110));
}

TEST_F(PathBookLife, KeepAliveDoesNotGrowWhereProbesAreLost) {
  confirm_by_answer();
  const TimePoint begin = now;
  be_silent();
  run_until(begin + milliseconds(25'100));
  be_there();
  run_until(begin + seconds(60));
  EXPECT_THAT(probe_times(begin), ElementsAre(25, 25.5, 50.504)) << "the retry was answered";
}

TEST_F(PathBookLife, LostAfterFourUnanswered) {
  confirm_by_answer();
  const TimePoint begin = now;
  be_silent();
  run_until(begin + seconds(25) + milliseconds(1999));
  EXPECT_THAT(probe_times(begin), ElementsAre(25, 25.5, 26, 26.5));
  EXPECT_TRUE(book.best()) << "a late answer may still come";
  run_until(begin + seconds(27));
  EXPECT_FALSE(book.best());
  EXPECT_FALSE(book.best_rtt());
  EXPECT_FALSE(book.best_kind());
}

TEST_F(PathBookLife, ALostPathIsLookedForLikeANewOne) {
  confirm_by_answer();
  const TimePoint lost = now + seconds(27);
  be_silent();
  run_until(lost - milliseconds(1));
  probes.clear();
  run_until(lost + seconds(1));
  EXPECT_THAT(probe_times(lost), ElementsAre(0, 0.1, 0.3, 0.7));
  be_there();
  run_until(lost + seconds(2));
  EXPECT_EQ(book.best(), path(1));
}

TEST_F(PathBookLife, KeepAliveIsHalvedByALoss) {
  confirm_by_answer();
  run_for(hours(1));  // grown to 110 s
  be_silent();
  while (book.best()) run_for(milliseconds(100));
  be_there();
  run_for(seconds(10));
  ASSERT_TRUE(book.best());
  probes.clear();
  const TimePoint begin = now;
  run_for(seconds(100));
  ASSERT_EQ(probes.size(), 1U);
  EXPECT_GT(probes[0] - begin, seconds(44));
  EXPECT_LE(probes[0] - begin, seconds(55));
}

TEST_F(PathBookLife, LossesNeverMakeKeepAliveShorterThanHalfTheFirst) {
  for (int i = 0; i < 5; ++i) {
    confirm_by_answer();
    const TimePoint begin = now;
    be_silent();
    while (book.best()) run_for(milliseconds(100));
    EXPECT_GE(probes.front() - begin, milliseconds(12'500)) << "round " << i;
  }
}

TEST_F(PathBookLife, SilenceInUseIsNoticedWithinTwoSeconds) {
  confirm_by_answer();
  run_for(seconds(5));
  const TimePoint begin = now;
  be_silent();
  book.data_sent(now);
  run_until(begin + milliseconds(1059));
  EXPECT_THAT(probe_times(begin), ElementsAre(0.1, 0.16, 0.22, 0.34, 0.58));
  EXPECT_TRUE(book.best()) << "a late answer may still come";
  run_until(begin + milliseconds(1060));
  EXPECT_FALSE(book.best());
}

TEST_F(PathBookLife, ASlowPathIsGivenTime) {
  be_there();
  answer_time = milliseconds(400);
  book.add(now, PathKind::direct, path(1));
  run_until(now);
  probes.clear();
  const TimePoint begin = now;
  be_silent();
  book.data_sent(now);
  run_until(begin + seconds(3));
  EXPECT_THAT(probe_times(begin), ElementsAre(0.8, 1.4, 2, 2.6));
  EXPECT_TRUE(book.best());
}

TEST_F(PathBookLife, TheFirstUnansweredDataCounts) {
  confirm_by_answer();
  const TimePoint begin = now;
  be_silent();
  for (int i = 0; i < 50; ++i) {
    book.data_sent(now);
    run_until(begin + milliseconds(10 * i));
  }
  ASSERT_FALSE(probes.empty());
  EXPECT_EQ(probes.front(), begin + milliseconds(100)) << "more data does not put it off";
}

TEST_F(PathBookLife, HearingSomethingEndsTheSuspicion) {
  confirm_by_answer();
  const TimePoint begin = now;
  be_silent();
  book.data_sent(now);
  run_until(begin + milliseconds(90));
  book.heard(now, path(1));
  run_until(begin + seconds(20));
  EXPECT_TRUE(probes.empty());
  book.data_sent(now);
  run_for(milliseconds(900));
  EXPECT_FALSE(probes.empty()) << "the next silence counts from the next data";
  book.heard(now, path(1));
  probes.clear();
  run_for(seconds(20));
  EXPECT_TRUE(probes.empty()) << "unanswered probes are forgiven too";
  EXPECT_TRUE(book.best());
}

TEST_F(PathBookLife, HearingOnAnUnconfirmedPathConfirmsNothing) {
  book.add(now, PathKind::direct, path(1));
  book.heard(now, path(1));
  book.heard(now, path(2));
  book.data_sent(now);
  run_until(now);
  EXPECT_FALSE(book.best());
}

TEST_F(PathBookLife, ProbesHeldBackComeTenSecondsLater) {
  book.add(now, PathKind::direct, path(1));
  ASSERT_THAT(book.due(now), ElementsAre(path(1)));
  book.postponed(now, path(1));
  EXPECT_EQ(book.next_deadline(), now + seconds(10));
}

TEST_F(PathBookLife, ProbeAllAsksEverybodyNow) {
  confirm_by_answer(1);
  be_silent();
  book.add(now, PathKind::direct, path(2));
  run_for(seconds(8));
  probes.clear();
  book.probe_all(now);
  EXPECT_EQ(book.next_deadline(), now);
  run_until(now);
  EXPECT_EQ(probes.size(), 2U);
  EXPECT_EQ(book.best(), path(1)) << "asking is no loss";
}

TEST_F(PathBookLife, ForgetAllLeavesNothing) {
  confirm_by_answer();
  book.add(now, PathKind::direct, path(2));
  for (const Path& p : book.due(now)) book.sent(now, p, ++number);
  book.forget_all(now);
  EXPECT_FALSE(book.best());
  EXPECT_FALSE(book.knows_any());
  EXPECT_FALSE(book.next_deadline());
  EXPECT_FALSE(book.answered(now, path(2), number)) << "answers to what was asked before";
  EXPECT_TRUE(book.add(now, PathKind::direct, path(1)));
  EXPECT_EQ(book.next_deadline(), now);
}

}  // namespace
}  // namespace meshnode::discovery
