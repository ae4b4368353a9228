// Which beacons are believed.
#include <gtest/gtest.h>

#include "crypto/aead.h"
#include "crypto/hash.h"
#include "discovery/lan_beacon.h"
#include "tests/support/seeded_random.h"

namespace meshnode::discovery {
namespace {

constexpr TimePoint kStart{hours(1)};
constexpr std::uint32_t kEth = 2;

Secret32 filled(std::uint8_t value) {
  Block<32> bytes;
  bytes.fill(value);
  return Secret32(bytes);
}

LanBeacon::Self node(std::uint8_t id) {
  LanBeacon::Self out;
  out.lan_key = filled(0x44);
  out.static_key.fill(id);
  out.node.bytes.fill(id);
  out.boot.fill(id);
  out.port = 3731;
  return out;
}

Interface lan(std::vector<const char*> addresses) {
  Interface out;
  out.index = kEth;
  out.up = out.broadcast = true;
  for (const char* address : addresses) out.addresses.push_back(*Cidr::parse(address));
  return out;
}

struct Listener : ::testing::Test {
  test::SeededRandom random{1};
  LanBeacon alpha{node(1), random};
  DropCounters drops;

  void SetUp() override { listen({lan({"10.0.0.1/24", "2001:db8::1/64", "fe80::1/64"})}); }
  void listen(const Interfaces& interfaces) { alpha.set_interfaces(kStart, interfaces); }
  // What a node with this self says from this address.
  Bytes said(const LanBeacon::Self& self, const char* from) {
    LanBeacon speaker(self, random);
    speaker.set_interfaces(kStart, {lan({from})});
    auto transmits = speaker.handle_timeout({kStart, {1234}}, [] { return std::uint64_t{0x77}; });
    EXPECT_EQ(transmits.size(), 1U) << from;
    return transmits.at(0).datagram;
  }
  std::optional<Sighting> open(const Bytes& bytes, const char* source,
                               std::uint32_t interface = kEth) {
    return alpha.open({{*IpAddress::parse(source), kLanPort}, interface, bytes}, drops);
  }
  void expect_refused(const std::optional<Sighting>& sighting, Drop reason) {
    EXPECT_FALSE(sighting);
    EXPECT_EQ(drops[reason], 1U) << name(reason);
    EXPECT_EQ(drops.total(), 1U);
    drops = {};
  }
  // A datagram that authenticates and says `text`.
  Bytes sealed(ByteView text) {
    const auto salt = random.block<16>();
    const Secret32 key = crypto::derive_key(salt, filled(0x44).view(), "meshnode beacon");
    Bytes out = to_bytes(salt);
    Writer(out).bytes(crypto::seal(crypto::Cipher::aes_256_gcm, key, {}, {}, text));
    return out;
  }
  static wire::Beacon text_from(const char* source) {
    wire::Beacon beacon;
    beacon.port = 3731;
    beacon.source = *IpAddress::parse(source);
    beacon.node.bytes.fill(5);
    return beacon;
  }
};

TEST_F(Listener, ABeaconSaysWhoIsWhere) {
  const auto sighting = open(said(node(2), "10.0.0.2/24"), "10.0.0.2");
  ASSERT_TRUE(sighting);
  EXPECT_EQ(sighting->beacon.static_key, node(2).static_key);
  EXPECT_EQ(sighting->beacon.node, node(2).node);
  EXPECT_EQ(sighting->beacon.boot, node(2).boot);
  EXPECT_EQ(sighting->beacon.number, 0x77U);
  EXPECT_EQ(sighting->beacon.clock.ms, 1234);
  EXPECT_TRUE(sighting->beacon.answer_wanted);
  EXPECT_EQ(sighting->path, (Path{{*IpAddress::parse("10.0.0.2"), 3731}, {}, 0}))
      << "the main port, not the one that the beacon came from";
  EXPECT_EQ(drops.total(), 0U);
}

TEST_F(Listener, LinkLocalPathsNameTheirLink) {
  const auto sighting = open(said(node(2), "fe80::2/64"), "fe80::2");
  ASSERT_TRUE(sighting);
  EXPECT_EQ(sighting->path, (Path{{*IpAddress::parse("fe80::2"), 3731}, {}, kEth}));
}

TEST_F(Listener, AnotherNetworksKey) {
  LanBeacon::Self foreign = node(2);
  foreign.lan_key = filled(0x45);
  expect_refused(open(said(foreign, "10.0.0.2/24"), "10.0.0.2"), Drop::foreign_beacon);
}

TEST_F(Listener, EveryOtherLength) {
  Bytes bytes = said(node(2), "10.0.0.2/24");
  bytes.resize(300);
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    if (size == wire::kBeaconSize) continue;
    const Bytes other(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    expect_refused(open(other, "10.0.0.2"), Drop::foreign_beacon);
  }
}

TEST_F(Listener, EveryChangedByte) {
  const Bytes genuine = said(node(2), "10.0.0.2/24");
  for (std::size_t at = 0; at < genuine.size(); ++at) {
    Bytes changed = genuine;
    changed[at] ^= 1;
    expect_refused(open(changed, "10.0.0.2"), Drop::foreign_beacon);
  }
  EXPECT_TRUE(open(genuine, "10.0.0.2"));
}

TEST_F(Listener, AMembersNonsenseIsMalformed) {
  Bytes text = wire::encode_beacon_text(text_from("10.0.0.2"));
  EXPECT_TRUE(open(sealed(text), "10.0.0.2"));
  text[80] = text[81] = 0;  // no port
  expect_refused(open(sealed(text), "10.0.0.2"), Drop::malformed);
}

TEST_F(Listener, AMemberOfAnotherVersionIsToldApart) {
  Bytes text = wire::encode_beacon_text(text_from("10.0.0.2"));
  text[108] = 2;
  text[80] = text[81] = 0;  // whatever else it says
  expect_refused(open(sealed(text), "10.0.0.2"), Drop::unsupported);
  std::optional<std::uint8_t> version;
  const auto hear = [&](const Bytes& bytes, const char* source) {
    version.reset();
    EXPECT_FALSE(alpha.open({{*IpAddress::parse(source), kLanPort}, kEth, bytes}, drops, &version));
    return version;
  };
  EXPECT_EQ(hear(sealed(text), "10.0.0.2"), 2);
  EXPECT_EQ(hear(sealed(text), "192.0.2.2"), std::nullopt) << "not on this link";
  Bytes forged = sealed(text);
  forged[40] ^= 1;
  EXPECT_EQ(hear(forged, "10.0.0.2"), std::nullopt) << "only members are believed";
}

TEST_F(Listener, CarriedFromElsewhere) {
  const Bytes bytes = said(node(2), "10.0.0.2/24");
  expect_refused(open(bytes, "10.0.0.3"), Drop::not_on_link);
  expect_refused(open(bytes, "fe80::2"), Drop::not_on_link);
}

TEST_F(Listener, SourceOfAnotherSubnet) {
  expect_refused(open(said(node(2), "10.0.1.2/24"), "10.0.1.2"), Drop::not_on_link);
  expect_refused(
      open(sealed(wire::encode_beacon_text(text_from("2001:db8:0:1::2"))), "2001:db8:0:1::2"),
      Drop::not_on_link);
  EXPECT_TRUE(open(sealed(wire::encode_beacon_text(text_from("2001:db8::2"))), "2001:db8::2"));
}

TEST_F(Listener, OverAnInterfaceThatIsNoLan) {
  const Bytes bytes = said(node(2), "10.0.0.2/24");
  const Bytes local = said(node(2), "fe80::2/64");
  expect_refused(open(bytes, "10.0.0.2", kEth + 1), Drop::not_on_link);
  for (const auto spoil :
       {+[](Interface& i) { i.up = false; }, +[](Interface& i) { i.broadcast = false; },
        +[](Interface& i) { i.loopback = true; }, +[](Interface& i) { i.overlay = true; }}) {
    Interface interface = lan({"10.0.0.1/24", "fe80::1/64"});
    spoil(interface);
    listen({interface});
    expect_refused(open(bytes, "10.0.0.2"), Drop::not_on_link);
    expect_refused(open(local, "fe80::2"), Drop::not_on_link);
  }
}

TEST_F(Listener, OurOwnVoiceIsNeitherNewsNorAnError) {
  EXPECT_FALSE(open(said(node(1), "10.0.0.1/24"), "10.0.0.1"));
  EXPECT_EQ(drops.total(), 0U);
}

TEST_F(Listener, OurIdentityInAnotherStartIsToldOn) {
  LanBeacon::Self twin = node(1);
  twin.boot.fill(9);
  EXPECT_TRUE(open(said(twin, "10.0.0.2/24"), "10.0.0.2"));
}

TEST_F(Listener, OpeningChangesNothing) {
  const Bytes bytes = said(node(2), "10.0.0.2/24");
  const auto before = alpha.next_deadline();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(open(bytes, "10.0.0.2")) << "freshness is judged later";
  EXPECT_EQ(alpha.next_deadline(), before);
}

}  // namespace
}  // namespace meshnode::discovery
