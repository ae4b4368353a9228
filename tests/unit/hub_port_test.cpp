// The real OpenDHT on loopback: a hub and two members that meet through it.
#include <gtest/gtest.h>

#include "crypto/random.h"
#include "discovery/dht/port.h"
#include "hub/listeners.h"
#include "io/clock.h"
#include "io/event_loop.h"

namespace meshnode::dht {
namespace {

using Role = discovery::DhtShim::Role;

constexpr Key kKey{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20};

// A free port and the one above it on 127.0.0.1.
hub::Listeners open_anywhere(crypto::SystemRandom& random) {
  for (int i = 0; i < 100; ++i) {
    const auto port = static_cast<std::uint16_t>(10000 + 2 * random.below(10000));
    auto opened = hub::Listeners::open({IpAddress::v4({127, 0, 0, 1})}, port,
                                       static_cast<std::uint16_t>(port + 1));
    if (opened) return std::move(opened).value();
  }
  ADD_FAILURE() << "no free port";
  return {};
}

class Member {
 public:
  Member(io::EventLoop& loop, Role role) : loop_(loop), sockets_(open_anywhere(random_)) {
    PortConfig config;
    config.node = random_.block<20>();
    config.salt = random_.u64();
    config.role = role;
    Doors doors;
    doors.send = [this](const Path& path, ByteView bytes) {
      const int error = sockets_.send(path, bytes);
      if (error == EAFNOSUPPORT) return Sent::no_family;
      return error == 0 ? Sent::sent : Sent::unreachable;
    };
    doors.post = [this](std::function<void()> work) { loop_.post(std::move(work)); };
    doors.now = [] { return io::read_clocks().mono; };
    auto opened = Port::open(std::move(config), std::move(doors));
    EXPECT_TRUE(opened.ok());
    port = std::move(opened).value();
    const hub::Listener& first = sockets_.all().front();
    loop_.watch_readable(first.fd.get(), [this, &first] {
      hub::Listeners::receive(first, 64, [this](const Path& path, ByteView bytes) {
        port->datagram_in(io::read_clocks().mono, path, bytes);
      });
    });
  }
  ~Member() {
    loop_.unwatch(sockets_.all().front().fd.get());
    port.reset();
  }

  Endpoint endpoint() const { return sockets_.all().front().bound; }

  std::unique_ptr<Port> port;

 private:
  io::EventLoop& loop_;
  crypto::SystemRandom random_;
  hub::Listeners sockets_;
};

class DhtPort : public testing::Test {
 protected:
  // Turns the loop until the condition holds; false after 20 s.
  bool until(const std::function<bool()>& condition) {
    const TimePoint end = io::read_clocks().mono + seconds(20);
    std::function<void()> look = [&] {
      const TimePoint now = io::read_clocks().mono;
      if (condition() || now > end) return loop_.stop();
      loop_.set_deadline(now + milliseconds(5));
    };
    loop_.on_deadline(look);
    loop_.set_deadline(io::read_clocks().mono);
    loop_.run();
    loop_.on_deadline([] {});
    return condition();
  }

  std::optional<Outcome> join(Member& member, const Endpoint& hub) {
    std::optional<Outcome> outcome;
    member.port->add_bootstrap(hub);
    member.port->ping(hub, [&outcome](Outcome o) { outcome = o; });
    until([&] { return outcome.has_value(); });
    return outcome;
  }

  io::EventLoop loop_;
};

// Any reachable member can be a bootstrap.
TEST_F(DhtPort, TwoClientsMeetThroughAServingMember) {
  Member serving(loop_, Role::client);
  serving.port->set_role(Role::serving_member);
  Member alice(loop_, Role::client);
  Member bob(loop_, Role::client);
  ASSERT_EQ(join(alice, serving.endpoint()), Outcome::ok);
  ASSERT_EQ(join(bob, serving.endpoint()), Outcome::ok);
  std::vector<Value> heard;
  std::vector<Value> heard_by_serving;
  bob.port->listen(kKey, [&](const Value& value) { heard.push_back(value); });
  serving.port->listen(kKey, [&](const Value& value) { heard_by_serving.push_back(value); });
  alice.port->put(kKey, 77, Bytes(496, 0xa5), [](Outcome) {});
  EXPECT_TRUE(until([&] { return !heard.empty() && !heard_by_serving.empty(); }));
  EXPECT_FALSE(alice.port->echoed_addresses().empty());
}

TEST_F(DhtPort, PutReachesAListenerAndAGetThroughAHub) {
  Member hub(loop_, Role::hub);
  Member alice(loop_, Role::client);
  Member bob(loop_, Role::client);
  ASSERT_EQ(join(alice, hub.endpoint()), Outcome::ok);
  ASSERT_EQ(join(bob, hub.endpoint()), Outcome::ok);
  ASSERT_TRUE(until([&] { return bob.port->state() == State::connected; }));

  std::vector<Value> heard;
  bob.port->listen(kKey, [&](const Value& value) { heard.push_back(value); });
  std::optional<Outcome> stored;
  const Bytes data(500, 0xa5);
  alice.port->put(kKey, 77, data, [&](Outcome o) { stored = o; });
  ASSERT_TRUE(until([&] { return stored && !heard.empty(); }));
  EXPECT_EQ(stored, Outcome::ok);
  EXPECT_EQ(heard.front().id, 77U);
  EXPECT_EQ(heard.front().data, data);

  std::vector<Value> got;
  std::optional<Outcome> done;
  bob.port->get(
      kKey, [&](const Value& value) { got.push_back(value); }, [&](Outcome o) { done = o; });
  ASSERT_TRUE(until([&] { return done && !got.empty(); }));
  EXPECT_EQ(got.front().data, data);
  EXPECT_EQ(heard.size(), 1U) << "each value once";
}

TEST_F(DhtPort, ACancelledListenerIsSilent) {
  Member hub(loop_, Role::hub);
  Member alice(loop_, Role::client);
  ASSERT_EQ(join(alice, hub.endpoint()), Outcome::ok);
  int silent = 0;
  int loud = 0;
  const Ticket ticket = alice.port->listen(kKey, [&](const Value&) { ++silent; });
  alice.port->listen(kKey, [&](const Value&) { ++loud; });
  alice.port->cancel(ticket);
  alice.port->put(kKey, 1, Bytes{1}, [](Outcome) {});
  ASSERT_TRUE(until([&] { return loud > 0; }));
  EXPECT_EQ(silent, 0);
}

TEST_F(DhtPort, APingWithoutAnswerFailsAndOneToNobodyTimesOut) {
  Member alone(loop_, Role::client);
  std::optional<Outcome> outcome;
  // Nobody listens there.
  const Endpoint nobody{IpAddress::v4({127, 0, 0, 1}), 9};
  alone.port->add_bootstrap(nobody);
  alone.port->ping(nobody, [&](Outcome o) { outcome = o; });
  ASSERT_TRUE(alone.port->next_deadline().has_value());
  alone.port->timeout(*alone.port->next_deadline() - milliseconds(1));
  EXPECT_FALSE(outcome.has_value());
  alone.port->timeout(*alone.port->next_deadline());
  EXPECT_EQ(outcome, Outcome::timed_out);
  EXPECT_FALSE(alone.port->next_deadline().has_value());
}

TEST_F(DhtPort, TellsItsState) {
  Member hub(loop_, Role::hub);
  Member alice(loop_, Role::client);
  EXPECT_EQ(alice.port->state(), State::disconnected);
  ASSERT_EQ(join(alice, hub.endpoint()), Outcome::ok);
  ASSERT_TRUE(until([&] { return alice.port->state() == State::connected; }));
  std::optional<Stats> stats;
  alice.port->stats([&](const Stats& now) { stats = now; });
  ASSERT_TRUE(until([&] { return stats.has_value(); }));
  EXPECT_EQ(stats->v4.good, 1U);
  EXPECT_EQ(stats->v6.good, 0U);
  EXPECT_EQ(alice.port->good_nodes(8), std::vector<Endpoint>{hub.endpoint()});
}

TEST_F(DhtPort, GoesAwayWithRequestsUnderWay) {
  Member hub(loop_, Role::hub);
  for (int round = 0; round < 20; ++round) {
    Member brief(loop_, Role::client);
    const auto never = [](Outcome) { ADD_FAILURE() << "after the end"; };
    brief.port->add_bootstrap(hub.endpoint());
    brief.port->ping(hub.endpoint(), never);
    brief.port->listen(kKey, [](const Value&) { ADD_FAILURE() << "after the end"; });
    brief.port->put(kKey, 5, Bytes{5}, never);
    brief.port->get(
        kKey, [](const Value&) { ADD_FAILURE() << "after the end"; }, never);
    brief.port->stats([](const Stats&) { ADD_FAILURE() << "after the end"; });
  }
  int turns = 0;
  EXPECT_TRUE(until([&] { return ++turns > 20; }));
}

TEST_F(DhtPort, MalformedDatagramsStopAtTheShim) {
  Member hub(loop_, Role::hub);
  Path path;
  path.remote = {IpAddress::v4({127, 0, 0, 1}), 4222};
  // Each of these would end OpenDHT 2.4.12.
  const Bytes empty_error{0x84, 0xa1, 0x65, 0x90, 0xa1, 0x74, 0x01,
                          0xa1, 0x79, 0xa1, 0x65, 0xa1, 0x6e, 0x00};
  hub.port->datagram_in(io::read_clocks().mono, path, empty_error);
  hub.port->datagram_in(io::read_clocks().mono, path, {});
  EXPECT_EQ(hub.port->counters().in, 0U);
  EXPECT_EQ(hub.port->counters().dropped.total(), 2U);
}

}  // namespace
}  // namespace meshnode::dht
