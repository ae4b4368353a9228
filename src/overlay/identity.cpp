#include "overlay/identity.h"

#include "crypto/hash.h"

namespace meshnode::overlay {
namespace {

Bytes binding_statement(const NetworkId& network, const crypto::X25519Public& static_key) {
  Bytes out;
  Writer writer(out);
  writer.bytes(as_bytes("meshnode static key v1"));
  writer.bytes(network);
  writer.bytes(static_key);
  return out;
}

}  // namespace

Identity Identity::from_seed(const crypto::Ed25519Seed& seed, const crypto::Suite& suite) {
  Identity out;
  out.signing_seed = seed;
  out.signing_key = suite.ed25519_public(seed);
  out.static_secret = crypto::derive_key({}, seed.view(), "meshnode static key");
  out.static_key = suite.x25519_public(out.static_secret);
  out.id = node_id(out.signing_key);
  return out;
}

crypto::Signature bind_static_key(const Identity& identity, const NetworkId& network,
                                  const crypto::Suite& suite) {
  return suite.sign(identity.signing_seed, binding_statement(network, identity.static_key));
}

bool binding_holds(const crypto::Ed25519Public& key, const crypto::X25519Public& static_key,
                   ByteView signature, const NetworkId& network, const crypto::Suite& suite) {
  return suite.verify(key, binding_statement(network, static_key), signature);
}

}  // namespace meshnode::overlay
