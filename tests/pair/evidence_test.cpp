// What a node learns of others' clocks and versions, for the people who ask why there is no edge.
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "directory_fixture.h"
#include "wire/beacon.h"

namespace meshnode::test {
namespace {

struct Evidence : DirectoryTest {
  Evidence() : DirectoryTest(45) {}
  VirtualNode& alpha = add("alpha");
  VirtualNode& beta = add("beta");

  std::optional<overlay::PeerStory> story() const {
    const auto peer = alpha.peer(beta);
    return peer ? alpha.core().engine().story(lan.time, peer->number) : std::nullopt;
  }
};

TEST_F(Evidence, ABeaconTellsTheClock) {
  lan.filter = {};  // beacons pass
  beta.clock_offset = hours(3);
  alpha.start();
  beta.start();
  ASSERT_TRUE(lan.run_until([&] { return story() && story()->clock; }, seconds(5)));
  lan.run_for(seconds(7));
  const auto told = story();
  EXPECT_NEAR(static_cast<double>(told->clock->ms - alpha.now().unix.ms), 3 * 3600e3, 100);
  EXPECT_LE(told->clock_heard, seconds(10));
}

TEST_F(Evidence, ARecordTellsWhenItWasMadeAndWhatItsMakerSpeaks) {
  alpha.start();
  const Block<32> bytes{0x66};
  const crypto::Ed25519Seed seed(bytes);
  wire::Record record;
  record.signing_key = crypto::real_suite().ed25519_public(seed);
  record.static_key = crypto::real_suite().x25519_public(crypto::X25519Secret(bytes));
  record.sequence = static_cast<std::uint64_t>(lan.unix.ms);
  record.name = "newer";
  record.issued = static_cast<std::uint64_t>(lan.unix.ms / 1000) + 7200;
  record.lowest_version = 2;
  record.highest_version = 3;
  const auto made =
      discovery::sign_record(record, seed, to_bytes(network().id()), crypto::real_suite());
  alpha.core().from_directory(alpha.now(), door(),
                              discovery::seal_record(keys(), door(), made->bytes, lan.random));
  const auto peers = alpha.core().engine().snapshot(lan.time).peers;
  ASSERT_EQ(peers.size(), 1U);
  const auto told = alpha.core().engine().story(lan.time, peers[0].number);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->issued->ms / 1000, lan.unix.ms / 1000 + 7200);
  EXPECT_EQ(told->lowest_version, 2);
  EXPECT_EQ(told->highest_version, 3);
  EXPECT_FALSE(told->clock) << "no beacon of it came";
}

TEST_F(Evidence, ABeaconOfAnotherVersionIsRememberedAndNothingElse) {
  alpha.start();
  wire::Beacon beacon;
  beacon.port = 3731;
  beacon.source = beta.endpoint().ip;
  Bytes text = wire::encode_beacon_text(beacon);
  text[108] = 2;
  const auto hear = [&](const Secret32& lan_key) {
    const auto salt = lan.random.block<16>();
    const Secret32 key = crypto::derive_key(salt, lan_key.view(), "meshnode beacon");
    Bytes out = to_bytes(salt);
    Writer(out).bytes(crypto::seal(crypto::Cipher::aes_256_gcm, key, {}, {}, text));
    alpha.core().from_lan(alpha.now(), {{beacon.source, 3732}, 7, out});
  };
  hear(Secret32(Block<32>{1}));
  EXPECT_FALSE(alpha.core().engine().other_version()) << "a stranger's word";
  hear(overlay::NetworkKeys::derive(network()).lan);
  const auto& other = alpha.core().engine().other_version();
  ASSERT_TRUE(other);
  EXPECT_EQ(other->version, 2);
  EXPECT_EQ(other->from, beacon.source);
  EXPECT_TRUE(alpha.core().engine().snapshot(lan.time).peers.empty());
}

}  // namespace
}  // namespace meshnode::test
