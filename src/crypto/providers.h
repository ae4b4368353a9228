// Which implementation of the data ciphers a machine uses, and which cipher it wants. All providers
// produce the same bytes, so the peers never notice which one is behind the other end.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "crypto/aead.h"

namespace meshnode::crypto {

struct CipherProvider {
  std::string_view name;
  MakeFrameCipher make;
};

// What this build has and this CPU can run, the fastest first; GnuTLS is always there, and last.
std::span<const CipherProvider> cipher_providers();

// What a handshake offers, most wanted first. AES in software is slow and leaks its key through the
// caches, ChaCha20 beside AES instructions is eight times slower than them: so both sides have to
// want AES (protocol.md "Data ciphers").
std::vector<Cipher> wanted_ciphers(bool aes_instructions);

}  // namespace meshnode::crypto
