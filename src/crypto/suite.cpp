#include "crypto/suite.h"

#include <nettle/curve25519.h>
#include <nettle/eddsa.h>

namespace meshnode::crypto {
namespace {

static_assert(CURVE25519_SIZE == 32);
static_assert(ED25519_KEY_SIZE == 32 && ED25519_SIGNATURE_SIZE == 64);

// Ed25519 from nettle too: GnuTLS calls the same code behind key objects that would have to be
// built and freed for every raw 32-byte key, which costs lines and some microseconds. nettle
// refuses S ≥ L, so signatures are not malleable (RFC 8032 §5.1.7).
class NettleSuite final : public Suite {
 public:
  X25519Public x25519_public(const X25519Secret& secret) const override {
    X25519Public out;
    curve25519_mul_g(out.data(), secret.data());
    return out;
  }

  bool x25519(const X25519Secret& secret, const X25519Public& peer,
              Secret32& shared) const override {
    curve25519_mul(shared.data(), secret.data(), peer.data());
    return !equal_constant_time(shared.view(), X25519Public{});
  }

  Ed25519Public ed25519_public(const Ed25519Seed& seed) const override {
    Ed25519Public out;
    ed25519_sha512_public_key(out.data(), seed.data());
    return out;
  }

  Signature sign(const Ed25519Seed& seed, ByteView message) const override {
    // The public key goes into the signature's hash: it is computed here and not taken from the
    // caller, because signing with a foreign one gives away the private key.
    const Ed25519Public key = ed25519_public(seed);
    Signature out;
    ed25519_sha512_sign(key.data(), seed.data(), message.size(), message.data(), out.data());
    return out;
  }

  bool verify(const Ed25519Public& key, ByteView message, ByteView signature) const override {
    return signature.size() == ED25519_SIGNATURE_SIZE &&
           ed25519_sha512_verify(key.data(), message.size(), message.data(), signature.data()) != 0;
  }
};

}  // namespace

const Suite& real_suite() {
  static const NettleSuite suite;
  return suite;
}

}  // namespace meshnode::crypto
