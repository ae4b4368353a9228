#include "discovery/probe_keys.h"

#include "crypto/hash.h"

namespace meshnode::discovery {
namespace {

constexpr std::int64_t kEpochMs = std::int64_t{6} * 3600 * 1000;

// One key per direction: a probe that is sent back to its sender proves nothing.
Secret32 direction_key(const Secret32& root, const crypto::X25519Public& sender) {
  return crypto::derive_key(sender, root.view(), "meshnode probe from");
}

wire::Mac probe_mac(const Secret32& key, const wire::Probe& probe) {
  ByteView nonce;
  if (probe.kind == wire::Probe::Kind::answer) nonce = probe.nonce;
  const auto full =
      crypto::hmac_sha256(key.view(), {as_bytes("mac"), wire::probe_body(probe), nonce});
  wire::Mac out;
  std::copy_n(full.begin(), out.size(), out.begin());
  return out;
}

}  // namespace

TagEpoch tag_epoch(UnixTime time) {
  // Floor division: clocks before 1970 must not fold epoch 0 twice. A peer's clock is any number.
  return time.ms / kEpochMs - (time.ms % kEpochMs < 0 ? 1 : 0);
}

std::optional<ProbeKeys> ProbeKeys::derive(const crypto::Suite& suite,
                                           const crypto::X25519Secret& own_secret,
                                           const crypto::X25519Public& own_public,
                                           const crypto::X25519Public& peer, const Secret32& psk) {
  Secret32 shared;
  if (!suite.x25519(own_secret, peer, shared)) return std::nullopt;
  const Secret32 root = crypto::derive_key(psk.view(), shared.view(), "meshnode probe");
  ProbeKeys out;
  out.send_key_ = direction_key(root, own_public);
  out.receive_key_ = direction_key(root, peer);
  return out;
}

wire::ProbeTag ProbeKeys::tag(const Secret32& key, TagEpoch epoch) {
  Block<8> raw;
  store_le(raw.data(), static_cast<std::uint64_t>(epoch));
  const auto full = crypto::hmac_sha256(key.view(), {as_bytes("tag"), raw});
  return load_le<std::uint64_t>(full.data());
}

Bytes ProbeKeys::seal(wire::Probe probe, TagEpoch epoch) const {
  probe.tag = send_tag(epoch);
  Bytes out = wire::probe_body(probe);
  Writer(out).bytes(probe_mac(send_key_, probe));
  return out;
}

bool ProbeKeys::mac_fits(const wire::Probe& probe) const {
  return equal_constant_time(probe.mac, probe_mac(receive_key_, probe));
}

wire::ProbeNonce ProbeNonces::of(std::uint64_t number) const {
  Block<8> raw;
  store_le(raw.data(), number);
  const auto full = crypto::hmac_sha256(secret_.view(), {as_bytes("nonce"), raw});
  wire::ProbeNonce out;
  std::copy_n(full.begin(), out.size(), out.begin());
  return out;
}

}  // namespace meshnode::discovery
