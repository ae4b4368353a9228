// AEAD: published answers, the data frames' nonce, frame ciphers, and tampering.
#include <gtest/gtest.h>

#include "crypto/aead.h"
#include "tests/vectors/hex.h"

namespace meshnode::crypto {
namespace {

using test::hex;
using test::hex_block;
using test::hex_secret;

struct KnownAnswer {
  Cipher cipher;
  const char* key;
  const char* nonce;
  const char* ad;
  const char* plaintext;
  const char* ciphertext;  // with tag
};

const KnownAnswer kKnownAnswers[] = {
    // "The Galois/Counter Mode of Operation", test cases 13, 14 and 16.
    {Cipher::aes_256_gcm, "0000000000000000000000000000000000000000000000000000000000000000",
     "000000000000000000000000", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {Cipher::aes_256_gcm, "0000000000000000000000000000000000000000000000000000000000000000",
     "000000000000000000000000", "", "00000000000000000000000000000000",
     "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
    {Cipher::aes_256_gcm, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
     "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b"
     "5"
     "25b16aedf5aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828"
     "8"
     "38c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"},
    // RFC 8439 §2.8.2.
    {Cipher::chacha20_poly1305, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
     "070000004041424344454647", "50515253c0c1c2c3c4c5c6c7",
     "4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a20496620492"
     "0"
     "636f756c64206f6666657220796f75206f6e6c79206f6e652074697020666f7220746865206675747572652c20737"
     "5"
     "6e73637265656e20776f756c642062652069742e",
     "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da927"
     "2"
     "8b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b483"
     "1"
     "d7bc3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691"},
};

TEST(Aead, KnownAnswers) {
  for (const KnownAnswer& a : kKnownAnswers) {
    SCOPED_TRACE(a.ciphertext);
    const Secret32 key = hex_secret(a.key);
    const auto nonce = hex_block<12>(a.nonce);
    EXPECT_EQ(to_hex(seal(a.cipher, key, nonce, hex(a.ad), hex(a.plaintext))), a.ciphertext);
    EXPECT_EQ(open(a.cipher, key, nonce, hex(a.ad), hex(a.ciphertext)), hex(a.plaintext));
  }
}

TEST(Aead, RefusesEveryChangedByte) {
  for (const KnownAnswer& a : kKnownAnswers) {
    const Secret32 key = hex_secret(a.key);
    const auto nonce = hex_block<12>(a.nonce);
    const Bytes ad = hex(a.ad);
    const Bytes ciphertext = hex(a.ciphertext);
    for (std::size_t i = 0; i < ciphertext.size(); ++i) {
      Bytes changed = ciphertext;
      changed[i] ^= 0x80;
      EXPECT_FALSE(open(a.cipher, key, nonce, ad, changed)) << "ciphertext byte " << i;
    }
    for (std::size_t i = 0; i < ad.size(); ++i) {
      Bytes changed = ad;
      changed[i] ^= 1;
      EXPECT_FALSE(open(a.cipher, key, nonce, changed, ciphertext)) << "ad byte " << i;
    }
    for (std::size_t i = 0; i < nonce.size(); ++i) {
      Nonce changed = nonce;
      changed[i] ^= 1;
      EXPECT_FALSE(open(a.cipher, key, changed, ad, ciphertext)) << "nonce byte " << i;
    }
    for (std::size_t i = 0; i < key.size(); ++i) {
      Secret32 changed = key;
      changed.data()[i] ^= 1;
      EXPECT_FALSE(open(a.cipher, changed, nonce, ad, ciphertext)) << "key byte " << i;
    }
  }
}

TEST(Aead, RefusesOtherSizes) {
  for (const KnownAnswer& a : kKnownAnswers) {
    const Secret32 key = hex_secret(a.key);
    const auto nonce = hex_block<12>(a.nonce);
    Bytes ciphertext = hex(a.ciphertext);
    for (std::size_t size = 0; size < ciphertext.size(); ++size)
      EXPECT_FALSE(open(a.cipher, key, nonce, hex(a.ad), ByteView(ciphertext).first(size))) << size;
    ciphertext.push_back(0);
    EXPECT_FALSE(open(a.cipher, key, nonce, hex(a.ad), ciphertext));
  }
}

TEST(CounterNonce, Golden) {
  EXPECT_EQ(to_hex(counter_nonce(0)), "000000000000000000000000");
  EXPECT_EQ(to_hex(counter_nonce(1)), "000000000100000000000000");
  EXPECT_EQ(to_hex(counter_nonce(0x0102030405060708ULL)), "000000000807060504030201");
  EXPECT_EQ(to_hex(counter_nonce(~0ULL)), "00000000ffffffffffffffff");
}

}  // namespace
}  // namespace meshnode::crypto
