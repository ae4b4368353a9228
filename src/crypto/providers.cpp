#include "crypto/providers.h"

#include "crypto/ipsec_mb.h"

namespace meshnode::crypto {

std::span<const CipherProvider> cipher_providers() {
  static constexpr CipherProvider kAll[] = {{"ipsec-mb", make_ipsec_mb_cipher},
                                            {"gnutls", make_gnutls_cipher}};
  return std::span(kAll).subspan(ipsec_mb_rung().active ? 0 : 1);
}

std::vector<Cipher> wanted_ciphers(bool aes_instructions) {
  if (aes_instructions) return {Cipher::aes_256_gcm, Cipher::chacha20_poly1305};
  return {Cipher::chacha20_poly1305, Cipher::aes_256_gcm};
}

}  // namespace meshnode::crypto
