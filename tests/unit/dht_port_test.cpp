// The Port with a child that follows a script.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "discovery/dht/port.h"
#include "unit/dht_captured.h"

namespace meshnode::dht {
namespace {

using test::captured;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr Key kKey{1, 2, 3};
const Endpoint kHub = *Endpoint::parse("192.0.2.1:3731");
const Endpoint kStranger = *Endpoint::parse("198.51.100.7:4000");

class DhtPortAndScript : public testing::Test {
 protected:
  DhtPortAndScript() : port_({}, doors()) { port_.add_bootstrap(kHub); }

  Doors doors() {
    Doors out;
    out.send = [this](const Path& path, ByteView bytes) {
      sent_.push_back({path.remote, to_bytes(bytes)});
      return how_it_goes_;
    };
    out.tell = [this](ByteView packet) {
      if (full_) return false;
      packets_ += 1;
      while (const auto message = take_from_packet(packet))
        heard_.push_back(*parse_to_child(*message));
      return true;
    };
    out.lost = [this](const std::string& why) { lost_.push_back(why); };
    out.now = [this] { return now_; };
    return out;
  }

  // What the child has heard since the last call.
  std::vector<ToChild> heard() { return std::exchange(heard_, {}); }
  template <typename Message>
  std::vector<Message> heard_only() {
    std::vector<Message> out;
    for (const ToChild& message : heard())
      if (const auto* wanted = std::get_if<Message>(&message)) out.push_back(*wanted);
    return out;
  }
  void child_says(const FromChild& message) { port_.from_child(now_, encode(message)); }
  void begin() {
    port_.attached(kKey);
    child_says(Opened{});
    for (const Ping& ping : heard_only<Ping>()) child_says(Ended{ping.ticket, true});
  }
  void pass(Duration time) {
    now_ += time;
    port_.timeout(now_);
  }
  Port::OnDone note() {
    return [this](Outcome outcome) { outcomes_.push_back(outcome); };
  }
  Port::OnValue collect() {
    return [this](const Value& value) { values_.push_back(value.id); };
  }

  TimePoint now_ = TimePoint{} + hours(1);
  Sent how_it_goes_ = Sent::sent;
  bool full_ = false;
  int packets_ = 0;
  std::vector<ToChild> heard_;
  std::vector<Datagram> sent_;
  std::vector<std::string> lost_;
  std::vector<Outcome> outcomes_;
  std::vector<ValueId> values_;
  Port port_;
};

TEST_F(DhtPortAndScript, BeginsWithOpenAndWhatWaits) {
  const Ticket ticket = port_.listen(kKey, collect());
  EXPECT_THAT(heard(), IsEmpty()) << "nobody is there";
  port_.attached(kKey);
  const auto said = heard();
  ASSERT_EQ(said.size(), 3U);
  EXPECT_EQ(said[0], ToChild(Open{kLinkVersion, kDefaultNetwork, kKey, std::size_t{8} << 20}));
  EXPECT_EQ(said[1], ToChild(Listen{ticket, kKey}));
  EXPECT_EQ(std::get<Ping>(said[2]).node, kHub);
}

TEST_F(DhtPortAndScript, HandsEachValueOnOnceOverAllCrashes) {
  begin();
  const Ticket ticket = port_.listen(kKey, collect());
  child_says(Found{ticket, 1, {1}});
  child_says(Found{ticket, 1, {1}});
  port_.detached();
  begin();
  child_says(Found{ticket, 1, {1}});
  child_says(Found{ticket, 2, {2}});
  EXPECT_THAT(values_, ElementsAre(1, 2));
  port_.cancel(ticket);
  EXPECT_THAT(heard(), ElementsAre(ToChild(Cancel{ticket})));
  child_says(Found{ticket, 3, {3}});
  EXPECT_THAT(values_, ElementsAre(1, 2));
  EXPECT_EQ(port_.counters().nonsense, 1U);
}

TEST_F(DhtPortAndScript, SaysWhatLastsToTheNextChild) {
  begin();
  const Ticket listen = port_.listen(kKey, collect());
  const Ticket put = port_.put(kKey, 5, Bytes{5}, note());
  const Ticket over = port_.put(kKey, 6, Bytes{6}, note());
  port_.get(kKey, collect(), note());
  port_.set_reachable(now_, kStranger);
  child_says(Ended{over, true});
  EXPECT_THAT(outcomes_, ElementsAre(Outcome::ok));
  port_.detached();
  EXPECT_EQ(outcomes_.size(), 1U) << "not inside the call";
  pass(milliseconds(1));
  EXPECT_THAT(outcomes_, ElementsAre(Outcome::ok, Outcome::failed)) << "the get";
  heard();
  port_.attached(kKey);
  const auto said = heard();
  ASSERT_EQ(said.size(), 5U);
  EXPECT_TRUE(std::holds_alternative<Open>(said[0]));
  EXPECT_EQ(said[1], ToChild(Listen{listen, kKey}));
  EXPECT_EQ(said[2], ToChild(Put{put, kKey, 5, {5}}));
  EXPECT_EQ(std::get<Ping>(said[3]).node, kHub);
  EXPECT_EQ(std::get<Ping>(said[4]).node, kStranger);
  child_says(Opened{});
  child_says(Ended{put, false});
  EXPECT_EQ(outcomes_.back(), Outcome::failed);
}

TEST_F(DhtPortAndScript, ARequestTimesOutOnceWhoeverIsThere) {
  const Ticket ticket = port_.ping(kStranger, note());
  EXPECT_EQ(port_.next_deadline(), now_ + kPatience);
  pass(kPatience - milliseconds(1));
  EXPECT_THAT(outcomes_, IsEmpty());
  pass(milliseconds(1));
  EXPECT_THAT(outcomes_, ElementsAre(Outcome::timed_out));
  EXPECT_FALSE(port_.next_deadline());
  begin();
  child_says(Ended{ticket, true});
  EXPECT_EQ(outcomes_.size(), 1U);
}

// Invariant 1: what a taken-over child could try.
TEST_F(DhtPortAndScript, SendsWellFormedMessagesToWhomTheShimAllowsAndNothingElse) {
  begin();
  child_says(Datagram{kHub, captured("ping")});
  ASSERT_EQ(sent_.size(), 1U);
  EXPECT_EQ(sent_[0].remote, kHub);
  EXPECT_EQ(port_.counters().out, 1U);
  for (const Bytes& forged :
       {Bytes{0x40, 1, 2, 3}, Bytes{0x00, 1, 0, 0}, Bytes(600, 0x80), Bytes(20, 0xc0)})
    child_says(Datagram{kHub, forged});
  child_says(Datagram{kStranger, captured("ping")});
  EXPECT_EQ(sent_.size(), 1U) << "neither other protocols nor strangers";
  EXPECT_EQ(port_.counters().refused, 5U);
  EXPECT_THAT(heard_only<Refused>().back(), (Refused{kStranger, Sent::unreachable}));
}

TEST_F(DhtPortAndScript, TellsTheChildWhatCouldNotBeSent) {
  begin();
  how_it_goes_ = Sent::no_family;
  child_says(Datagram{kHub, captured("ping")});
  EXPECT_THAT(heard(), ElementsAre(ToChild(Refused{kHub, Sent::no_family})));
  how_it_goes_ = Sent::again;
  child_says(Datagram{kHub, captured("find")});
  EXPECT_THAT(heard(), IsEmpty());
}

TEST_F(DhtPortAndScript, HandsOnWhatTheShimAccepted) {
  begin();
  const Path path{.remote = kHub, .local = {}};
  port_.datagram_in(now_, path, captured("ping"));
  port_.datagram_in(now_, path, Bytes{0x84, 0xa1, 0x65, 0x90});
  port_.datagram_in(now_, {.remote = kStranger, .local = {}}, captured("ping"));
  ASSERT_THAT(heard(), ElementsAre(ToChild(Datagram{kHub, captured("ping")})));
  EXPECT_EQ(port_.counters().in, 1U);
  EXPECT_EQ(port_.counters().dropped.total(), 2U);
}

TEST_F(DhtPortAndScript, NonsenseIsCountedAndHarmsNothing) {
  begin();
  for (const Bytes& nonsense : {Bytes{}, Bytes{0xff}, Bytes(2048, 0x82), Bytes(5000, 0)})
    port_.from_child(now_, nonsense);
  child_says(Ended{Ticket{99}, true});
  child_says(Found{Ticket{99}, 1, {1}});
  child_says(Picture{});
  const Ticket listen = port_.listen(kKey, collect());
  child_says(Ended{listen, true});
  EXPECT_EQ(port_.counters().nonsense, 8U);
  child_says(Found{listen, 1, {1}});
  EXPECT_THAT(values_, ElementsAre(1)) << "a listen does not end that way";
  EXPECT_THAT(lost_, IsEmpty());
}

TEST_F(DhtPortAndScript, NothingCountsBeforeTheVersionIsKnown) {
  const Ticket ticket = port_.listen(kKey, collect());
  port_.attached(kKey);
  child_says(Found{ticket, 1, {1}});
  EXPECT_THAT(values_, IsEmpty());
  child_says(Opened{static_cast<std::uint8_t>(kLinkVersion + 1)});
  ASSERT_EQ(lost_.size(), 1U);
  EXPECT_THAT(lost_[0], testing::HasSubstr("version 2, this program version 1"));
  child_says(Opened{});
  child_says(Found{ticket, 1, {1}});
  EXPECT_THAT(values_, IsEmpty()) << "given up";
}

TEST_F(DhtPortAndScript, AFullSocketDropsDatagramsAndKeepsRequestsInOrder) {
  begin();
  full_ = true;
  const Ticket first = port_.listen(kKey, collect());
  const Path path{.remote = kHub, .local = {}};
  // The shim lets 400 pass at once.
  for (int second = 0; port_.counters().lost_to_child == 0 && second < 20; ++second) {
    for (int i = 0; i < 400; ++i)
      port_.datagram_in(now_ + seconds(2 * second), path, captured("put"));
  }
  EXPECT_GT(port_.counters().lost_to_child, 0U);
  port_.cancel(first);
  EXPECT_EQ(port_.next_deadline(), now_ + Port::kFlush);
  full_ = false;
  packets_ = 0;
  pass(Port::kFlush);
  const auto said = heard();
  EXPECT_EQ(said.front(), ToChild(Listen{first, kKey}));
  EXPECT_EQ(said.back(), ToChild(Cancel{first}));
  EXPECT_LT(packets_, 20) << "many messages share a packet";
  EXPECT_THAT(lost_, IsEmpty());
}

TEST_F(DhtPortAndScript, AChildThatDoesNotReadIsGivenUp) {
  begin();
  full_ = true;
  for (int i = 0; i < 3000 && lost_.empty(); ++i) port_.put(kKey, 1, Bytes(kMaxPut), {});
  EXPECT_THAT(lost_, ElementsAre("does not read"));
}

TEST_F(DhtPortAndScript, AChildThatFloodsIsGivenUp) {
  begin();
  for (int i = 0; i < 200'000 && lost_.empty(); ++i) child_says(StateChanged{});
  EXPECT_THAT(lost_, ElementsAre("floods its host"));
}

TEST_F(DhtPortAndScript, AChildThatIsSilentTwiceIsGivenUp) {
  begin();
  pass(Port::kFirstLook);
  EXPECT_THAT(heard(), ElementsAre(ToChild(Look{})));
  Picture picture;
  picture.v4 = {State::connected, 3, 1};
  picture.nodes = {kHub};
  child_says(picture);
  EXPECT_EQ(port_.picture(), picture);
  EXPECT_EQ(port_.state(), State::connected);
  pass(Port::kLook);
  EXPECT_THAT(heard(), ElementsAre(ToChild(Look{})));
  pass(hours(8));
  EXPECT_THAT(lost_, IsEmpty()) << "the machine has slept";
  pass(Port::kLookPatience);
  EXPECT_THAT(lost_, ElementsAre("does not answer"));
  port_.detached();
  EXPECT_EQ(port_.state(), State::disconnected);
  EXPECT_THAT(port_.picture().nodes, IsEmpty());
}

}  // namespace
}  // namespace meshnode::dht
