// A node's own keys. One 32-byte Ed25519 seed is all that is stored; the rest follows from it.
#pragma once

#include "base/ids.h"
#include "crypto/node_id.h"
#include "crypto/suite.h"
#include "overlay/network.h"

namespace meshnode::overlay {

using crypto::node_id;

struct Identity {
  crypto::Ed25519Seed signing_seed;
  crypto::Ed25519Public signing_key{};
  crypto::X25519Secret static_secret;
  crypto::X25519Public static_key{};
  NodeId id;

  static Identity from_seed(const crypto::Ed25519Seed& seed, const crypto::Suite& suite);
};

// The signature that ties the X25519 static key to the identity within one network.
crypto::Signature bind_static_key(const Identity& identity, const NetworkId& network,
                                  const crypto::Suite& suite);
[[nodiscard]] bool binding_holds(const crypto::Ed25519Public& key,
                                 const crypto::X25519Public& static_key, ByteView signature,
                                 const NetworkId& network, const crypto::Suite& suite);

}  // namespace meshnode::overlay
