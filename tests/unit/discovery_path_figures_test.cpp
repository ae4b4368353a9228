// What is told of the ways to a peer: round trips, loss, candidates, and why the path changed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "discovery/path_book.h"

namespace meshnode::discovery {
namespace {

using ::testing::ElementsAre;

Path path(std::uint8_t host) {
  return {{IpAddress::v4({192, 0, 2, host}), 3731}, {}, 0};
}

struct Figures : ::testing::Test {
  PathBook book;
  TimePoint now{hours(1)};
  std::uint64_t number = 0;

  void answer_after(const Path& p, Duration rtt) {
    book.sent(now, p, ++number);
    ASSERT_TRUE(book.answered(now + rtt, p, number));
  }
  void confirm(const Path& p, Duration rtt, PathKind kind = PathKind::direct) {
    book.add(now, kind, p);
    answer_after(p, rtt);
  }
  // Asks it as often as the book wants, without an answer.
  void be_silent(std::uint8_t host, Duration span) {
    for (const TimePoint end = now + span; now < end; now += milliseconds(10))
      for (const Path& p : book.due(now)) {
        book.sent(now, p, ++number);
        if (p.remote != path(host).remote) {
          ASSERT_TRUE(book.answered(now, p, number));
        }
      }
  }
  std::vector<PathCause> causes() const {
    std::vector<PathCause> out;
    if (book.history() != nullptr)
      for (const PathChange& change : book.history()->last) out.push_back(change.cause);
    return out;
  }
};

TEST_F(Figures, ThereAreNoneWithoutAPath) {
  book.add(now, PathKind::direct, path(1));
  book.sent(now, path(1), ++number);
  EXPECT_FALSE(book.best_figures(now));
  EXPECT_EQ(book.history(), nullptr) << "and no memory for them";
}

TEST_F(Figures, RoundTripsAreLastLeastAverageAndJitter) {
  confirm(path(1), milliseconds(80));
  answer_after(path(1), milliseconds(160));
  answer_after(path(1), milliseconds(96));
  const auto figures = book.best_figures(now);
  ASSERT_TRUE(figures);
  EXPECT_EQ(figures->rtt_last, milliseconds(96));
  EXPECT_EQ(figures->rtt_least, milliseconds(80));
  EXPECT_EQ(figures->rtt_average, std::chrono::microseconds(90'750));
  // 0, then 80/16 = 5, then 5 + (64 - 5)/16
  EXPECT_EQ(figures->rtt_jitter, std::chrono::nanoseconds(8'687'500));
}

TEST_F(Figures, AProbeIsLostWhenNoAnswerCameIn3Seconds) {
  confirm(path(1), milliseconds(20));
  EXPECT_EQ(book.best_figures(now)->asked, 0U) << "whoever was never reached loses nothing";
  answer_after(path(1), milliseconds(20));
  book.sent(now, path(1), ++number);
  EXPECT_EQ(book.best_figures(now + seconds(3))->asked, 1U) << "its fate is open";
  EXPECT_EQ(book.best_figures(now + milliseconds(3001))->asked, 2U);
  EXPECT_EQ(book.best_figures(now + milliseconds(3001))->lost, 1U);
  EXPECT_TRUE(book.answered(now + seconds(4), path(1), number)) << "late, and still an answer";
  EXPECT_EQ(book.best_figures(now + seconds(5))->asked, 2U);
  EXPECT_EQ(book.best_figures(now + seconds(5))->lost, 1U);
}

TEST_F(Figures, TheLossIsOfTheLast64) {
  confirm(path(1), milliseconds(20));
  for (int i = 0; i < 12; ++i) book.sent(now, path(1), ++number);
  now += seconds(10);
  EXPECT_EQ(book.best_figures(now)->lost, 12U) << "four whose place is taken, eight outstanding";
  for (int i = 0; i < 8; ++i) answer_after(path(1), milliseconds(20));
  EXPECT_EQ(book.best_figures(now)->lost, 12U);
  EXPECT_EQ(book.best_figures(now)->asked, 20U);
  for (int i = 0; i < 100; ++i) answer_after(path(1), milliseconds(20));
  EXPECT_EQ(book.best_figures(now)->lost, 0U);
  EXPECT_EQ(book.best_figures(now)->asked, ProbeFigures::kWindow);
}

TEST_F(Figures, CandidatesTellProbesAndAnswers) {
  confirm(path(1), milliseconds(20));
  confirm(path(2), milliseconds(300));
  book.add(now, PathKind::direct, path(3));
  book.sent(now, path(3), ++number);
  book.sent(now, path(3), ++number);
  const auto candidates = book.candidates();
  ASSERT_EQ(candidates.size(), 3U);
  EXPECT_EQ(candidates[0].state, CandidateState::carries);
  EXPECT_EQ(candidates[1].state, CandidateState::spare);
  EXPECT_EQ(candidates[1].rtt, milliseconds(300));
  EXPECT_EQ(candidates[2].state, CandidateState::sought);
  EXPECT_EQ(candidates[2].probes, 2U);
  EXPECT_EQ(candidates[2].answers, 0U);
  EXPECT_FALSE(candidates[2].rtt);
  EXPECT_EQ(candidates[0].probes, 1U);
  EXPECT_EQ(candidates[0].answers, 1U);
}

TEST_F(Figures, EachChangeHasItsCause) {
  confirm(path(1), milliseconds(80));
  confirm(path(2), milliseconds(20));
  confirm(path(3), milliseconds(50), PathKind::lan);
  EXPECT_THAT(causes(), ElementsAre(PathCause::first, PathCause::faster, PathCause::lan));
  be_silent(3, minutes(2));
  EXPECT_EQ(causes().back(), PathCause::unanswered);
  EXPECT_TRUE(book.best()->same_remote(path(2)));
  book.forget_all(now);
  EXPECT_EQ(causes().back(), PathCause::goodbye);
  EXPECT_FALSE(book.history()->last.back().to);
  EXPECT_EQ(book.history()->changes, 5U);
}

TEST_F(Figures, AnAddressThatIsGoneIsACause) {
  Path here = path(1);
  here.local = IpAddress::v4({198, 51, 100, 1});
  Path there = path(2);
  there.local = IpAddress::v4({198, 51, 100, 2});
  confirm(here, milliseconds(20));
  confirm(there, milliseconds(30));
  book.addresses_are(now, std::vector{there.local});
  EXPECT_TRUE(book.best()->same_remote(there));
  EXPECT_EQ(causes().back(), PathCause::address_gone);
}

TEST_F(Figures, ALostPathWithoutASpareIsAChange) {
  confirm(path(1), milliseconds(20));
  be_silent(1, minutes(2));
  EXPECT_FALSE(book.best());
  EXPECT_THAT(causes(), ElementsAre(PathCause::first, PathCause::unanswered));
  answer_after(path(1), milliseconds(20));
  EXPECT_THAT(causes(), ElementsAre(PathCause::first, PathCause::unanswered, PathCause::first));
}

TEST_F(Figures, AnotherAddressOfOurOwnIsNoChange) {
  confirm(path(1), milliseconds(20));
  Path with_local = path(1);
  with_local.local = IpAddress::v4({192, 0, 2, 100});
  answer_after(with_local, milliseconds(20));
  EXPECT_EQ(book.best(), with_local);
  EXPECT_EQ(book.history()->changes, 1U);
}

TEST_F(Figures, EightChangesAreKept) {
  for (int i = 0; i < 10; ++i) {
    confirm(path(1), milliseconds(20));
    now += seconds(1);
    book.forget_all(now);
  }
  EXPECT_EQ(book.history()->changes, 20U);
  EXPECT_EQ(book.history()->last.size(), PathHistory::kKept);
  EXPECT_EQ(book.history()->last.back().when, now);
}

}  // namespace
}  // namespace meshnode::discovery
