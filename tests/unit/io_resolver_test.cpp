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

TEST_F(ResolverTest, AddressesNeedNoNameServerAndWaitForNobody) {
  Resolver resolver(post());
  std::vector<std::string> order;
  // More names than threads: whether they hang here or fail at once, the addresses do not wait.
  for (int i = 0; i < 40; ++i)
    resolver.ask({"nobody-" + std::to_string(i) + ".invalid", 1}, [&](const auto& found) {
      order.push_back("name");
      EXPECT_TRUE(found.empty());
    });
  std::vector<Endpoint> all;
  const auto take = [&](const std::vector<Endpoint>& found) {
    all.insert(all.end(), found.begin(), found.end());
  };
  resolver.ask({"192.0.2.1", 3731}, take);
  resolver.ask({"2001:db8::1", 1}, take);
  ASSERT_TRUE(until([&] { return all.size() == 2; }));
  EXPECT_EQ(all[0], *Endpoint::parse("192.0.2.1:3731"));
  EXPECT_EQ(all[1], *Endpoint::parse("[2001:db8::1]:1"));
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
