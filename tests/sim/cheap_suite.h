// Stand-ins for X25519, Ed25519 and AEAD that cost next to nothing, so that thousands of nodes are
// affordable. They keep no secret from anybody who tries, but what does not belong together is
// refused as by the real ones: other keys, changed messages, changed frames, other counters.
#pragma once

#include "crypto/aead.h"
#include "crypto/suite.h"

namespace meshnode::sim {

class CheapSuite final : public crypto::Suite {
 public:
  crypto::X25519Public x25519_public(const crypto::X25519Secret& secret) const override;
  bool x25519(const crypto::X25519Secret& secret, const crypto::X25519Public& peer,
              Secret32& shared) const override;
  crypto::Ed25519Public ed25519_public(const crypto::Ed25519Seed& seed) const override;
  crypto::Signature sign(const crypto::Ed25519Seed& seed, ByteView message) const override;
  bool verify(const crypto::Ed25519Public& key, ByteView message,
              ByteView signature) const override;
};

const crypto::Suite& cheap_suite();
std::unique_ptr<crypto::FrameCipher> make_cheap_cipher(crypto::Cipher cipher, const Secret32& key);

// 64 well-mixed bits of anything; not keyed.
std::uint64_t digest(ByteView bytes, std::uint64_t seed = 0);

}  // namespace meshnode::sim
