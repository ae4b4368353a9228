// byte 0: bit 0 whether the rest is sealed with the network's key, bit 1 whether for another DHT
// key, bit 2 whether a byte of the sealed value is changed: byte 1 at which, by byte 2; then the
// value, or the text inside it.
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "discovery/directory_keys.h"
#include "fuzz/fuzz.h"
#include "support/seeded_random.h"
#include "wire/record.h"

namespace meshnode::fuzz {
namespace {

using discovery::DhtKey;

constexpr std::size_t kTextSize = 2 + wire::kMaxRecordSize;

const discovery::DirectoryKeys& keys() {
  static const discovery::DirectoryKeys all = [] {
    Block<32> rendezvous;
    Block<32> record;
    rendezvous.fill(0x11);
    record.fill(0x22);
    return discovery::DirectoryKeys{Secret32(rendezvous), Secret32(record)};
  }();
  return all;
}

constexpr DhtKey kKey{1, 2, 3};
constexpr DhtKey kOtherKey{1, 2, 4};

Bytes sealed(const DhtKey& key, ByteView text) {
  const Block<16> salt{7};
  const Secret32 seal = crypto::derive_key(salt, keys().record.view(), "meshnode record");
  return to_bytes(salt) + crypto::seal(crypto::Cipher::aes_256_gcm, seal, {}, key, text);
}

// What the text has to say by the rules.
std::optional<ByteView> record_in(ByteView text) {
  if (text.size() != kTextSize) return std::nullopt;
  const std::size_t size = load_le<std::uint16_t>(text.data());
  if (size > wire::kMaxRecordSize || !all_zero(text.subspan(2 + size))) return std::nullopt;
  return text.subspan(2, size);
}

void seals_again(ByteView record) {
  test::SeededRandom random(1);
  const Bytes value = discovery::seal_record(keys(), kKey, record, random);
  MESH_ASSERT(value.size() == discovery::kSealedRecordSize);
  const auto opened = discovery::open_sealed_record(keys(), kKey, value);
  MESH_ASSERT(opened && same(*opened, record));
}

}  // namespace

void one_input(ByteView input) {
  Script script(input);
  const std::uint8_t what = script.u8();
  const bool member = (what & 1) != 0;
  const bool elsewhere = (what & 2) != 0;
  const std::size_t at = script.u8();
  const std::uint8_t change = (what & 4) != 0 ? script.u8() : std::uint8_t{0};
  const Bytes text = exact(script.rest());
  Bytes value = member ? sealed(elsewhere ? kOtherKey : kKey, text) : text;
  if (!value.empty()) value[at * 2 % value.size()] ^= change;

  const auto opened = discovery::open_sealed_record(keys(), kKey, value);
  const auto expected = member && !elsewhere && change == 0 ? record_in(text) : std::nullopt;
  MESH_ASSERT(opened.has_value() == expected.has_value());
  if (!opened) return;
  MESH_ASSERT(same(*opened, *expected));
  seals_again(*opened);
}

}  // namespace meshnode::fuzz
