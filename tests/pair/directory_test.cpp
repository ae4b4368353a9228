// Whole nodes in virtual time that meet through the directory and keep each other informed by
// gossip.
#include "directory_fixture.h"

namespace meshnode::test {
namespace {

using overlay::PeerState;

struct DirectoryPair : DirectoryTest {
  DirectoryPair() : DirectoryTest(41) {}
  VirtualNode& alpha = add("alpha");
  VirtualNode& beta = add("beta");
};

struct DirectoryTrio : DirectoryPair {
  VirtualNode& gamma = add("gamma");
};

// ---- meeting ----

TEST_F(DirectoryPair, MeetThroughTheDirectoryAlone) {
  alpha.start();
  lan.run_for(seconds(10));
  beta.start();
  const TimePoint begin = lan.time;
  ASSERT_TRUE(lan.run_until([&] { return connected(alpha, beta); }, seconds(5)));
  // One way through the DHT takes 20 ms; no timer may be in between.
  EXPECT_LT(lan.time - begin, milliseconds(200));
  EXPECT_TRUE(ping(alpha, beta));
  EXPECT_TRUE(ping(beta, alpha));
}

TEST_F(DirectoryPair, WithoutBeaconsAndDirectoryNobodyMeets) {
  lan.dht.up = false;
  alpha.start();
  beta.start();
  lan.run_for(minutes(10));
  EXPECT_FALSE(alpha.peer(beta));
  EXPECT_FALSE(beta.peer(alpha));
}

TEST_F(DirectoryTrio, ThirdMeetsOneThroughTheDirectoryAndTheOtherByGossip) {
  NodeOptions shy = options("shy", 9);
  shy.directory = false;
  VirtualNode& delta = lan.add(shy);
  lan.filter = nullptr;  // these two are on one LAN
  alpha.start();
  delta.start();
  ASSERT_TRUE(lan.run_until([&] { return connected(alpha, delta); }, seconds(5)));
  lan.run_for(seconds(5));
  lose_beacons();
  gamma.start();
  ASSERT_TRUE(lan.run_until([&] { return gamma.peer(alpha).has_value(); }, seconds(5)));
  EXPECT_FALSE(gamma.peer(delta));
  lan.dht.up = false;
  EXPECT_TRUE(lan.run_until([&] { return connected(alpha, gamma) && connected(gamma, delta); },
                            seconds(2)));
  EXPECT_TRUE(ping(gamma, delta));
}

TEST_F(DirectoryTrio, EdgesOutliveTheDirectory) {
  connect_all();
  lan.dht.up = false;
  // Often enough to keep the keys in use, and so seldom that each ping needs new ones.
  for (const auto& [pause, count] : {std::pair{seconds(10), 180}, {seconds(200), 9}}) {
    const auto before = alpha.answered_pings;
    for (int i = 0; i < count; ++i) {
      alpha.ping(i % 2 == 0 ? beta : gamma);
      lan.run_for(pause);
    }
    EXPECT_EQ(alpha.answered_pings - before, static_cast<std::uint64_t>(count));
  }
  for (const auto& node : lan.nodes())
    EXPECT_TRUE(std::none_of(node->events.begin(), node->events.end(), [](const auto& event) {
      return std::holds_alternative<overlay::PeerLost>(event);
    }));
}

TEST_F(DirectoryPair, DirectoryThatComesLateIsEnough) {
  lan.dht.up = false;
  alpha.start();
  beta.start();
  lan.run_for(minutes(5));
  lan.dht.up = true;
  for (VirtualNode* node : {&alpha, &beta}) node->core().store_lost(node->now());
  EXPECT_TRUE(lan.run_until([&] { return connected(alpha, beta); }, seconds(1)));
}

// ---- news of members ----

TEST_F(DirectoryTrio, NewAddressIsKnownToAllWithinASecondOverEdges) {
  connect_all();
  lan.dht.up = false;
  lan.history.clear();
  beta.more_addresses = {IpAddress::v4({10, 0, 0, 99})};
  beta.addresses_changed();
  const Endpoint added{beta.more_addresses[0], VirtualNode::kPort};
  EXPECT_TRUE(lan.run_until([&] { return has_probed(alpha, added) && has_probed(gamma, added); },
                            seconds(1)));
}

TEST_F(DirectoryTrio, NewAddressReachesIdleNeighboursToo) {
  connect_all();
  // Gossip wakes edges up in growing rounds.
  ASSERT_TRUE(lan.run_until(
      [&] {
        return alpha.state_of(beta) == PeerState::idle && gamma.state_of(beta) == PeerState::idle;
      },
      hours(1)));
  lan.dht.up = false;
  lan.history.clear();
  beta.more_addresses = {IpAddress::v4({10, 0, 0, 99})};
  beta.addresses_changed();
  const Endpoint added{beta.more_addresses[0], VirtualNode::kPort};
  EXPECT_TRUE(lan.run_until([&] { return has_probed(alpha, added) && has_probed(gamma, added); },
                            seconds(1)));
}

TEST_F(DirectoryTrio, NewNameIsKnownToAllWithinASecond) {
  lan.filter = nullptr;
  lan.dht.up = false;
  connect_all();
  beta.stop_cleanly();
  lan.run_for(seconds(5));
  beta.rename("brand-new");
  beta.start();
  const auto known_as = [&](const VirtualNode& by) {
    const auto entry = by.peer(beta);
    return entry ? entry->name : "";
  };
  EXPECT_TRUE(lan.run_until(
      [&] { return known_as(alpha) == "brand-new" && known_as(gamma) == "brand-new"; },
      seconds(1)));
  // It is in the record: others pass it on when its owner is gone.
  lan.run_for(seconds(5));
  beta.kill();
  VirtualNode& delta = add("delta");
  delta.start();
  EXPECT_TRUE(lan.run_until([&] { return known_as(delta) == "brand-new"; }, seconds(2)));
}

TEST_F(DirectoryPair, LostPushIsRepairedByTheDigest) {
  connect_all();
  lan.dht.up = false;
  lan.history.clear();
  // Frames of the sessions are lost, probes are not.
  lan.filter = [](const Datagram& d) { return !is_beacon(d) && d.bytes[0] != 0x44; };
  beta.more_addresses = {IpAddress::v4({10, 0, 0, 99})};
  beta.addresses_changed();
  lan.run_for(seconds(1));
  lose_beacons();
  const Endpoint added{beta.more_addresses[0], VirtualNode::kPort};
  ASSERT_FALSE(has_probed(alpha, added));
  EXPECT_TRUE(lan.run_until([&] { return has_probed(alpha, added); }, minutes(2)));
}

// ---- clocks ----

TEST(DirectoryClocks, TenMinutesWrongMeetAtEveryHourOfADay) {
  unsigned across_a_border = 0;
  const auto keys = DirectoryTest::keys();
  for (int quarter = 0; quarter < 24 * 4; ++quarter) {
    VirtualLan lan(static_cast<std::uint64_t>(quarter) + 1);
    lan.filter = [](const Datagram& d) { return !DirectoryTest::is_beacon(d); };
    lan.unix.ms += quarter * milliseconds(minutes(15)).count();
    VirtualNode& fast = DirectoryTest::add_to(lan, "fast");
    VirtualNode& slow = DirectoryTest::add_to(lan, "slow");
    fast.clock_offset = minutes(10);
    slow.clock_offset = -minutes(10);
    if (discovery::door_epoch(keys, fast.now().unix) !=
        discovery::door_epoch(keys, slow.now().unix))
      ++across_a_border;
    fast.start();
    slow.start();
    ASSERT_TRUE(lan.run_until([&] { return DirectoryTest::connected(fast, slow); }, seconds(5)))
        << quarter * 15 << " minutes into the day";
  }
  EXPECT_GE(across_a_border, 4U) << "the test is about borders, too";
}

TEST_F(DirectoryTrio, ClockThatJumpsADayAndBackIsFoundAgain) {
  for (const auto jump : {hours(24), hours(-24)}) {
    for (VirtualNode* node : {&alpha, &beta}) node->start();
    ASSERT_TRUE(lan.run_until([&] { return connected(alpha, beta); }, seconds(10)));
    alpha.clock_offset = jump;
    lan.run_for(minutes(20));
    alpha.clock_offset = {};
    lan.run_for(minutes(2));
    EXPECT_TRUE(ping(alpha, beta));
    // beta is away; who comes next has alpha only, and only through the directory.
    beta.kill();
    gamma.start();
    EXPECT_TRUE(lan.run_until([&] { return connected(alpha, gamma); }, seconds(5)));
    for (VirtualNode* node : {&alpha, &gamma}) node->kill();
    lan.run_for(minutes(20));
  }
}

TEST_F(DirectoryPair, LiveEdgeOutlivesAClockThatJumpsSixHours) {
  connect_all();
  for (const auto jump : {hours(6), hours(-6)}) {
    alpha.clock_offset = jump;
    for (int i = 0; i < 60; ++i) {
      EXPECT_TRUE(ping(alpha, beta));
      lan.run_for(seconds(9));
    }
  }
}

// Without beacons nobody hears of the other's clock but by the tags of its probes.
TEST_F(DirectoryPair, LiveEdgeOutlivesAClockThatJumpsADay) {
  connect_all();
  for (const auto jump : {hours(24), hours(-24)}) {
    alpha.clock_offset = jump;
    for (int i = 0; i < 60; ++i) {
      ASSERT_TRUE(ping(alpha, beta)) << "ping " << i;
      lan.run_for(seconds(9));
    }
  }
}

// ---- what it costs ----

TEST_F(DirectoryPair, PeerThatLeftIsLookedUpWithGrowingPauses) {
  connect_all();
  beta.kill();
  ASSERT_TRUE(lan.run_until([&] { return lan.dht.gets > 0; }, minutes(5)));
  const auto gets_in = [&](Duration span) {
    const auto before = lan.dht.gets;
    lan.run_for(span);
    return lan.dht.gets - before;
  };
  const auto first = gets_in(minutes(10));
  const auto day = gets_in(hours(24));
  // Pauses of 6, 12, 24, … s, but not more often than each 30 s; one key, or two next to an epoch's
  // border.
  EXPECT_GE(first, 4U);
  EXPECT_LE(first, 2U * 6);
  EXPECT_LE(day, 2U * 24 + 4);
  const auto later = gets_in(hours(24));
  EXPECT_GE(later, 24U - 2) << "each hour, for ever";
  EXPECT_LE(later, 24U * 4 / 3);
}

TEST_F(DirectoryPair, LookUpFindsWhoIsBackElsewhere) {
  connect_all();
  beta.kill();
  lan.run_for(minutes(30));
  // Back at another address, but nobody hears it: neither at the door nor directly.
  beta.address_ = IpAddress::v4({10, 0, 0, 88});
  lan.dht.listeners.clear();
  lan.filter = [&](const Datagram& d) { return !is_beacon(d) && d.from != beta.endpoint(); };
  beta.start();
  ASSERT_TRUE(lan.run_until([&] { return has_probed(alpha, beta.endpoint()); }, minutes(61)));
  lose_beacons();
  EXPECT_TRUE(lan.run_until([&] { return connected(alpha, beta); }, seconds(30)));
}

TEST_F(DirectoryPair, PutAgainWhenTheStoreIsLost) {
  connect_all();
  lan.dht.stored.clear();
  const auto before = lan.dht.puts;
  alpha.core().store_lost(alpha.now());
  EXPECT_NE(published(alpha), nullptr) << "at once";
  EXPECT_EQ(published(beta), nullptr);
  lan.run_for(seconds(1));
  EXPECT_EQ(lan.dht.puts - before, 4U) << "door and member, each once more";
  // A bootstrap that flaps does not make us put as fast as it can.
  for (int i = 0; i < 10; ++i) alpha.core().store_lost(alpha.now());
  lan.run_for(milliseconds(400));
  EXPECT_EQ(lan.dht.puts - before, 4U);
}

TEST_F(DirectoryPair, RecordsAreRefreshedInTimeAndNotMoreOften) {
  connect_all();
  for (int hour = 0; hour < 24; ++hour) {
    const auto before = lan.dht.puts;
    for (int minute = 0; minute < 60; ++minute) {
      lan.run_for(minutes(1));
      ASSERT_TRUE(published(alpha) && published(beta)) << hour << ':' << minute;
    }
    // Each 8 minutes, door and member, of two nodes; with two epochs next to a border twice that,
    // and each new place twice.
    EXPECT_GE(lan.dht.puts - before, 2U * 2 * 7) << "hour " << hour;
    EXPECT_LE(lan.dht.puts - before, 2U * (4 * 8 + 4)) << "hour " << hour;
  }
}

TEST_F(DirectoryTrio, NewcomerMeetsTheOthersAtEveryHourOfADay) {
  for (VirtualNode* node : {&alpha, &beta}) node->start();
  ASSERT_TRUE(lan.run_until([&] { return connected(alpha, beta); }, seconds(10)));
  for (int hour = 0; hour < 24; ++hour) {
    gamma.start();
    ASSERT_TRUE(lan.run_until(
        [&] {
          return gamma.state_of(alpha) == PeerState::connected &&
                 gamma.state_of(beta) == PeerState::connected;
        },
        seconds(5)))
        << "hour " << hour;
    gamma.stop_cleanly();
    lan.run_for(minutes(61));
  }
}

TEST_F(DirectoryPair, WhoFoundTheDoorFullKnocks) {
  lan.dht.refuses = &alpha;
  alpha.start();
  beta.start();
  ASSERT_TRUE(lan.run_until([&] { return connected(alpha, beta); }, seconds(5)))
      << "alpha knows beta and can reach it; beta has never heard of alpha";
  EXPECT_TRUE(ping(alpha, beta) && ping(beta, alpha));
}

TEST_F(DirectoryPair, KnocksAreFewAndGrowRare) {
  lan.dht.refuses = &alpha;
  const auto is_knock = [&](const Datagram& d) {
    return !is_beacon(d) && d.bytes[0] == 0x40 && alpha.has(d.from);
  };
  lan.filter = [&](const Datagram& d) { return !is_beacon(d) && !is_knock(d); };
  alpha.start();
  beta.start();
  lan.run_for(hours(1));
  const auto knocks = std::count_if(lan.history.begin(), lan.history.end(), is_knock);
  EXPECT_GE(knocks, 8);
  EXPECT_LE(knocks, 16);
}

// ---- openers ----

TEST_F(DirectoryPair, WayIsOpenedBeforeAPublicCandidateIsProbed) {
  beta.address_ = IpAddress::v4({203, 0, 113, 5});
  alpha.start();
  beta.start();
  ASSERT_TRUE(lan.run_until([&] { return !alpha.opened.empty(); }, seconds(1)));
  const TimePoint opened = lan.time;
  EXPECT_EQ(alpha.opened, std::vector{beta.endpoint()});
  EXPECT_FALSE(has_probed(alpha, beta.endpoint()));
  ASSERT_TRUE(lan.run_until([&] { return has_probed(alpha, beta.endpoint()); }, seconds(1)));
  EXPECT_EQ(lan.time - opened, discovery::PathBook::kOpenLead);
  ASSERT_TRUE(lan.run_until([&] { return connected(alpha, beta); }, seconds(1)));
  EXPECT_EQ(alpha.opened.size(), 1U);
  EXPECT_TRUE(beta.opened.empty()) << "no router of its own, and nothing public at the other side";
}

TEST_F(DirectoryPair, NothingIsOpenedOnTheLan) {
  connect_all();
  EXPECT_TRUE(alpha.opened.empty() && beta.opened.empty());
}

}  // namespace
}  // namespace meshnode::test
