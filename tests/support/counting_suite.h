// The real asymmetric operations, counted: what an attacker would like to make us do.
#pragma once

#include "crypto/suite.h"

namespace meshnode::test {

class CountingSuite final : public crypto::Suite {
 public:
  crypto::X25519Public x25519_public(const crypto::X25519Secret& secret) const override {
    return real_.x25519_public(secret);
  }
  bool x25519(const crypto::X25519Secret& secret, const crypto::X25519Public& peer,
              Secret32& shared) const override {
    ++agreements;
    return real_.x25519(secret, peer, shared);
  }
  crypto::Ed25519Public ed25519_public(const crypto::Ed25519Seed& seed) const override {
    return real_.ed25519_public(seed);
  }
  crypto::Signature sign(const crypto::Ed25519Seed& seed, ByteView message) const override {
    return real_.sign(seed, message);
  }
  bool verify(const crypto::Ed25519Public& key, ByteView message,
              ByteView signature) const override {
    ++verifications;
    return real_.verify(key, message, signature);
  }

  mutable std::uint64_t agreements = 0;
  mutable std::uint64_t verifications = 0;

 private:
  const crypto::Suite& real_ = crypto::real_suite();
};

}  // namespace meshnode::test
