#include "crypto/hash.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "base/result.h"

namespace meshnode::crypto {
namespace {

constexpr std::size_t kHashSize = 32;
constexpr std::size_t kHkdfOutputMax = 255 * kHashSize;  // RFC 5869 §2.3

// GnuTLS takes inputs through the same non-const struct as outputs; it does not write to them.
gnutls_datum_t datum(ByteView bytes) {
  return {const_cast<std::uint8_t*>(bytes.data()), static_cast<unsigned int>(bytes.size())};
}

}  // namespace

// The calls below fail only for want of memory or an unknown algorithm: nothing to go on with.

Hash sha256(std::initializer_list<ByteView> parts) {
  gnutls_hash_hd_t handle = nullptr;
  MESH_ASSERT(gnutls_hash_init(&handle, GNUTLS_DIG_SHA256) == 0);
  for (const ByteView part : parts) MESH_ASSERT(gnutls_hash(handle, part.data(), part.size()) == 0);
  Hash out;
  gnutls_hash_deinit(handle, out.data());
  return out;
}

Hash hmac_sha256(ByteView key, std::initializer_list<ByteView> parts) {
  gnutls_hmac_hd_t handle = nullptr;
  MESH_ASSERT(gnutls_hmac_init(&handle, GNUTLS_MAC_SHA256, key.data(), key.size()) == 0);
  for (const ByteView part : parts) MESH_ASSERT(gnutls_hmac(handle, part.data(), part.size()) == 0);
  Hash out;
  gnutls_hmac_deinit(handle, out.data());
  return out;
}

void hkdf_sha256(ByteView salt, ByteView key_material, ByteView info, MutableBytes out) {
  MESH_ASSERT(out.size() <= kHkdfOutputMax);
  Secret<kHashSize> pseudo_random_key;
  const gnutls_datum_t material = datum(key_material);
  const gnutls_datum_t salt_datum = datum(salt);
  MESH_ASSERT(gnutls_hkdf_extract(GNUTLS_MAC_SHA256, &material, &salt_datum,
                                  pseudo_random_key.data()) == 0);
  const gnutls_datum_t key = datum(pseudo_random_key.view());
  const gnutls_datum_t info_datum = datum(info);
  MESH_ASSERT(gnutls_hkdf_expand(GNUTLS_MAC_SHA256, &key, &info_datum, out.data(), out.size()) ==
              0);
}

Secret32 derive_key(ByteView salt, ByteView key_material, std::string_view label) {
  Secret32 out;
  hkdf_sha256(salt, key_material, as_bytes(label), out.mutable_view());
  return out;
}

}  // namespace meshnode::crypto
