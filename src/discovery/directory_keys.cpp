#include "discovery/directory_keys.h"

#include <algorithm>

#include "crypto/aead.h"
#include "crypto/hash.h"
#include "wire/record.h"

namespace meshnode::discovery {
namespace {

constexpr std::size_t kSaltSize = 16;
constexpr std::size_t kTextSize = kSealedRecordSize - kSaltSize - crypto::kTagSize;
constexpr std::size_t kLengthSize = 2;
static_assert(kTextSize == kLengthSize + wire::kMaxRecordSize);

constexpr std::int64_t kEpochMs = std::chrono::duration_cast<milliseconds>(kDoorEpoch).count();
constexpr std::int64_t kBorderMs = std::chrono::duration_cast<milliseconds>(kDoorBorder).count();

Block<8> le(std::uint64_t value) {
  Block<8> out;
  store_le(out.data(), value);
  return out;
}

crypto::Hash keyed(const DirectoryKeys& keys, std::initializer_list<ByteView> parts) {
  return crypto::hmac_sha256(keys.rendezvous.view(), parts);
}

DhtKey first_20(const crypto::Hash& hash) {
  DhtKey out;
  std::copy_n(hash.begin(), out.size(), out.begin());
  return out;
}

// The time as the network's epochs count it.
std::int64_t shifted(const DirectoryKeys& keys, UnixTime time) {
  const auto offset = load_le<std::uint64_t>(keyed(keys, {as_bytes("offset")}).data());
  return time.ms + static_cast<std::int64_t>(offset % static_cast<std::uint64_t>(kEpochMs));
}

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

Secret32 seal_key(const DirectoryKeys& keys, ByteView salt) {
  return crypto::derive_key(salt, keys.record.view(), "meshnode record");
}

}  // namespace

DoorEpoch door_epoch(const DirectoryKeys& keys, UnixTime time) {
  return floor_div(shifted(keys, time), kEpochMs);
}

std::vector<DoorEpoch> counting_epochs(const DirectoryKeys& keys, UnixTime time) {
  const std::int64_t now = shifted(keys, time);
  const DoorEpoch epoch = floor_div(now, kEpochMs);
  const std::int64_t since = now - epoch * kEpochMs;
  if (since < kBorderMs) return {epoch - 1, epoch};
  if (kEpochMs - since <= kBorderMs) return {epoch, epoch + 1};
  return {epoch};
}

DhtKey door_key(const DirectoryKeys& keys, DoorEpoch epoch) {
  return first_20(keyed(keys, {as_bytes("door"), le(static_cast<std::uint64_t>(epoch))}));
}

DhtKey member_key(const DirectoryKeys& keys, DoorEpoch epoch, const NodeId& member) {
  return first_20(
      keyed(keys, {as_bytes("member"), le(static_cast<std::uint64_t>(epoch)), member.bytes}));
}

DhtValueId value_id(const DirectoryKeys& keys, const DhtKey& key, const NodeId& member,
                    std::uint64_t sequence) {
  const auto hash = keyed(keys, {as_bytes("value"), key, member.bytes, le(sequence)});
  const auto id = load_le<std::uint64_t>(hash.data());
  return id == 0 ? 1 : id;
}

Bytes seal_record(const DirectoryKeys& keys, const DhtKey& key, ByteView record, Random& random) {
  Bytes text;
  Writer writer(text);
  writer.u16(static_cast<std::uint16_t>(record.size()));
  writer.bytes(record);
  writer.zeros(kTextSize - text.size());
  const auto salt = random.block<kSaltSize>();
  Bytes out(salt.begin(), salt.end());
  const Bytes sealed =
      crypto::seal(crypto::Cipher::aes_256_gcm, seal_key(keys, salt), crypto::Nonce{}, key, text);
  out.insert(out.end(), sealed.begin(), sealed.end());
  return out;
}

std::optional<Bytes> open_sealed_record(const DirectoryKeys& keys, const DhtKey& key,
                                        ByteView value) {
  if (value.size() != kSealedRecordSize) return std::nullopt;
  const auto text =
      crypto::open(crypto::Cipher::aes_256_gcm, seal_key(keys, value.first(kSaltSize)),
                   crypto::Nonce{}, key, value.subspan(kSaltSize));
  if (!text) return std::nullopt;
  Reader reader(*text);
  const Bytes record = to_bytes(reader.bytes(reader.u16()));
  if (!reader.ok() || !all_zero(reader.bytes(reader.left()))) return std::nullopt;
  return record;
}

bool is_landmark(const DirectoryKeys& keys, DoorEpoch epoch, const NodeId& self,
                 std::span<const NodeId> members) {
  const auto rank = [&](const NodeId& id) {
    return keyed(keys, {as_bytes("landmark"), le(static_cast<std::uint64_t>(epoch)), id.bytes});
  };
  if (members.size() < kLandmarks) return true;
  const crypto::Hash own = rank(self);
  std::size_t before = 0;
  for (const NodeId& id : members)
    if (id != self && rank(id) < own && ++before == kLandmarks) return false;
  return true;
}

}  // namespace meshnode::discovery
