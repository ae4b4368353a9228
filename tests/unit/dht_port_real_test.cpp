// The real OpenDHT on loopback: a hub and two members that meet through it; each OpenDHT on a
// thread of this process, and in a sandboxed process of its own.
#include <csignal>

#include <gtest/gtest.h>

#include "crypto/random.h"
#include "discovery/dht/port.h"
#include "hub/listeners.h"
#include "io/clock.h"
#include "io/event_loop.h"
#include "support/dht_children.h"

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
  Member(io::EventLoop& loop, Role role, Where where)
      : loop_(loop), sockets_(open_anywhere(random_)), children(loop, where) {
    PortConfig config;
    config.salt = random_.u64();
    config.role = role;
    Doors doors;
    doors.send = [this](const Path& path, ByteView bytes) {
      const int error = sockets_.send(path, bytes);
      if (error == EAFNOSUPPORT) return Sent::no_family;
      return error == 0 ? Sent::sent : Sent::unreachable;
    };
    doors.tell = [this](ByteView packet) { return children.tell(packet); };
    doors.lost = [](const std::string& why) { ADD_FAILURE() << "the child " << why; };
    doors.now = [] { return io::read_clocks().mono; };
    port.emplace(config, std::move(doors));
    children.begin(*port);
    const hub::Listener& first = sockets_.all().front();
    loop_.watch_readable(first.fd.get(), [this, &first] {
      hub::Listeners::receive(first, 64, [this](const Path& path, ByteView bytes) {
        port->datagram_in(io::read_clocks().mono, path, bytes);
      });
    });
  }
  ~Member() { loop_.unwatch(sockets_.all().front().fd.get()); }

  Endpoint endpoint() const { return sockets_.all().front().bound; }

  void timeout(TimePoint now) {
    children.timeout(now);
    port->timeout(now);
  }

 private:
  io::EventLoop& loop_;
  crypto::SystemRandom random_;
  hub::Listeners sockets_;

 public:
  std::optional<Port> port;
  DhtChildren children;  // last: it ends first
};

class DhtPort : public testing::TestWithParam<Where> {
 protected:
  Member& member(Role role) { return members_.emplace_back(loop_, role, GetParam()); }

  // Turns the loop until the condition holds; false after 20 s.
  bool until(const std::function<bool()>& condition) {
    const TimePoint end = io::read_clocks().mono + seconds(20);
    std::function<void()> look = [&] {
      const TimePoint now = io::read_clocks().mono;
      for (Member& member : members_) member.timeout(now);
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
  std::list<Member> members_;
};

INSTANTIATE_TEST_SUITE_P(Each, DhtPort, testing::Values(Where::thread, Where::process),
                         [](const auto& each) {
                           return each.param == Where::thread ? "OnAThread" : "AsAProcess";
                         });

// Any reachable member can be a bootstrap.
TEST_P(DhtPort, TwoClientsMeetThroughAServingMember) {
  Member& serving = member(Role::client);
  serving.port->set_role(Role::serving_member);
  Member& alice = member(Role::client);
  Member& bob = member(Role::client);
  ASSERT_EQ(join(alice, serving.endpoint()), Outcome::ok);
  ASSERT_EQ(join(bob, serving.endpoint()), Outcome::ok);
  std::vector<Value> heard;
  std::vector<Value> heard_by_serving;
  bob.port->listen(kKey, [&](const Value& value) { heard.push_back(value); });
  serving.port->listen(kKey, [&](const Value& value) { heard_by_serving.push_back(value); });
  alice.port->put(kKey, 77, Bytes(496, 0xa5), [](Outcome) {});
  EXPECT_TRUE(until([&] { return !heard.empty() && !heard_by_serving.empty(); }));
  EXPECT_TRUE(until([&] { return !alice.port->picture().addresses.empty(); }));
}

TEST_P(DhtPort, PutReachesAListenerAndAGetThroughAHub) {
  Member& hub = member(Role::hub);
  Member& alice = member(Role::client);
  Member& bob = member(Role::client);
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

TEST_P(DhtPort, ACancelledListenerIsSilent) {
  Member& hub = member(Role::hub);
  Member& alice = member(Role::client);
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

TEST_P(DhtPort, TellsItsState) {
  Member& hub = member(Role::hub);
  Member& alice = member(Role::client);
  EXPECT_EQ(alice.port->state(), State::disconnected);
  ASSERT_EQ(join(alice, hub.endpoint()), Outcome::ok);
  ASSERT_TRUE(until([&] { return alice.port->state() == State::connected; }));
  ASSERT_TRUE(until([&] { return !alice.port->picture().nodes.empty(); }));
  EXPECT_EQ(alice.port->picture().v4.good, 1U);
  EXPECT_EQ(alice.port->picture().v6.good, 0U);
  EXPECT_EQ(alice.port->picture().nodes, std::vector<Endpoint>{hub.endpoint()});
}

TEST_P(DhtPort, GoesAwayWithRequestsUnderWay) {
  Member& hub = member(Role::hub);
  for (int round = 0; round < 20; ++round) {
    Member& brief = member(Role::client);
    until([&] { return brief.port->is_attached(); });
    const auto never = [](Outcome) { ADD_FAILURE() << "after the end"; };
    brief.port->add_bootstrap(hub.endpoint());
    brief.port->ping(hub.endpoint(), never);
    brief.port->listen(kKey, [](const Value&) { ADD_FAILURE() << "after the end"; });
    brief.port->put(kKey, 5, Bytes{5}, never);
    brief.port->get(
        kKey, [](const Value&) { ADD_FAILURE() << "after the end"; }, never);
    members_.pop_back();
  }
  int turns = 0;
  EXPECT_TRUE(until([&] { return ++turns > 20; }));
}

TEST_P(DhtPort, MalformedDatagramsStopAtTheShim) {
  Member& hub = member(Role::hub);
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

// Whatever signal ends it: what lasts is said to the next one, nothing is heard twice.
// On a thread it would be ours.
class DhtPortProcess : public DhtPort {};
INSTANTIATE_TEST_SUITE_P(Each, DhtPortProcess, testing::Values(Where::process));

TEST_P(DhtPortProcess, ACrashIsMendedAndListenersHearOn) {
  Member& hub = member(Role::hub);
  Member& alice = member(Role::client);
  Member& bob = member(Role::client);
  ASSERT_EQ(join(alice, hub.endpoint()), Outcome::ok);
  ASSERT_EQ(join(bob, hub.endpoint()), Outcome::ok);
  std::vector<Value> heard;
  bob.port->listen(kKey, [&](const Value& value) { heard.push_back(value); });
  alice.port->put(kKey, 1, Bytes{1}, [](Outcome) {});
  ASSERT_TRUE(until([&] { return heard.size() == 1; }));

  std::optional<Outcome> cut_short;
  for (const int signal : {SIGKILL, SIGSEGV}) {
    const pid_t old = bob.children.pid();
    ::kill(old, signal);
    if (signal == SIGKILL) bob.port->get(kKey, {}, [&](Outcome outcome) { cut_short = outcome; });
    ASSERT_TRUE(until([&] { return !bob.port->is_attached(); }));
    EXPECT_EQ(bob.port->state(), State::disconnected);
    ASSERT_TRUE(until([&] { return bob.port->state() == State::connected; }))
        << "its bootstraps are asked by itself";
    EXPECT_NE(bob.children.pid(), old);
  }
  EXPECT_EQ(cut_short, Outcome::failed);

  alice.port->put(kKey, 2, Bytes{2}, [](Outcome) {});
  ASSERT_TRUE(until([&] { return heard.size() >= 2; }));
  EXPECT_EQ(heard[1].id, 2U) << "the first one not again";
  EXPECT_EQ(heard.size(), 2U);
}

}  // namespace
}  // namespace meshnode::dht
