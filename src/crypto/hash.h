// SHA-256, HMAC-SHA-256 (RFC 2104) and HKDF-SHA-256 (RFC 5869).
#pragma once

#include <initializer_list>
#include <string_view>

#include "base/bytes.h"
#include "base/secret.h"

namespace meshnode::crypto {

using Hash = Block<32>;

// Hash of the concatenation of all parts.
Hash sha256(std::initializer_list<ByteView> parts);
// MAC over the concatenation of all parts.
Hash hmac_sha256(ByteView key, std::initializer_list<ByteView> parts);
// Fills `out` (at most 255 * 32 bytes). An empty salt means 32 zero bytes, as in the RFC.
void hkdf_sha256(ByteView salt, ByteView key_material, ByteView info, MutableBytes out);
// One 32-byte key under a label of ours.
Secret32 derive_key(ByteView salt, ByteView key_material, std::string_view label);

}  // namespace meshnode::crypto
