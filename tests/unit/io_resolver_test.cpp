#include <atomic>
#include <latch>

#include <gtest/gtest.h>

#include "io/clock.h"
#include "io/event_loop.h"
#include "io/resolver.h"

namespace meshnode::io {
namespace {

class ResolverTest : public testing::Test {
 protected:
  std::function<void(std::function<void()>)> post() {
    return [this](std::function<void()> work) { loop.post(std::move(work)); };
  }
  bool until(const std::function<bool()>& condition) {
    const TimePoint end = read_clocks().mono + seconds(20);
    loop.on_deadline([&] {
      const TimePoint now = read_clocks().mono;
      if (condition() || now > end) return loop.stop();
      loop.set_deadline(now + milliseconds(2));
    });
    loop.set_deadline(read_clocks().mono);
    loop.run();
    return condition();
  }

  EventLoop loop;
};

// A name server that answers nobody before it is let go.
struct HangingLookUps {
  HangingLookUps() : answer(1) {}

  Resolver::LookUp look_up() {
    return [this](const HostPort& name) -> std::vector<Endpoint> {
      ++asked;
      answer.wait();
      return {{*IpAddress::parse("192.0.2.7"), name.port}};
    };
  }

  std::latch answer;
  std::atomic<std::size_t> asked{0};
};

TEST_F(ResolverTest, AddressesNeedNoNameServerAndWaitForNobody) {
  HangingLookUps server;
  std::vector<Endpoint> names;
  std::vector<Endpoint> all;
  Resolver resolver(post(), server.look_up());
  constexpr std::size_t kNames = 40;
  static_assert(kNames > Resolver::kThreads);
  for (std::size_t i = 0; i < kNames; ++i)
    resolver.ask({"nobody-" + std::to_string(i) + ".invalid", 1},
                 [&](const auto& found) { names.insert(names.end(), found.begin(), found.end()); });
  const auto take = [&](const auto& found) { all.insert(all.end(), found.begin(), found.end()); };
  resolver.ask({"192.0.2.1", 3731}, take);
  resolver.ask({"2001:db8::1", 1}, take);
  EXPECT_TRUE(until([&] { return all.size() == 2 && server.asked == Resolver::kThreads; }));
  EXPECT_TRUE(names.empty());
  server.answer.count_down();
  EXPECT_TRUE(until([&] { return names.size() == kNames; }));
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0], *Endpoint::parse("192.0.2.1:3731"));
  EXPECT_EQ(all[1], *Endpoint::parse("[2001:db8::1]:1"));
}

TEST_F(ResolverTest, LookUpsThatHangHoldUpNoEnd) {
  // What a thread that was left behind still needs is its own.
  const auto server = std::make_shared<HangingLookUps>();
  const auto ended = std::make_shared<std::latch>(1);
  {
    Resolver resolver(post(), [server, ended](const HostPort& name) {
      auto found = server->look_up()(name);
      ended->count_down();
      return found;
    });
    resolver.ask({"nobody.invalid", 1}, [](const auto&) { ADD_FAILURE() << "told after the end"; });
    EXPECT_TRUE(until([&] { return server->asked == 1; }));
  }
  server->answer.count_down();
  ended->wait();
  int turns = 0;
  until([&] { return ++turns > 10; });
}

TEST_F(ResolverTest, ThreadsThatHaveEndedMakeRoom) {
  Resolver resolver(post(), [](const HostPort& name) -> std::vector<Endpoint> {
    return {{*IpAddress::parse("192.0.2.7"), name.port}};
  });
  for (std::uint16_t round = 1; round <= 3 * Resolver::kThreads; ++round) {
    std::vector<Endpoint> found;
    resolver.ask({"one.invalid", round}, [&](const auto& all) { found = all; });
    ASSERT_TRUE(until([&] { return !found.empty(); }));
    EXPECT_EQ(found[0].port, round);
  }
}

TEST_F(ResolverTest, NamesOfThisMachineResolve) {
  Resolver resolver(post());
  std::vector<Endpoint> found;
  resolver.ask({"localhost", 7}, [&](const auto& all) { found = all; });
  ASSERT_TRUE(until([&] { return !found.empty(); }));
  EXPECT_TRUE(found[0].ip.is_loopback());
  EXPECT_EQ(found[0].port, 7);
}

TEST_F(ResolverTest, NobodyIsToldAfterTheEnd) {
  bool told = false;
  {
    Resolver resolver(post());
    resolver.ask({"192.0.2.1", 3731}, [&](const auto&) { told = true; });
    resolver.ask({"localhost", 7}, [&](const auto&) { told = true; });
  }
  int turns = 0;
  until([&] { return ++turns > 50; });
  EXPECT_FALSE(told);
}

}  // namespace
}  // namespace meshnode::io
