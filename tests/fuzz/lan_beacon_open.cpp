// byte 0: bit 0 whether the text is sealed with the network's key, the rest which source and
// interface; then the datagram, or the text of the beacon.
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "discovery/lan_beacon.h"
#include "fuzz/fuzz.h"
#include "support/seeded_random.h"

namespace meshnode::fuzz {
namespace {

Secret32 lan_key() {
  Block<32> raw;
  raw.fill(0x55);
  return Secret32(raw);
}

Interfaces interfaces() {
  Interface lan;
  lan.index = 7;
  lan.up = lan.broadcast = true;
  lan.addresses = {*Cidr::parse("10.0.0.1/24"), *Cidr::parse("fe80::1/64")};
  Interface mesh = lan;
  mesh.index = 8;
  mesh.overlay = true;
  mesh.addresses = {*Cidr::parse("10.77.0.1/24")};
  return {lan, mesh};
}

Bytes sealed(ByteView text) {
  const Block<wire::kBeaconSaltSize> salt{1, 2, 3};
  const Secret32 key = crypto::derive_key(salt, lan_key().view(), "meshnode beacon");
  return to_bytes(salt) + crypto::seal(crypto::Cipher::aes_256_gcm, key, {}, {}, text);
}

}  // namespace

void one_input(ByteView input) {
  static const IpAddress kSources[] = {*IpAddress::parse("10.0.0.2"), *IpAddress::parse("fe80::2"),
                                       *IpAddress::parse("10.77.0.2"),
                                       *IpAddress::parse("198.51.100.1")};
  test::SeededRandom random(1);
  discovery::LanBeacon::Self self;
  self.lan_key = lan_key();
  self.node.bytes.fill(0x77);
  self.port = 4000;
  discovery::LanBeacon beacon(self, random);
  beacon.set_interfaces(TimePoint{}, interfaces());
  const auto deadline = beacon.next_deadline();

  Script script(input);
  const std::uint8_t what = script.u8();
  const bool member = (what & 1) != 0;
  const Bytes bytes = member ? sealed(script.rest()) : exact(script.rest());
  const discovery::LanDatagram datagram{
      {kSources[what / 2 % 4], 3732}, (what & 8) != 0 ? 8U : 7U, bytes};
  DropCounters drops;
  const auto sighting = beacon.open(datagram, drops);
  MESH_ASSERT(beacon.next_deadline() == deadline);
  MESH_ASSERT(drops.total() <= 1);
  if (!sighting) return;
  MESH_ASSERT(member && drops.total() == 0);
  MESH_ASSERT(sighting->beacon.source == datagram.source.ip);
  MESH_ASSERT(datagram.interface == 7 && what / 2 % 4 < 2);
  MESH_ASSERT(sighting->path.remote.port != 0 && sighting->path.remote.ip == datagram.source.ip);
  MESH_ASSERT((sighting->path.scope == 7) == datagram.source.ip.is_link_local());
}

}  // namespace meshnode::fuzz
