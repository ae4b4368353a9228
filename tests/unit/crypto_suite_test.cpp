// X25519 and Ed25519 against the values of their RFCs, and what an enemy would try with a key.
#include <gtest/gtest.h>

#include "crypto/suite.h"
#include "tests/vectors/hex.h"

namespace meshnode::crypto {
namespace {

using test::hex;
using test::hex_block;
using test::hex_secret;

std::string shared_hex(const X25519Secret& secret, const X25519Public& peer) {
  Secret32 shared;
  if (!real_suite().x25519(secret, peer, shared)) return "refused";
  return to_hex(shared.view());
}

// RFC 7748 §5.2. The second point has its top bit set, which must be ignored.
TEST(X25519, OfRfc7748) {
  EXPECT_EQ(
      shared_hex(hex_secret("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
                 hex_block<32>("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")),
      "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
  EXPECT_EQ(
      shared_hex(hex_secret("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d"),
                 hex_block<32>("e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493")),
      "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957");
}

TEST(X25519, IteratedAsInRfc7748) {
  Secret32 k = hex_secret("0900000000000000000000000000000000000000000000000000000000000000");
  Block<32> u = hex_block<32>("0900000000000000000000000000000000000000000000000000000000000000");
  for (int i = 1; i <= 1000; ++i) {
    Secret32 next;
    ASSERT_TRUE(real_suite().x25519(k, u, next));
    std::copy_n(k.data(), 32, u.begin());
    k = next;
    if (i == 1) {
      EXPECT_EQ(to_hex(k.view()),
                "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
    }
  }
  EXPECT_EQ(to_hex(k.view()), "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
}

// RFC 7748 §6.1.
TEST(X25519, AgreementOfRfc7748) {
  const Suite& suite = real_suite();
  const auto alice = hex_secret("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
  const auto bob = hex_secret("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
  EXPECT_EQ(to_hex(suite.x25519_public(alice)),
            "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
  EXPECT_EQ(to_hex(suite.x25519_public(bob)),
            "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  const auto agreed = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
  EXPECT_EQ(shared_hex(alice, suite.x25519_public(bob)), agreed);
  EXPECT_EQ(shared_hex(bob, suite.x25519_public(alice)), agreed);
}

// All points whose order divides 8, and their non-canonical encodings (RFC 7748 §6.1, §7): each
// would make the shared secret zero, whatever our key.
TEST(X25519, RefusesPointsOfLowOrder) {
  const char* points[] = {
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
      "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  };
  const auto secret =
      hex_secret("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
  for (const char* point : points) {
    SCOPED_TRACE(point);
    Secret32 shared(
        hex_block<32>("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"));
    EXPECT_FALSE(real_suite().x25519(secret, hex_block<32>(point), shared));
    EXPECT_TRUE(all_zero(shared.view()));
  }
}

struct SignatureCase {
  const char* seed;
  const char* key;
  const char* message;
  const char* signature;
};

// RFC 8032 §7.1: tests 1, 2, 3 and SHA(abc).
const SignatureCase kSignatures[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b"
     "4"
     "6bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11"
     "d"
     "8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc"
     "6"
     "594a7c15e9716ed28dc027beceea1ec40a"},
    {"833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
     "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3fee"
     "b"
     "bd454d4423643ce80e2a9ac94fa54ca49f",
     "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e"
     "0"
     "303dca179c138ac17ad9bef1177331a704"},
};

TEST(Ed25519, OfRfc8032) {
  const Suite& suite = real_suite();
  for (const SignatureCase& c : kSignatures) {
    SCOPED_TRACE(c.seed);
    const Ed25519Seed seed = hex_secret(c.seed);
    EXPECT_EQ(to_hex(suite.ed25519_public(seed)), c.key);
    EXPECT_EQ(to_hex(suite.sign(seed, hex(c.message))), c.signature);
    EXPECT_TRUE(suite.verify(hex_block<32>(c.key), hex(c.message), hex(c.signature)));
  }
}

TEST(Ed25519, RefusesEveryChangedByte) {
  const Suite& suite = real_suite();
  const SignatureCase& c = kSignatures[2];
  const auto key = hex_block<32>(c.key);
  const Bytes message = hex(c.message);
  const Bytes signature = hex(c.signature);
  for (std::size_t i = 0; i < signature.size(); ++i) {
    Bytes changed = signature;
    changed[i] ^= 1;
    EXPECT_FALSE(suite.verify(key, message, changed)) << "signature byte " << i;
  }
  for (std::size_t i = 0; i < message.size(); ++i) {
    Bytes changed = message;
    changed[i] ^= 1;
    EXPECT_FALSE(suite.verify(key, changed, signature)) << "message byte " << i;
  }
  for (std::size_t i = 0; i < key.size(); ++i) {
    auto changed = key;
    changed[i] ^= 1;
    EXPECT_FALSE(suite.verify(changed, message, signature)) << "key byte " << i;
  }
}

TEST(Ed25519, RefusesOtherSizes) {
  const Suite& suite = real_suite();
  const SignatureCase& c = kSignatures[0];
  const auto key = hex_block<32>(c.key);
  const Bytes signature = hex(c.signature);
  for (std::size_t size = 0; size < signature.size(); ++size)
    EXPECT_FALSE(suite.verify(key, {}, ByteView(signature).first(size))) << size;
  Bytes longer = signature;
  longer.push_back(0);
  EXPECT_FALSE(suite.verify(key, {}, longer));
}

// RFC 8032 §5.1.7: S + L would verify too, were S ≥ L not refused; a second valid signature for the
// same message would make "seen before" checks leaky.
TEST(Ed25519, RefusesMalleatedSignatures) {
  const Suite& suite = real_suite();
  const Bytes order = hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  for (const SignatureCase& c : kSignatures) {
    Bytes malleated = hex(c.signature);
    unsigned carry = 0;
    for (std::size_t i = 0; i < 32; ++i) {
      carry += static_cast<unsigned>(malleated[32 + i]) + order[i];
      malleated[32 + i] = static_cast<std::uint8_t>(carry);
      carry >>= 8;
    }
    ASSERT_EQ(carry, 0U);
    EXPECT_FALSE(suite.verify(hex_block<32>(c.key), hex(c.message), malleated));
  }
}

}  // namespace
}  // namespace meshnode::crypto
