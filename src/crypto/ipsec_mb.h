// AES-256-GCM by intel-ipsec-mb, which uses vector AES (VAES): the second provider of frame ciphers
// behind crypto/aead.h, two to three times as fast per frame as GnuTLS where it runs at all.
// Not in every build (MESHNODE_IPSEC_MB) and not on every CPU: crypto/providers.h chooses.
#pragma once

#include "base/rung.h"
#include "crypto/aead.h"

namespace meshnode::crypto {

// There if the library is in this build, passed its self-test, and has code for the vector AES of
// this CPU. Without that it would be no faster than GnuTLS, which does all then.
const Rung& ipsec_mb_rung();

// Only where the rung is there. The library has ChaCha20-Poly1305, too, but nobody measured a need:
// that one comes from GnuTLS here as well.
std::unique_ptr<FrameCipher> make_ipsec_mb_cipher(Cipher cipher, const Secret32& key);

// One-shot, as crypto/aead.h has them: for the published vectors, whose nonces are no counters.
Bytes ipsec_mb_seal(const Secret32& key, const Nonce& nonce, ByteView ad, ByteView plaintext);
std::optional<Bytes> ipsec_mb_open(const Secret32& key, const Nonce& nonce, ByteView ad,
                                   ByteView ciphertext);

}  // namespace meshnode::crypto
