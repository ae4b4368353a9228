// Which answers count, which candidates have room, and which path carries the data.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "discovery/path_book.h"

namespace meshnode::discovery {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

constexpr TimePoint kStart{hours(1)};

Path path(std::uint8_t host) {
  return {{IpAddress::v4({192, 0, 2, host}), 3731}, {}, 0};
}

struct PathChoice : ::testing::Test {
  PathBook book;
  TimePoint now = kStart;
  std::uint64_t number = 0;

  void answer_after(const Path& p, Duration rtt) {
    book.sent(now, p, ++number);
    ASSERT_TRUE(book.answered(now + rtt, p, number));
  }
  void confirm(const Path& p, Duration rtt, PathKind kind = PathKind::direct) {
    book.add(now, kind, p);
    answer_after(p, rtt);
  }
};

TEST_F(PathChoice, OnlyAnswersToOurOwnProbesCount) {
  book.add(now, PathKind::direct, path(1));
  EXPECT_FALSE(book.answered(now, path(1), 5)) << "none sent";
  book.sent(now, path(1), 5);
  EXPECT_FALSE(book.answered(now, path(1), 6)) << "another number";
  EXPECT_FALSE(book.answered(now, path(1), 0)) << "empty slots hold number 0";
  EXPECT_FALSE(book.answered(now, path(2), 5)) << "unknown path";
  book.add(now, PathKind::direct, path(2));
  EXPECT_FALSE(book.answered(now, path(2), 5)) << "sent to somebody else";
  Path other_port = path(1);
  other_port.remote.port = 1;
  EXPECT_FALSE(book.answered(now, other_port, 5));
  Path other_scope = path(1);
  other_scope.scope = 2;
  EXPECT_FALSE(book.answered(now, other_scope, 5));
  EXPECT_FALSE(book.best());
  EXPECT_TRUE(book.answered(now, path(1), 5));
  EXPECT_FALSE(book.answered(now, path(1), 5)) << "each counts once";
}

TEST_F(PathChoice, ALateAnswerCountsWhileEightAreOutstanding) {
  book.add(now, PathKind::direct, path(1));
  for (std::uint64_t n = 1; n <= 9; ++n) book.sent(now, path(1), n);
  EXPECT_FALSE(book.answered(now, path(1), 1));
  EXPECT_TRUE(book.answered(now, path(1), 2));
}

TEST_F(PathChoice, TheAnswerTellsOurOwnAddress) {
  book.add(now, PathKind::direct, path(1));
  book.sent(now, path(1), 1);
  Path with_local = path(1);
  with_local.local = IpAddress::v4({192, 0, 2, 100});
  EXPECT_TRUE(book.answered(now, with_local, 1));
  EXPECT_EQ(book.best(), with_local);
  EXPECT_THAT(book.due(now + seconds(30)), ElementsAre(path(1)))
      << "probes leave the choice to the kernel, which may know a new address";
}

TEST_F(PathChoice, RttIsSmoothedByEighths) {
  confirm(path(1), milliseconds(80));
  EXPECT_EQ(book.best_rtt(), milliseconds(80));
  answer_after(path(1), milliseconds(160));
  EXPECT_EQ(book.best_rtt(), milliseconds(90));
}

TEST_F(PathChoice, AFinishedHandshakeConfirmsAndWantsAnRtt) {
  book.confirm(now, PathKind::direct, path(1));
  EXPECT_EQ(book.best(), path(1));
  EXPECT_FALSE(book.best_rtt());
  EXPECT_EQ(book.next_deadline(), now) << "measure it";
  answer_after(path(1), milliseconds(5));
  EXPECT_EQ(book.best_rtt(), milliseconds(5));
  book.confirm(now, PathKind::direct, path(1));
  EXPECT_GT(*book.next_deadline(), now + seconds(20)) << "once is enough";
}

TEST_F(PathChoice, AtMostTwelveCandidatesAndTheOldestGoes) {
  for (std::uint8_t host = 1; host <= 20; ++host)
    EXPECT_TRUE(book.add(now, PathKind::direct, path(host)));
  EXPECT_THAT(book.due(now),
              ElementsAre(path(9), path(10), path(11), path(12), path(13), path(14), path(15),
                          path(16), path(17), path(18), path(19), path(20)));
}

TEST_F(PathChoice, ConfirmedPathsAreNotDisplaced) {
  confirm(path(1), milliseconds(5));
  for (std::uint8_t host = 2; host <= 30; ++host) book.add(now, PathKind::direct, path(host));
  EXPECT_EQ(book.best(), path(1));
  EXPECT_EQ(book.due(now).size(), 11U);
}

TEST_F(PathChoice, TwelveConfirmedPathsLeaveNoRoom) {
  for (std::uint8_t host = 1; host <= 12; ++host) confirm(path(host), milliseconds(5));
  EXPECT_FALSE(book.add(now, PathKind::lan, path(13)));
  book.confirm(now, PathKind::lan, path(14));
  EXPECT_EQ(book.best(), path(1));
  EXPECT_TRUE(book.due(now).empty());
}

TEST_F(PathChoice, EqualPathsDoNotFlap) {
  confirm(path(1), milliseconds(10));
  confirm(path(2), milliseconds(9));
  EXPECT_EQ(book.best(), path(1));
  for (int i = 0; i < 20; ++i) {
    now += seconds(1);
    answer_after(path(1), milliseconds(i % 2 == 0 ? 9 : 11));
    answer_after(path(2), milliseconds(i % 2 == 0 ? 11 : 9));
    EXPECT_EQ(book.best(), path(1));
  }
}

TEST_F(PathChoice, AClearlyFasterPathTakesOver) {
  confirm(path(1), milliseconds(40));
  confirm(path(2), milliseconds(10));
  EXPECT_EQ(book.best(), path(2));
}

TEST_F(PathChoice, TheLocalNetworkTakesOver) {
  confirm(path(1), milliseconds(5), PathKind::direct);
  confirm(path(2), milliseconds(20), PathKind::lan);
  EXPECT_EQ(book.best(), path(2));
  EXPECT_EQ(book.best_kind(), PathKind::lan);
}

TEST_F(PathChoice, APathThatTurnsOutToBeLocalIs) {
  confirm(path(1), milliseconds(5), PathKind::direct);
  book.add(now, PathKind::lan, path(1));
  EXPECT_EQ(book.best_kind(), PathKind::lan);
  book.add(now, PathKind::direct, path(1));
  EXPECT_EQ(book.best_kind(), PathKind::lan) << "and stays so";
}

TEST_F(PathChoice, DataMovesAwayFromAPathThatStopsAnswering) {
  confirm(path(1), milliseconds(5), PathKind::lan);
  confirm(path(2), milliseconds(50));
  ASSERT_EQ(book.best(), path(1));
  for (unsigned probe = 1; probe <= PathBook::kSuspicious; ++probe) {
    book.sent(now, path(1), ++number);
    now += PathBook::kRetry - milliseconds(1);
    book.due(now);
    EXPECT_EQ(book.best(), path(1)) << "probe " << probe << " may still be answered";
    now += milliseconds(1);
    book.due(now);
  }
  EXPECT_EQ(book.best(), path(2)) << "long before it counts as lost";
  EXPECT_TRUE(book.answered(now, path(1), number));
  EXPECT_EQ(book.best(), path(1));
}

// The peer has left the local network and speaks on the other path; the local one is asked. The
// data follows the peer as soon as the answer is overdue, whichever path was found first.
TEST_F(PathChoice, RoamingAwayFromTheLocalNetworkDoesNotHangOnTheOrder) {
  for (const bool lan_first : {true, false}) {
    book.forget_all(now);
    if (lan_first) confirm(path(1), milliseconds(5), PathKind::lan);
    confirm(path(2), milliseconds(50));
    if (!lan_first) confirm(path(1), milliseconds(5), PathKind::lan);
    ASSERT_EQ(book.best(), path(1));
    now += seconds(2);
    book.heard(now, path(2));
    EXPECT_THAT(book.due(now), ElementsAre(path(1))) << "at once";
    book.sent(now, path(1), ++number);
    EXPECT_EQ(book.best(), path(1)) << "it may be the other way only";
    now += PathBook::kOverdueLeast;
    for (int i = 0; i < 3; ++i) {
      book.due(now);
      EXPECT_EQ(book.best(), path(2)) << (lan_first ? "local path first" : "local path second");
    }
  }
}

// Each side prefers another path, and both live.
TEST_F(PathChoice, APeerThatSpeaksElsewhereIsNotFollowedWhileWeAreAnswered) {
  confirm(path(1), milliseconds(5), PathKind::lan);
  confirm(path(2), milliseconds(50));
  unsigned asked = 0;
  for (int i = 0; i < 3000; ++i) {
    now += milliseconds(20);
    book.data_sent(now);
    book.heard(now, path(2));
    for (const Path& p : book.due(now)) {
      if (p.same_remote(path(1))) ++asked;
      book.sent(now, p, ++number);
      // One in ten is lost.
      if (number % 10 != 0) book.answered(now, p, number);
    }
    ASSERT_EQ(book.best(), path(1)) << i;
  }
  EXPECT_LE(asked, 100U) << "in a minute";
}

TEST_F(PathChoice, AnUnconfirmedPathIsNeverTheBest) {
  book.add(now, PathKind::lan, path(1));
  for (std::uint64_t n = 1; n < 10; ++n) book.sent(now, path(1), n);
  EXPECT_FALSE(book.best());
  confirm(path(2), milliseconds(500));
  EXPECT_EQ(book.best(), path(2));
}

TEST_F(PathChoice, SameAddressOtherInterfaceIsAnotherPath) {
  Path one{{*IpAddress::parse("fe80::1"), 3731}, {}, 1};
  Path two = one;
  two.scope = 2;
  EXPECT_TRUE(book.add(now, PathKind::lan, one));
  EXPECT_TRUE(book.add(now, PathKind::lan, two));
  EXPECT_THAT(book.due(now), UnorderedElementsAre(one, two));
}

}  // namespace
}  // namespace meshnode::discovery
