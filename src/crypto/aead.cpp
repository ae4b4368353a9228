#include "crypto/aead.h"

#include <type_traits>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "base/result.h"

namespace meshnode::crypto {
namespace {

gnutls_cipher_algorithm_t algorithm(Cipher cipher) {
  switch (cipher) {
    case Cipher::aes_256_gcm:
      return GNUTLS_CIPHER_AES_256_GCM;
    case Cipher::chacha20_poly1305:
      return GNUTLS_CIPHER_CHACHA20_POLY1305;
  }
  MESH_ASSERT(false && "a cipher that was not checked on its way in from the wire");
}

struct Deinit {
  void operator()(gnutls_aead_cipher_hd_t handle) const { gnutls_aead_cipher_deinit(handle); }
};
using Handle = std::unique_ptr<std::remove_pointer_t<gnutls_aead_cipher_hd_t>, Deinit>;

Handle make_handle(Cipher cipher, const Secret32& key) {
  // GnuTLS copies the key and does not write to it, whatever its datum's type says.
  const gnutls_datum_t datum{const_cast<std::uint8_t*>(key.data()),
                             static_cast<unsigned int>(key.size())};
  gnutls_aead_cipher_hd_t handle = nullptr;
  MESH_ASSERT(gnutls_aead_cipher_init(&handle, algorithm(cipher), &datum) == 0);
  return Handle(handle);
}

// `out` has room for text and tag; it may be where the text is.
void encrypt(const Handle& handle, const Nonce& nonce, ByteView ad, ByteView text,
             std::uint8_t* out) {
  std::size_t out_size = text.size() + kTagSize;
  MESH_ASSERT(gnutls_aead_cipher_encrypt(handle.get(), nonce.data(), nonce.size(), ad.data(),
                                         ad.size(), kTagSize, text.data(), text.size(), out,
                                         &out_size) == 0);
}

// `sealed` is text and tag; `out` has room for the text, and may be where it is. When the result is
// false, `out` holds text that nobody has vouched for.
bool decrypt(const Handle& handle, const Nonce& nonce, ByteView ad, ByteView sealed,
             std::uint8_t* out) {
  std::size_t out_size = sealed.size() - kTagSize;
  return gnutls_aead_cipher_decrypt(handle.get(), nonce.data(), nonce.size(), ad.data(), ad.size(),
                                    kTagSize, sealed.data(), sealed.size(), out, &out_size) == 0;
}

// One handle for the life of the key: the key schedule is paid once, and a frame allocates nothing.
class GnutlsFrameCipher final : public FrameCipher {
 public:
  GnutlsFrameCipher(Cipher cipher, const Secret32& key) : handle_(make_handle(cipher, key)) {}

  void seal(std::span<FrameJob> jobs) override {
    for (FrameJob& job : jobs) {
      encrypt(handle_, counter_nonce(job.counter), {job.ad, job.ad_size}, {job.in, job.text_size},
              job.out);
      job.ok = true;
    }
  }

  void open(std::span<FrameJob> jobs) override {
    for (FrameJob& job : jobs) {
      job.ok = decrypt(handle_, counter_nonce(job.counter), {job.ad, job.ad_size},
                       {job.in, job.text_size + kTagSize}, job.out);
    }
  }

 private:
  Handle handle_;
};

}  // namespace

Bytes seal(Cipher cipher, const Secret32& key, const Nonce& nonce, ByteView ad,
           ByteView plaintext) {
  Bytes out(plaintext.size() + kTagSize);
  encrypt(make_handle(cipher, key), nonce, ad, plaintext, out.data());
  return out;
}

std::optional<Bytes> open(Cipher cipher, const Secret32& key, const Nonce& nonce, ByteView ad,
                          ByteView ciphertext) {
  if (ciphertext.size() < kTagSize) return std::nullopt;
  Bytes out(ciphertext.size() - kTagSize);
  if (decrypt(make_handle(cipher, key), nonce, ad, ciphertext, out.data())) return out;
  wipe(out);
  return std::nullopt;
}

std::unique_ptr<FrameCipher> make_gnutls_cipher(Cipher cipher, const Secret32& key) {
  return std::make_unique<GnutlsFrameCipher>(cipher, key);
}

}  // namespace meshnode::crypto
