// Authenticated encryption: one-shot calls for messages, and a batch-shaped table of functions for
// the data plane, behind which other providers (VAES) can stand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/secret.h"

namespace meshnode::crypto {

// The numbers are on the wire (protocol.md "Data ciphers").
enum class Cipher : std::uint16_t { aes_256_gcm = 1, chacha20_poly1305 = 2 };

inline constexpr std::size_t kTagSize = 16;
using Nonce = Block<12>;

// Four zero bytes, then the counter little-endian: the nonce of data frames.
inline Nonce counter_nonce(std::uint64_t counter) {
  Nonce nonce{};
  store_le(nonce.data() + 4, counter);
  return nonce;
}

// One-shot: ciphertext ‖ tag, one key used once or a few times.
Bytes seal(Cipher cipher, const Secret32& key, const Nonce& nonce, ByteView ad, ByteView plaintext);
// Nothing when the tag does not fit or the input is shorter than a tag.
std::optional<Bytes> open(Cipher cipher, const Secret32& key, const Nonce& nonce, ByteView ad,
                          ByteView ciphertext);

// One frame of a batch. `in` and `out` are the same place, or do not overlap; neither overlaps the
// associated data.
struct FrameJob {
  const std::uint8_t* ad = nullptr;
  std::size_t ad_size = 0;
  const std::uint8_t* in = nullptr;  // seal: text_size bytes; open: text_size + kTagSize bytes
  std::uint8_t* out = nullptr;       // seal: text_size + kTagSize bytes; open: text_size bytes
  std::size_t text_size = 0;         // without the tag
  std::uint64_t counter = 0;
  bool ok = false;  // seal: always true; open: the tag fits. When false, `out` holds garbage.
};

// A key in one direction for the data plane. It holds state: one per thread and direction.
class FrameCipher {
 public:
  virtual ~FrameCipher() = default;
  virtual void seal(std::span<FrameJob> jobs) = 0;
  virtual void open(std::span<FrameJob> jobs) = 0;
};

// A provider of frame ciphers; sits in each key slot, so that providers can differ per session.
using MakeFrameCipher = std::unique_ptr<FrameCipher> (*)(Cipher cipher, const Secret32& key);
std::unique_ptr<FrameCipher> make_gnutls_cipher(Cipher cipher, const Secret32& key);

}  // namespace meshnode::crypto
