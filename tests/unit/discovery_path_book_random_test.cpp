// What must always hold for a path book, whatever happens in whatever order.
#include <set>

#include <gtest/gtest.h>

#include "discovery/path_book.h"
#include "tests/support/seeded_random.h"

namespace meshnode::discovery {
namespace {

struct Storm {
  explicit Storm(std::uint64_t seed) : random(seed) {}

  test::SeededRandom random;
  PathBook book;
  TimePoint now{hours(1)};
  std::uint64_t number = 0;
  std::set<Endpoint> ever_confirmed;  // since the last forget_all()
  std::vector<std::pair<Path, std::uint64_t>> asked;

  Path any_path() {
    Path out{
        {IpAddress::v4({192, 0, 2, static_cast<std::uint8_t>(random.below(14))}), 3731}, {}, 0};
    if (random.below(2) == 0) out.local = IpAddress::v4({192, 0, 2, 200});
    return out;
  }
  PathKind any_kind() { return random.below(2) == 0 ? PathKind::lan : PathKind::direct; }

  void do_something() {
    switch (random.below(12)) {
      case 0:
      case 1: {
        const Path path = any_path();
        const bool news = book.add(now, any_kind(), path);
        if (random.below(2) == 0) book.asked_on(now, path, news);
        break;
      }
      case 2: {
        const Path path = any_path();
        book.confirm(now, any_kind(), path);
        ever_confirmed.insert(path.remote);
        break;
      }
      case 3:
        book.heard(now, any_path(), random.below(2) == 0);
        break;
      case 4:
      case 5:
        book.data_sent(now);
        break;
      case 6:
        answer();
        break;
      case 7:
        answer();
        break;
      case 8:
        if (random.below(20) == 0) look_around();
        break;
      case 9:
        if (random.below(50) == 0) {
          book.forget_all(now);
          ever_confirmed.clear();
        }
        break;
      default:
        pass_time();
    }
  }
  void look_around() {
    const IpAddress ours[] = {IpAddress::v4({192, 0, 2, 200})};
    switch (random.below(4)) {
      case 0:
        return book.probe_all(now);
      case 1:
        return book.doubt(now);
      case 2:
        return book.addresses_are(now, ours);
      default:
        book.addresses_are(now, {});
        if (book.best()) {
          ASSERT_FALSE(book.best()->local) << "never from an address that we have not";
        }
    }
  }
  void answer() {
    if (asked.empty()) return;
    const auto& [path, n] = asked[random.below(asked.size())];
    if (book.answered(now, path, n)) ever_confirmed.insert(path.remote);
  }
  void pass_time() {
    if (random.below(2) == 0 && book.next_deadline()) {
      now = std::max(now, *book.next_deadline());
    } else {
      const std::int64_t spans[] = {1, 90, 700, 3000, 40'000};
      now += milliseconds(static_cast<std::int64_t>(
          random.below(static_cast<std::uint64_t>(spans[random.below(5)])) + 1));
    }
  }
  // As the engine does after each input.
  void service() {
    const bool was_due = book.next_deadline() && *book.next_deadline() <= now;
    const auto due = book.due(now);
    ASSERT_EQ(!due.empty(), was_due) << "a deadline is a promise that there is something to do";
    ASSERT_LE(due.size(), PathBook::kMaxCandidates);
    for (const Path& path : due) {
      ASSERT_FALSE(path.local);
      if (random.below(5) == 0) {
        book.postponed(now, path);
      } else {
        book.sent(now, path, ++number);
        asked.emplace_back(path, number);
        if (asked.size() > 20) asked.erase(asked.begin());
      }
    }
  }
  void check() {
    const auto deadline = book.next_deadline();
    ASSERT_EQ(deadline.has_value(), book.knows_any()) << "nobody is forgotten by the timers";
    if (deadline) {
      ASSERT_GT(*deadline, now) << "or the engine would turn in a circle";
      ASSERT_LE(*deadline, now + PathBook::kLongestPause);
    }
    if (book.best()) {
      ASSERT_TRUE(ever_confirmed.contains(book.best()->remote)) << "invariant 1";
      ASSERT_TRUE(book.best_kind());
    }
  }
};

TEST(PathBookRandom, InvariantsHoldInAnyOrder) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    Storm storm(seed);
    for (int i = 0; i < 3000 && !::testing::Test::HasFatalFailure(); ++i) {
      storm.do_something();
      storm.service();
      storm.check();
    }
    if (::testing::Test::HasFatalFailure()) return;
  }
}

// Whatever happened before: a peer that answers again is found, one that does not is lost.
TEST(PathBookRandom, AfterTheStormComesTheCalm) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    Storm storm(seed);
    for (int i = 0; i < 500; ++i) {
      storm.do_something();
      storm.service();
    }
    const auto run = [&](Duration span, bool answered) {
      const TimePoint end = storm.now + span;
      while (storm.book.next_deadline() && *storm.book.next_deadline() <= end) {
        storm.now = *storm.book.next_deadline();
        for (const Path& path : storm.book.due(storm.now)) {
          storm.book.sent(storm.now, path, ++storm.number);
          if (answered) {
            EXPECT_TRUE(storm.book.answered(storm.now, path, storm.number));
          }
        }
      }
      storm.now = end;
    };
    storm.book.add(storm.now, PathKind::lan, storm.any_path());
    run(minutes(11), true);
    EXPECT_TRUE(storm.book.best());
    run(minutes(3), false);
    EXPECT_FALSE(storm.book.best());
  }
}

}  // namespace
}  // namespace meshnode::discovery
