// The closed group: its token, its fingerprint, its keys and addresses.
#include <set>

#include <gtest/gtest.h>

#include "overlay/network.h"
#include "tests/vectors/hex.h"

namespace meshnode::overlay {
namespace {

constexpr std::string_view kToken =
    "mesh1aaaqeayeaudaocajbifqydiob4aqaaaaeaqseizeeutcokbjfivsyljof4ydcmrtgq2tmnzyhe5dwpb5hy72j7p5x"
    "u";
// The same with generation 0, and a checksum that fits.
constexpr std::string_view kTokenOfGenerationZero =
    "mesh1aaaqeayeaudaocajbifqydiob4aaaaaaeaqseizeeutcokbjfivsyljof4ydcmrtgq2tmnzyhe5dwpb5hy75ljo6d"
    "e";

NetworkSecret sample() {
  NetworkSecret out;
  out.seed = test::hex_block<16>("000102030405060708090a0b0c0d0e0f");
  out.secret = test::hex_secret("202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f");
  return out;
}

TEST(Token, Golden) {
  EXPECT_EQ(to_token(sample()), kToken);
  EXPECT_EQ(kToken.size(), 95U);
  NetworkSecret later = sample();
  later.generation = 0x01020304;
  EXPECT_EQ(to_token(later),
            "mesh1aaaqeayeaudaocajbifqydiob4cagaqbeaqseizeeutcokbjfivsyljof4ydcmrtgq2tmnzyhe5dwpb5"
            "hy762ub2xi");
}

TEST(Token, RoundTrip) {
  for (const std::uint32_t generation : {1U, 2U, 0x01020304U, 0xffffffffU}) {
    NetworkSecret network = sample();
    network.generation = generation;
    EXPECT_EQ(parse_token(to_token(network)), network);
  }
}

TEST(Token, EveryWrongCharacterIsNoticed) {
  const std::string_view alphabet = "abcdefghijklmnopqrstuvwxyz0123456789 -_=.\n";
  for (std::size_t at = 0; at < kToken.size(); ++at)
    for (const char wrong : alphabet) {
      if (wrong == kToken[at]) continue;
      std::string typed(kToken);
      typed[at] = wrong;
      EXPECT_FALSE(parse_token(typed)) << typed;
    }
}

TEST(Token, SwappedMissingAndDoubledCharactersAreNoticed) {
  for (std::size_t at = 0; at < kToken.size(); ++at) {
    std::string typed(kToken);
    typed.erase(at, 1);
    EXPECT_FALSE(parse_token(typed)) << "missing " << at;
    typed = kToken;
    typed.insert(at, 1, typed[at]);
    EXPECT_FALSE(parse_token(typed)) << "doubled " << at;
    typed = kToken;
    if (at == 0 || typed[at] == typed[at - 1]) continue;
    std::swap(typed[at], typed[at - 1]);
    EXPECT_FALSE(parse_token(typed)) << "swapped " << at;
  }
}

TEST(Token, EveryTruncationIsRefused) {
  for (std::size_t size = 0; size < kToken.size(); ++size)
    EXPECT_FALSE(parse_token(kToken.substr(0, size))) << size;
}

TEST(Token, AnotherPrefixIsRefused) {
  const std::string body(kToken.substr(5));
  for (const char* prefix : {"", "mesh", "mesh2", "Mesh1", "nesh1", " mesh1", "mesh1mesh1"})
    EXPECT_FALSE(parse_token(prefix + body)) << prefix;
}

TEST(Token, GenerationZeroDoesNotExist) {
  EXPECT_FALSE(parse_token(kTokenOfGenerationZero));
}

TEST(Network, GoldenIdAndFingerprint) {
  EXPECT_EQ(to_hex(sample().id()),
            "e5cc8cc2ec069b837149330b33a9b162e00f7be9f7d5e30ac23cf6876d01f043");
  EXPECT_EQ(sample().fingerprint(), "e8c2-61bc");
}

TEST(Network, IdAndFingerprintDependOnTheSeedOnly) {
  NetworkSecret rotated = sample();
  rotated.generation = 2;
  rotated.secret = {};
  EXPECT_EQ(rotated.id(), sample().id());
  EXPECT_EQ(rotated.fingerprint(), sample().fingerprint());
  NetworkSecret other = sample();
  other.seed[15] ^= 1;
  EXPECT_NE(other.id(), sample().id());
  EXPECT_NE(other.fingerprint(), sample().fingerprint());
}

TEST(Network, GoldenKeys) {
  const NetworkKeys keys = NetworkKeys::derive(sample());
  EXPECT_EQ(keys.id, sample().id());
  EXPECT_EQ(keys.generation, 1U);
  EXPECT_EQ(to_hex(keys.lan.view()),
            "b279835a356c0e85089228b782d32f0b4d2d4354aed4dc3cd7e1442dfc3b933e");
  EXPECT_EQ(to_hex(keys.mac.view()),
            "3e10a3335174feb11d97dec3dc1cfc65125fbd364b09bc0362dd6884c480c629");
  EXPECT_EQ(to_hex(keys.psk.view()),
            "5dc38b4fd7a2cc34e974193af84957bf1009cbec201e54669d4ce692a7126aaa");
}

TEST(Network, AllKeysOfAllNetworksAreDistinct) {
  NetworkSecret other_seed = sample();
  other_seed.seed[0] ^= 1;
  NetworkSecret other_secret = sample();
  other_secret.secret.data()[31] ^= 1;
  std::set<std::string> seen;
  for (const NetworkSecret& network : {sample(), other_seed, other_secret}) {
    const NetworkKeys keys = NetworkKeys::derive(network);
    for (const Secret32* key : {&keys.lan, &keys.mac, &keys.psk})
      EXPECT_TRUE(seen.insert(to_hex(key->view())).second);
    seen.insert(to_hex(keys.id));
    seen.insert(to_hex(network.secret.view()));
  }
  EXPECT_EQ(seen.size(), 9U + 2U + 2U) << "two ids and two secrets, and no key is one of them";
}

TEST(Network, FromAStretchedPassphrase) {
  Secret<48> stretched;
  for (std::size_t i = 0; i < 48; ++i) stretched.data()[i] = static_cast<std::uint8_t>(i);
  const NetworkSecret network = from_passphrase(stretched);
  EXPECT_EQ(to_hex(network.seed), "000102030405060708090a0b0c0d0e0f");
  EXPECT_EQ(to_hex(network.secret.view()),
            "101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f");
  EXPECT_EQ(network.generation, 1U);
}

TEST(OverlayAddress, GoldenPrefixAndAddress) {
  EXPECT_EQ(overlay_prefix(sample().id()).to_string(), "fde5:cc8c:c2ec::/48");
  const NodeId node{
      test::hex_block<32>("de117ef983709eedbd407b4f0ba0b3035c34188147af25d4f1420b6a15b6ec45")};
  EXPECT_EQ(overlay_address(sample().id(), node).to_string(),
            "fde5:cc8c:c2ec:de11:7ef9:8370:9eed:bd40");
}

TEST(OverlayAddress, EveryMemberIsWithinThePrefix) {
  const NetworkId id = sample().id();
  for (unsigned fill = 0; fill < 256; ++fill) {
    NodeId node;
    node.bytes.fill(static_cast<std::uint8_t>(fill));
    EXPECT_TRUE(overlay_prefix(id).contains(overlay_address(id, node)));
  }
  NetworkId other = id;
  other[4] ^= 1;
  EXPECT_FALSE(overlay_prefix(other).contains(overlay_address(id, NodeId{})));
}

}  // namespace
}  // namespace meshnode::overlay
