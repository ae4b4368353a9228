// Argon2id (RFC 9106) for `--seed "any text"`: for play; the result is stored and never recomputed.
#pragma once

#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace meshnode::crypto {

// t = 3, m = 64 MiB, p = 1, 48 bytes of output: the network seed (16) and the secret (32). `salt`
// is a fixed label, since both sides have nothing but the text. Fails only for want of memory.
Result<Secret<48>> stretch_passphrase(std::string_view text, std::string_view salt);

}  // namespace meshnode::crypto
