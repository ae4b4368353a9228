// Cheap, but what does not belong together is refused.
#include "sim/cheap_suite.h"

#include <gtest/gtest.h>

namespace meshnode::sim {
namespace {

Secret32 secret(std::uint8_t fill) {
  Block<32> bytes;
  bytes.fill(fill);
  return Secret32(bytes);
}

TEST(SimCheapSuite, BothSidesAgreeAndNobodyElse) {
  const auto& suite = cheap_suite();
  Secret32 ab;
  Secret32 ba;
  Secret32 ac;
  ASSERT_TRUE(suite.x25519(secret(1), suite.x25519_public(secret(2)), ab));
  ASSERT_TRUE(suite.x25519(secret(2), suite.x25519_public(secret(1)), ba));
  ASSERT_TRUE(suite.x25519(secret(1), suite.x25519_public(secret(3)), ac));
  EXPECT_EQ(ab, ba);
  EXPECT_FALSE(ab == ac);
  EXPECT_FALSE(suite.x25519(secret(1), {}, ac));
  EXPECT_TRUE(all_zero(ac.view()));
}

TEST(SimCheapSuite, SignaturesFitOneKeyAndOneMessage) {
  const auto& suite = cheap_suite();
  Bytes message(100, 7);
  const auto key = suite.ed25519_public(secret(1));
  auto signature = suite.sign(secret(1), message);
  EXPECT_TRUE(suite.verify(key, message, signature));
  EXPECT_FALSE(suite.verify(suite.ed25519_public(secret(2)), message, signature));
  EXPECT_FALSE(suite.verify(key, ByteView(message).first(99), signature));
  for (std::size_t i = 0; i < signature.size(); ++i) {
    signature[i] ^= 1;
    EXPECT_FALSE(suite.verify(key, message, signature));
    signature[i] ^= 1;
  }
  message[50] ^= 1;
  EXPECT_FALSE(suite.verify(key, message, signature));
}

TEST(SimCheapSuite, FramesOpenOnlyAsTheyWereSealed) {
  const auto cipher = make_cheap_cipher(crypto::Cipher::aes_256_gcm, secret(1));
  Bytes plain(16 + 40 + crypto::kTagSize, 0x61);
  const auto job = [](Bytes& frame, std::uint64_t counter) {
    return crypto::FrameJob{.ad = frame.data(),
                            .ad_size = 16,
                            .in = frame.data() + 16,
                            .out = frame.data() + 16,
                            .text_size = 40,
                            .counter = counter};
  };
  Bytes sealed = plain;
  auto seal = job(sealed, 5);
  cipher->seal({&seal, 1});
  EXPECT_FALSE(std::equal(sealed.begin() + 16, sealed.begin() + 56, plain.begin() + 16));

  const auto opens = [&](crypto::FrameCipher& with, Bytes frame, std::uint64_t counter) {
    auto open = job(frame, counter);
    with.open({&open, 1});
    return open.ok && std::equal(frame.begin(), frame.begin() + 56, plain.begin());
  };
  EXPECT_TRUE(opens(*cipher, sealed, 5));
  EXPECT_FALSE(opens(*cipher, sealed, 6));
  EXPECT_FALSE(opens(*make_cheap_cipher(crypto::Cipher::aes_256_gcm, secret(2)), sealed, 5));
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    Bytes changed = sealed;
    changed[i] ^= 0x10;
    EXPECT_FALSE(opens(*cipher, changed, 5)) << i;
  }
}

}  // namespace
}  // namespace meshnode::sim
