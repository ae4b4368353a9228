// The slow path's asymmetric operations behind one door: X25519 (RFC 7748) and Ed25519 (RFC 8032).
// Injectable, so that the simulator can afford thousands of nodes.
#pragma once

#include "base/bytes.h"
#include "base/secret.h"

namespace meshnode::crypto {

using X25519Secret = Secret32;
using X25519Public = Block<32>;
using Ed25519Seed = Secret32;  // RFC 8032's 32-byte private key
using Ed25519Public = Block<32>;
using Signature = Block<64>;

class Suite {
 public:
  virtual ~Suite() = default;
  virtual X25519Public x25519_public(const X25519Secret& secret) const = 0;
  // False when the shared secret is all zero (RFC 7748 §6.1: the peer sent a low-order point);
  // `shared` is then zero.
  [[nodiscard]] virtual bool x25519(const X25519Secret& secret, const X25519Public& peer,
                                    Secret32& shared) const = 0;
  virtual Ed25519Public ed25519_public(const Ed25519Seed& seed) const = 0;
  virtual Signature sign(const Ed25519Seed& seed, ByteView message) const = 0;
  [[nodiscard]] virtual bool verify(const Ed25519Public& key, ByteView message,
                                    ByteView signature) const = 0;
};

// nettle for both: GnuTLS 3.7 has no raw key agreement, and its Ed25519 is nettle's behind key
// objects. Lives for ever, stateless.
const Suite& real_suite();

}  // namespace meshnode::crypto
