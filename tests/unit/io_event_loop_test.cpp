#include <array>
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/event_loop.h"
#include "io/unique_fd.h"

namespace meshnode::io {
namespace {

using ::testing::ElementsAre;

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    out = UniqueFd(ends[0]);
    in = UniqueFd(ends[1]);
  }
  void write(const std::string& text) const {
    EXPECT_EQ(::write(in.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  char read_one() const {
    char c = 0;
    EXPECT_EQ(::read(out.get(), &c, 1), 1);
    return c;
  }
  UniqueFd out;
  UniqueFd in;
};

// A loop that fails the test instead of hanging it.
class Loop : public ::testing::Test {
 protected:
  void SetUp() override { alarm(20); }
  void TearDown() override { alarm(0); }
  void run_soon(std::function<void()> function) { loop_.post(std::move(function)); }
  EventLoop loop_;
};
using EventLoopTest = Loop;

TEST_F(EventLoopTest, CallsAgainWhileReadable) {
  const Pipe pipe;
  pipe.write("abc");
  std::string read;
  loop_.watch_readable(pipe.out.get(), [&] {
    read += pipe.read_one();
    if (read.size() == 3) loop_.stop();
  });
  loop_.run();
  EXPECT_EQ(read, "abc");
}

TEST_F(EventLoopTest, NeverCallsAfterUnwatchEvenIfReadinessWasQueued) {
  const Pipe a;
  const Pipe b;
  a.write("x");
  b.write("x");
  int calls = 0;
  const auto handler = [&] {
    ++calls;
    loop_.unwatch(a.out.get());
    loop_.unwatch(b.out.get());
    loop_.set_deadline(read_clocks().mono + milliseconds(5));
  };
  loop_.on_deadline([&] { loop_.stop(); });
  loop_.watch_readable(a.out.get(), handler);
  loop_.watch_readable(b.out.get(), handler);
  loop_.run();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(a.read_one(), 'x') << "the descriptor is still open";
}

TEST_F(EventLoopTest, WatchingAgainReplacesTheHandler) {
  const Pipe pipe;
  pipe.write("x");
  std::string calls;
  loop_.watch_readable(pipe.out.get(), [&] { calls += "a"; });
  loop_.watch_readable(pipe.out.get(), [&] {
    calls += "b";
    loop_.watch_readable(pipe.out.get(), [&] {
      calls += "c";
      loop_.stop();
    });
  });
  loop_.run();
  EXPECT_EQ(calls, "bc");
}

TEST_F(EventLoopTest, HangUpCountsAsReadable) {
  Pipe pipe;
  pipe.in.reset();
  loop_.watch_readable(pipe.out.get(), [&] { loop_.stop(); });
  loop_.run();
}

TEST_F(EventLoopTest, PostsFromAnotherThreadArriveInOrder) {
  std::vector<int> order;
  const auto loop_thread = std::this_thread::get_id();
  std::thread other([&] {
    for (int i = 0; i < 100; ++i)
      loop_.post([&, i] {
        EXPECT_EQ(std::this_thread::get_id(), loop_thread);
        order.push_back(i);
      });
    loop_.post([&] { loop_.stop(); });
  });
  loop_.run();
  other.join();
  ASSERT_EQ(order.size(), 100U);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(EventLoopTest, StopsFromAnotherThread) {
  std::thread other([&] { loop_.stop(); });
  loop_.run();
  other.join();
}

TEST_F(EventLoopTest, DeadlineIsNotEarlyAndFiresOnce) {
  const TimePoint due = read_clocks().mono + milliseconds(20);
  int calls = 0;
  loop_.on_deadline([&] {
    EXPECT_GE(read_clocks().mono, due);
    if (++calls == 1) loop_.set_deadline(read_clocks().mono + milliseconds(5));
    if (calls == 2) loop_.stop();
  });
  loop_.set_deadline(due);
  loop_.run();
  EXPECT_EQ(calls, 2);
}

TEST_F(EventLoopTest, DeadlineInThePastIsDueAtOnce) {
  int calls = 0;
  loop_.on_deadline([&] {
    if (++calls == 2) return loop_.stop();
    loop_.set_deadline(TimePoint(Duration(-5)));
  });
  loop_.set_deadline(TimePoint{});
  loop_.run();
  EXPECT_EQ(calls, 2);
}

TEST_F(EventLoopTest, DeadlineMovesNearerAndAway) {
  const TimePoint start = read_clocks().mono;
  TimePoint expected;
  std::vector<int> fired;
  loop_.on_deadline([&] {
    EXPECT_GE(read_clocks().mono, expected);
    fired.push_back(static_cast<int>(fired.size()));
    if (fired.size() == 2) return loop_.stop();
    loop_.set_deadline(start + milliseconds(25));
    loop_.set_deadline(expected = start + milliseconds(60));  // away: the first firing is in vain
  });
  loop_.set_deadline(start + hours(1));
  loop_.set_deadline(expected = start + milliseconds(10));
  loop_.run();
  EXPECT_THAT(fired, ElementsAre(0, 1));
}

TEST_F(EventLoopTest, ClearedDeadlineStaysSilent) {
  int calls = 0;
  const Pipe pipe;
  loop_.on_deadline([&] { ++calls; });
  loop_.set_deadline(TimePoint{});
  loop_.set_deadline(std::nullopt);
  std::thread later([&] {
    std::this_thread::sleep_for(milliseconds(20));  // longer than the timer needs
    pipe.write("x");
  });
  loop_.watch_readable(pipe.out.get(), [&] { loop_.stop(); });
  loop_.run();
  later.join();
  EXPECT_EQ(calls, 0);
}

TEST_F(EventLoopTest, SignalsArriveInTheLoop) {
  std::vector<int> seen;
  loop_.on_signals({SIGUSR1, SIGTERM}, [&](int number) {
    seen.push_back(number);
    if (number == SIGTERM) return loop_.stop();
    raise(SIGTERM);
  });
  loop_.post([] { raise(SIGUSR1); });
  loop_.run();
  EXPECT_THAT(seen, ElementsAre(SIGUSR1, SIGTERM));
}

TEST_F(EventLoopTest, StopBeforeRunIsKeptAndRunCanBeRepeated) {
  bool posted = false;
  loop_.stop();
  loop_.post([&] { posted = true; });
  loop_.run();
  EXPECT_FALSE(posted);
  loop_.post([&] { loop_.stop(); });
  loop_.run();
  EXPECT_TRUE(posted);
}

TEST(EventLoopLifetime, LeaksNothingAndClosesNothingOfOthers) {
  const auto count = [] {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return std::distance(begin(all), end(all));
  };
  const Pipe pipe;
  pipe.write("x");
  const auto before = count();
  {
    EventLoop loop;
    loop.watch_readable(pipe.out.get(), [&] { loop.stop(); });
    loop.set_deadline(read_clocks().mono + hours(1));
    loop.run();
  }
  EXPECT_EQ(count(), before);
  EXPECT_EQ(pipe.read_one(), 'x');
}

TEST(Clock, GoesOnAndKnowsTheYear) {
  const Now first = read_clocks();
  const Now second = read_clocks();
  EXPECT_GE(second.mono, first.mono);
  EXPECT_GT(first.mono, TimePoint{});
  EXPECT_GT(first.unix.ms, 1'600'000'000'000);
}

}  // namespace
}  // namespace meshnode::io
