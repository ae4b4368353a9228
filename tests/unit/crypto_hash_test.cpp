// SHA-256, HMAC and HKDF against the values of their standards.
#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "tests/vectors/hex.h"

namespace meshnode::crypto {
namespace {

using test::hex;

Bytes hkdf(ByteView salt, ByteView key_material, ByteView info, std::size_t size) {
  Bytes out(size);
  hkdf_sha256(salt, key_material, info, out);
  return out;
}

// FIPS 180-2, appendix B.
TEST(Sha256, OfTheStandard) {
  EXPECT_EQ(to_hex(sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(sha256({as_bytes("abc")})),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(sha256({as_bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")})),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(to_hex(sha256({Bytes(1'000'000, 'a')})),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, HashesTheConcatenationOfItsParts) {
  EXPECT_EQ(sha256({as_bytes("a"), {}, as_bytes("bc")}), sha256({as_bytes("abc")}));
}

// RFC 4231 §4; case 5 is about truncation, which the callers do themselves.
TEST(HmacSha256, OfRfc4231) {
  EXPECT_EQ(to_hex(hmac_sha256(Bytes(20, 0x0b), {as_bytes("Hi There")})),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(to_hex(hmac_sha256(as_bytes("Jefe"), {as_bytes("what do ya want for nothing?")})),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(to_hex(hmac_sha256(Bytes(20, 0xaa), {Bytes(50, 0xdd)})),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
  EXPECT_EQ(to_hex(hmac_sha256(hex("0102030405060708090a0b0c0d0e0f10111213141516171819"),
                               {Bytes(50, 0xcd)})),
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
  EXPECT_EQ(
      to_hex(hmac_sha256(Bytes(131, 0xaa),
                         {as_bytes("Test Using Larger Than Block-Size Key - Hash Key First")})),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(to_hex(hmac_sha256(
                Bytes(131, 0xaa),
                {as_bytes("This is a test using a larger than block-size key and a larger than "
                          "block-size data. The key needs to be hashed before being used by the "
                          "HMAC algorithm.")})),
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

TEST(HmacSha256, CoversTheConcatenationOfItsParts) {
  EXPECT_EQ(hmac_sha256(as_bytes("k"), {as_bytes("a"), {}, as_bytes("bc")}),
            hmac_sha256(as_bytes("k"), {as_bytes("abc")}));
}

TEST(HmacSha256, TakesAnEmptyKeyAndMessage) {
  EXPECT_EQ(to_hex(hmac_sha256({}, {})),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

// RFC 5869, appendix A.1 to A.3.
TEST(HkdfSha256, OfRfc5869) {
  EXPECT_EQ(to_hex(hkdf(hex("000102030405060708090a0b0c"), Bytes(22, 0x0b),
                        hex("f0f1f2f3f4f5f6f7f8f9"), 42)),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");

  Bytes up(80), salt(80), info(80);
  for (std::size_t i = 0; i < 80; ++i) {
    up[i] = static_cast<std::uint8_t>(i);
    salt[i] = static_cast<std::uint8_t>(0x60 + i);
    info[i] = static_cast<std::uint8_t>(0xb0 + i);
  }
  EXPECT_EQ(to_hex(hkdf(salt, up, info, 82)),
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
            "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
            "cc30c58179ec3e87c14c01d5c1f3434f1d87");

  EXPECT_EQ(to_hex(hkdf({}, Bytes(22, 0x0b), {}, 42)),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

TEST(HkdfSha256, EmptySaltIs32ZeroBytes) {
  EXPECT_EQ(hkdf({}, as_bytes("key"), as_bytes("info"), 64),
            hkdf(Bytes(32), as_bytes("key"), as_bytes("info"), 64));
}

TEST(HkdfSha256, FillsUpTo255Hashes) {
  EXPECT_EQ(hkdf({}, as_bytes("key"), {}, 255 * 32).size(), 255U * 32);
  EXPECT_DEATH(hkdf({}, as_bytes("key"), {}, 255 * 32 + 1), "bug");
}

TEST(DeriveKey, IsHkdfWithTheLabelAsInfo) {
  const Secret32 key = derive_key(as_bytes("salt"), as_bytes("key"), "label");
  EXPECT_EQ(to_bytes(key.view()), hkdf(as_bytes("salt"), as_bytes("key"), as_bytes("label"), 32));
  EXPECT_FALSE(key == derive_key(as_bytes("salt"), as_bytes("key"), "another label"));
}

}  // namespace
}  // namespace meshnode::crypto
