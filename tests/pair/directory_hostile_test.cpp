// What a hostile directory, an insider, an old backup and a copied identity can do to whole nodes.
#include "directory_fixture.h"

namespace meshnode::test {
namespace {

using overlay::PeerState;

struct HostileDirectory : DirectoryTest {
  HostileDirectory() : DirectoryTest(42) {}
  VirtualNode& alpha = add("alpha");
  VirtualNode& beta = add("beta");
  VirtualNode& gamma = add("gamma");
  const Endpoint mallory{IpAddress::v4({10, 0, 0, 66}), 6666};

  std::uint64_t dropped(Drop reason) const { return alpha.core().drops()[reason]; }
  void feed(const discovery::DhtKey& key, ByteView value) {
    alpha.core().from_directory(alpha.now(), key, value);
  }
  void feed(const discovery::RecordPtr& record) {
    feed(door(), discovery::seal_record(keys(), door(), record->bytes, lan.random));
  }
  // Runs `attack`, which takes no time, and expects that alpha does and says nothing.
  template <typename Attack>
  void expect_silence(Attack attack) {
    const auto sent = lan.datagrams_sent;
    const auto events = alpha.events.size();
    const auto peers = alpha.core().engine().snapshot(lan.time).peers.size();
    const auto asked = lan.dht.puts + lan.dht.gets;
    attack();
    EXPECT_EQ(lan.datagrams_sent, sent);
    EXPECT_EQ(lan.dht.puts + lan.dht.gets, asked);
    EXPECT_EQ(alpha.core().engine().snapshot(lan.time).peers.size(), peers);
    lan.history.clear();
    lan.run_for(seconds(10));
    EXPECT_EQ(alpha.events.size(), events);
    EXPECT_TRUE(alpha.opened.empty());
    EXPECT_TRUE(std::none_of(lan.history.begin(), lan.history.end(),
                             [&](const Datagram& d) { return d.to == mallory; }));
    EXPECT_TRUE(ping(alpha, beta));
  }
  // A record signed by member number `signer`, with whatever static key and way to mallory.
  discovery::RecordPtr forge(std::uint8_t signer, const Block<32>& static_key,
                             const overlay::NetworkSecret& of = network()) {
    Block<32> bytes;
    bytes.fill(signer);
    const crypto::Ed25519Seed seed(bytes);
    wire::Record record;
    record.signing_key = crypto::real_suite().ed25519_public(seed);
    record.static_key = static_key;
    record.sequence = static_cast<std::uint64_t>(lan.unix.ms) + 1'000'000;
    record.boot = {0x66};
    record.name = "forged";
    record.candidates = {{wire::CandidateKind::host, 200, 0, mallory}};
    const auto id = to_bytes(of.id());
    return discovery::sign_record(record, seed, id, crypto::real_suite());
  }
};

TEST_F(HostileDirectory, GarbageIsCountedAndNothingElse) {
  connect_all();
  const auto before = dropped(Drop::auth_failed);
  const Bytes good = lan.dht.stored[door()].begin()->second.value;
  expect_silence([&] {
    for (int i = 0; i < 200; ++i) {
      Bytes noise(i % 2 == 0 ? discovery::kSealedRecordSize : lan.random.below(2000));
      lan.random.fill(noise);
      feed(door(), noise);
    }
    for (std::size_t size = 0; size < good.size(); size += 31)
      feed(door(), ByteView(good).first(size));
    for (std::size_t at = 0; at < good.size(); at += 31) {
      Bytes bent = good;
      bent[at] ^= 1;
      feed(door(), bent);
    }
    Bytes longer = good;
    longer.push_back(0);
    feed(door(), longer);
  });
  EXPECT_EQ(dropped(Drop::auth_failed) - before, 200U + 16 + 16 + 1);
}

TEST_F(HostileDirectory, ValuesOfOthersPlacesAndNetworksAreCountedAndNothingElse) {
  connect_all();
  const auto before = dropped(Drop::auth_failed);
  const auto member =
      discovery::member_key(keys(), discovery::door_epoch(keys(), lan.unix), beta.id());
  ASSERT_FALSE(lan.dht.stored[member].empty());
  const auto theirs = forge(66, Block<32>{9});
  expect_silence([&] {
    feed(door(), lan.dht.stored[member].begin()->second.value);
    feed(discovery::DhtKey{}, lan.dht.stored[door()].begin()->second.value);
    feed(door(), discovery::seal_record(keys(network(0x77)), door(), theirs->bytes, lan.random));
  });
  EXPECT_EQ(dropped(Drop::auth_failed) - before, 3U);
  // Who knows our secret may seal; a signature for another network still counts for nothing.
  const auto bad = dropped(Drop::bad_identity);
  expect_silence([&] { feed(forge(66, Block<32>{9}, network(0x77))); });
  EXPECT_EQ(dropped(Drop::bad_identity) - bad, 1U);
}

TEST_F(HostileDirectory, ReplayedOldValuesChangeNothing) {
  connect_all();
  const auto old = lan.dht.stored;
  beta.address_ = IpAddress::v4({10, 0, 0, 77});
  beta.addresses_changed();
  lan.run_for(seconds(20));
  ASSERT_EQ(alpha.peer(beta)->path->remote, beta.endpoint());
  expect_silence([&] {
    for (int round = 0; round < 10; ++round)
      for (const auto& [key, values] : old)
        for (const auto& [id, stored] : values) feed(key, stored.value);
  });
  EXPECT_EQ(alpha.peer(beta)->path->remote, beta.endpoint());
}

TEST_F(HostileDirectory, InsidersRecordDoesNotTakeTheStaticKeyOfAProvenPeer) {
  connect_all();
  const auto bad = dropped(Drop::bad_identity);
  expect_silence([&] { feed(forge(66, published(beta)->record.static_key)); });
  EXPECT_EQ(dropped(Drop::bad_identity) - bad, 1U);
  EXPECT_EQ(alpha.peer(beta)->name, "beta");
}

// Until its key is proven, both may be right: nothing that beta says arrives at first.
struct InsidersRace : HostileDirectory {
  void begin(bool insider_first) {
    beta.start();
    lan.run_for(seconds(1));
    const auto victim = published(beta);
    ASSERT_NE(victim, nullptr);
    const auto insider = forge(66, victim->record.static_key);
    lan.filter = [&](const Datagram& d) { return !is_beacon(d) && d.from != beta.endpoint(); };
    alpha.start();
    feed(insider_first ? insider : victim);
    feed(insider_first ? victim : insider);
    lan.history.clear();
    lan.run_for(seconds(3));
  }
  void expect_beta() {
    EXPECT_TRUE(has_probed(alpha, beta.endpoint()));
    lose_beacons();
    ASSERT_TRUE(lan.run_until([&] { return connected(alpha, beta); }, seconds(15)));
    EXPECT_EQ(alpha.peer(beta)->name, "beta");
    EXPECT_TRUE(alpha.peer(beta)->proven);
    EXPECT_EQ(alpha.core().engine().snapshot(lan.time).peers.size(), 1U) << "and not the insider";
    EXPECT_TRUE(ping(alpha, beta));
  }
};

TEST_F(InsidersRace, RecordThatComesFirstDoesNotHideTheVictim) {
  begin(true);
  expect_beta();
}

TEST_F(InsidersRace, RecordThatComesLaterDoesNotTakeTheVictimsPlaces) {
  begin(false);
  ASSERT_TRUE(alpha.peer(beta));
  EXPECT_EQ(alpha.peer(beta)->name, "beta");
  expect_beta();
}

// ---- old state ----

// Its numbers are those of a backup and its clock is behind, so its first record is not news.
TEST_F(HostileDirectory, RestoredStateIsJumpedAboveThroughTheDirectory) {
  connect_all();
  const auto old = published(beta);
  beta.kill();
  lan.run_for(minutes(1));
  beta.numbers.last = 0;
  beta.clock_offset = -minutes(10);
  beta.address_ = IpAddress::v4({10, 0, 0, 77});
  lan.history.clear();
  // Its own words do not arrive: the others have the record or nothing.
  lan.filter = [&](const Datagram& d) { return !is_beacon(d) && d.from != beta.endpoint(); };
  beta.start();
  EXPECT_LT(beta.numbers.last, old->record.sequence) << "the test is about numbers set back";
  EXPECT_TRUE(lan.run_until(
      [&] { return has_probed(alpha, beta.endpoint()) && has_probed(gamma, beta.endpoint()); },
      seconds(1)));
  EXPECT_GT(published(beta)->record.sequence, old->record.sequence);
  lose_beacons();
  EXPECT_TRUE(lan.run_until([&] { return all_connected(); }, seconds(40)));
}

struct RestoredOnTheLan : HostileDirectory {
  // How long others take to have beta's record after it was away for so long.
  void expect_news(Duration away, Duration within) {
    lan.filter = nullptr;
    connect_all();
    const auto old = published(beta);
    beta.kill();
    lan.dht.up = false;
    lan.run_for(away);
    beta.numbers.last = 0;
    beta.clock_offset = -hours(24);
    beta.more_addresses = {IpAddress::v4({10, 0, 0, 99})};
    const Endpoint added{beta.more_addresses[0], VirtualNode::kPort};
    lan.history.clear();
    beta.start();
    EXPECT_LT(beta.numbers.last, old->record.sequence);
    EXPECT_TRUE(lan.run_until([&] { return has_probed(alpha, added) && has_probed(gamma, added); },
                              within));
  }
};

TEST_F(RestoredOnTheLan, IsJumpedAboveByGossip) {
  expect_news(minutes(10), seconds(45));
}

// While the others still have a session of its earlier life, the new one is no new edge to them:
// if they began the handshake, nobody sends a digest until the next round.
TEST_F(RestoredOnTheLan, IsJumpedAboveByGossipWhileOldSessionsLive) {
  expect_news(minutes(1), seconds(45));
}

TEST_F(HostileDirectory, OwnOldRecordsAreNoTwin) {
  connect_all();
  for (int i = 0; i < 20; ++i) {
    beta.kill();
    lan.run_for(seconds(61));
    beta.start();
    lan.run_for(seconds(10));
  }
  for (const auto& node : lan.nodes())
    EXPECT_TRUE(std::none_of(node->events.begin(), node->events.end(), [](const auto& event) {
      return std::holds_alternative<overlay::TwinIdentity>(event);
    }));
}

// ---- one identity on two machines ----

struct Twins : DirectoryTest {
  Twins() : DirectoryTest(44) {}
  VirtualNode& one = lan.add(options("one", 1));
  VirtualNode& other = lan.add(options("other", 1));
  VirtualNode& witness = lan.add(options("witness", 2));

  static std::size_t told(const VirtualNode& node) {
    return static_cast<std::size_t>(std::count_if(
        node.events.begin(), node.events.end(),
        [](const auto& event) { return std::holds_alternative<overlay::TwinIdentity>(event); }));
  }
  // How often the witness's data would change its way within `span`.
  unsigned changes_in(Duration span) {
    unsigned changes = 0;
    std::optional<Path> last;
    lan.run_until(
        [&] {
          const auto peer = witness.peer(one);
          if (peer && peer->path && (!last || !last->same_remote(*peer->path))) {
            if (last) ++changes;
            last = peer->path;
          }
          return false;
        },
        span);
    return changes;
  }
};

// The echo of its own records through the directory uses up what a member may change, so the
// other's third bid is not heard.
TEST_F(Twins, AreTold) {
  one.start();
  lan.run_for(seconds(3));
  other.start();
  EXPECT_TRUE(lan.run_until([&] { return told(one) + told(other) > 0; }, minutes(2)));
  lan.run_for(hours(1));
  EXPECT_LE(told(one), 7U) << "each 10 minutes";
  EXPECT_LE(told(other), 7U);
}

// A copied disk in machines without a clock: the same numbers, so neither is above the other.
TEST_F(Twins, WithTheSameNumbersAreTold) {
  one.start();
  other.start();
  EXPECT_TRUE(lan.run_until([&] { return told(one) + told(other) > 0; }, minutes(2)));
}

// Each answer comes with another boot id than the last one, which makes the witness ask again.
TEST_F(Twins, DoNotMakeTheOthersFlap) {
  one.start();
  lan.run_for(seconds(3));
  other.start();
  witness.start();
  lan.run_for(seconds(5));
  const auto sent = lan.datagrams_sent;
  EXPECT_LE(changes_in(seconds(20)), 10U);
  EXPECT_LE(lan.datagrams_sent - sent, 1000U);
}

}  // namespace
}  // namespace meshnode::test
