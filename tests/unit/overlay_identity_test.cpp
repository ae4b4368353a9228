// A node's own keys, and the signature that ties them together.
#include <gtest/gtest.h>

#include "overlay/identity.h"
#include "tests/vectors/hex.h"

namespace meshnode::overlay {
namespace {

const NetworkId kNetwork =
    test::hex_block<32>("e5cc8cc2ec069b837149330b33a9b162e00f7be9f7d5e30ac23cf6876d01f043");

Identity identity(std::uint8_t fill) {
  Block<32> seed;
  seed.fill(fill);
  return Identity::from_seed(crypto::Ed25519Seed(seed), crypto::real_suite());
}

bool holds(const Identity& who, const crypto::X25519Public& static_key,
           const crypto::Signature& signature, const NetworkId& network = kNetwork) {
  return binding_holds(who.signing_key, static_key, signature, network, crypto::real_suite());
}

// Made with another library from the seed 01 01 .. 01.
TEST(Identity, Golden) {
  const Identity alpha = identity(1);
  EXPECT_EQ(to_hex(alpha.signing_seed.view()),
            "0101010101010101010101010101010101010101010101010101010101010101");
  EXPECT_EQ(to_hex(alpha.signing_key),
            "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c");
  EXPECT_EQ(to_hex(alpha.static_secret.view()),
            "d3477de05d36921e0508fd7158386586e9cec2e8bef3d610bd6606f6ff7c0f4e");
  EXPECT_EQ(to_hex(alpha.static_key),
            "c7e75db15fc21df68cc978daf5967d491c99b4f17bdd580467748344a84be139");
  EXPECT_EQ(to_hex(alpha.id.bytes),
            "de117ef983709eedbd407b4f0ba0b3035c34188147af25d4f1420b6a15b6ec45");
  EXPECT_EQ(node_id(alpha.signing_key), alpha.id);
}

TEST(Identity, GoldenBinding) {
  EXPECT_EQ(to_hex(bind_static_key(identity(1), kNetwork, crypto::real_suite())),
            "1d67817d27106478cac59a9d96ce6bd075d84618a439fab28a0641d24c2c608f"
            "153bc9e54c0b7cad5d554862d15b97ebe55b4c7d7f56ba63f03f9c9212a04900");
}

TEST(Identity, TheBindingIsForOneNetworkOneKeyAndOneIdentity) {
  const Identity alpha = identity(1);
  const Identity beta = identity(2);
  const auto signature = bind_static_key(alpha, kNetwork, crypto::real_suite());
  EXPECT_TRUE(holds(alpha, alpha.static_key, signature));
  EXPECT_FALSE(holds(alpha, beta.static_key, signature));
  EXPECT_FALSE(holds(beta, alpha.static_key, signature));
  EXPECT_FALSE(holds(beta, beta.static_key, signature));
  NetworkId other = kNetwork;
  other[31] ^= 1;
  EXPECT_FALSE(holds(alpha, alpha.static_key, signature, other));
}

TEST(Identity, NoOtherSignatureHolds) {
  const Identity alpha = identity(1);
  const auto signature = bind_static_key(alpha, kNetwork, crypto::real_suite());
  for (std::size_t at = 0; at < signature.size(); ++at) {
    auto changed = signature;
    changed[at] ^= 1;
    EXPECT_FALSE(holds(alpha, alpha.static_key, changed)) << at;
  }
  EXPECT_FALSE(holds(alpha, alpha.static_key, {}));
}

TEST(Identity, ABareSignatureOfTheKeyIsNoBinding) {
  const Identity alpha = identity(1);
  Bytes statement = to_bytes(kNetwork);
  Writer(statement).bytes(alpha.static_key);
  EXPECT_FALSE(
      holds(alpha, alpha.static_key, crypto::real_suite().sign(alpha.signing_seed, statement)))
      << "without its label it could mean something else";
}

}  // namespace
}  // namespace meshnode::overlay
