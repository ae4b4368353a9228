// Keys of the probes between two members.
#include <limits>
#include <set>

#include <gtest/gtest.h>

#include "discovery/probe_keys.h"
#include "tests/support/seeded_random.h"
#include "tests/vectors/hex.h"

namespace meshnode::discovery {
namespace {

constexpr std::int64_t kEpochMs = std::int64_t{6} * 60 * 60 * 1000;

Secret32 filled(std::uint8_t value) {
  Block<32> bytes;
  bytes.fill(value);
  return Secret32(bytes);
}

crypto::X25519Public public_of(const Secret32& secret) {
  return crypto::real_suite().x25519_public(secret);
}

std::optional<ProbeKeys> derive(const Secret32& own, const Secret32& peer, const Secret32& psk) {
  return ProbeKeys::derive(crypto::real_suite(), own, public_of(own), public_of(peer), psk);
}

const Secret32 kAlphaSecret = filled(0x11);
const Secret32 kBetaSecret = filled(0x22);
const Secret32 kPsk = filled(0x33);

struct ProbeKeysTest : ::testing::Test {
  ProbeKeys alpha = *derive(kAlphaSecret, kBetaSecret, kPsk);
  ProbeKeys beta = *derive(kBetaSecret, kAlphaSecret, kPsk);

  static wire::Probe sample(wire::Probe::Kind kind = wire::Probe::Kind::request) {
    wire::Probe probe;
    probe.kind = kind;
    probe.number = 0x1112131415161718;
    probe.boot = {0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7};
    probe.nonce = {0xb0, 0xb1, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7};
    return probe;
  }
};

TEST_F(ProbeKeysTest, BothSidesAgree) {
  for (const TagEpoch epoch : {-1, 0, 1, 79'000}) {
    EXPECT_EQ(alpha.send_tag(epoch), beta.receive_tag(epoch));
    EXPECT_EQ(beta.send_tag(epoch), alpha.receive_tag(epoch));
  }
  const auto there = wire::parse_probe(alpha.seal(sample(), 5));
  ASSERT_TRUE(there);
  EXPECT_EQ(there->tag, beta.receive_tag(5));
  EXPECT_TRUE(beta.mac_fits(*there));
  EXPECT_EQ(there->number, sample().number);
  EXPECT_EQ(there->boot, sample().boot);
  EXPECT_EQ(there->nonce, sample().nonce);
}

TEST_F(ProbeKeysTest, DirectionsAreSeparate) {
  const auto own = wire::parse_probe(alpha.seal(sample(), 5));
  ASSERT_TRUE(own);
  EXPECT_NE(own->tag, alpha.receive_tag(5));
  EXPECT_FALSE(alpha.mac_fits(*own)) << "our own probe, sent back to us, proves nothing";
}

// Made with another library from the secrets 11.., 22.. and the pre-shared key 33.. .
TEST_F(ProbeKeysTest, GoldenTags) {
  EXPECT_EQ(alpha.send_tag(-1), 0xa4bea260d38c9ccbU);
  EXPECT_EQ(alpha.send_tag(0), 0x42b89765fc20f8f4U);
  EXPECT_EQ(alpha.send_tag(1), 0x6c7121b769e7a0ccU);
  EXPECT_EQ(alpha.send_tag(79'000), 0xa6dcc62c087f82d5U);
  EXPECT_EQ(beta.send_tag(79'000), 0x2e80604d341c525eU);
}

TEST_F(ProbeKeysTest, GoldenRequest) {
  EXPECT_EQ(to_hex(alpha.seal(sample(), 79'000)),
            "43000000"
            "d5827f082cc6dca6"
            "1817161514131211"
            "a0a1a2a3a4a5a6a7"
            "b0b1b2b3b4b5b6b7"
            "000000000000000000000000"
            "c480855d503d5f18b17e2c43e61f494f");
}

TEST_F(ProbeKeysTest, GoldenAnswer) {
  wire::Probe answer = sample(wire::Probe::Kind::answer);
  answer.observed = {IpAddress::v4({192, 0, 2, 1}), 3731};
  EXPECT_EQ(to_hex(beta.seal(answer, 79'000)),
            "43010000"
            "5e521c344d60802e"
            "1817161514131211"
            "a0a1a2a3a4a5a6a7"
            "0400930ec0000201000000000000000000000000"
            "c46d83f673977dbf95cc59a17b751ffe");
}

TEST_F(ProbeKeysTest, GoldenGoodbyeHasNoNonce) {
  EXPECT_EQ(to_hex(beta.seal(sample(wire::Probe::Kind::goodbye), 79'000)),
            "43020000"
            "5e521c344d60802e"
            "1817161514131211"
            "a0a1a2a3a4a5a6a7"
            "0000000000000000000000000000000000000000"
            "83f04ffbef6debc27cefb0a23446f0f7");
}

TEST(ProbeNonces, Golden) {
  const ProbeNonces nonces(filled(0x44));
  EXPECT_EQ(to_hex(nonces.of(0)), "86ffab90d86b6428");
  EXPECT_EQ(to_hex(nonces.of(1)), "553708f8fcb8aed1");
  EXPECT_EQ(to_hex(nonces.of(0x1112131415161718)), "7e61f2310d670e46");
}

TEST(ProbeNonces, OfAnotherStartAreOthers) {
  EXPECT_NE(ProbeNonces(filled(0x44)).of(1), ProbeNonces(filled(0x45)).of(1));
}

// Numbers can be guessed, and beta has the keys; what it has not seen is the request.
TEST_F(ProbeKeysTest, AnAnswerWithoutTheRequestsNonceDoesNotFit) {
  wire::Probe answer = sample(wire::Probe::Kind::answer);
  answer.observed = {IpAddress::v4({192, 0, 2, 1}), 3731};
  const wire::ProbeNonce sent = answer.nonce;
  const auto arrives = [&](const wire::ProbeNonce& known) {
    answer.nonce = known;
    auto there = wire::parse_probe(beta.seal(answer, 5));
    there->nonce = sent;  // as the asker knows it
    return alpha.mac_fits(*there);
  };
  EXPECT_TRUE(arrives(sent));
  EXPECT_FALSE(arrives({})) << "none";
  EXPECT_FALSE(arrives(ProbeNonces(filled(0x44)).of(answer.number))) << "another one";
  for (std::size_t bit = 0; bit < 8 * sent.size(); ++bit) {
    wire::ProbeNonce near = sent;
    near[bit / 8] = static_cast<std::uint8_t>(near[bit / 8] ^ 1U << bit % 8);
    EXPECT_FALSE(arrives(near)) << "bit " << bit;
  }
}

TEST_F(ProbeKeysTest, EveryChangedByteIsNoticed) {
  wire::Probe answer = sample(wire::Probe::Kind::answer);
  answer.nonce = {};  // (parse_probe() leaves it so)
  answer.observed = {*IpAddress::parse("2001:db8::1"), 3731};
  const Bytes genuine = alpha.seal(answer, 5);
  for (std::size_t at = 0; at < genuine.size(); ++at)
    for (unsigned bit = 0; bit < 8; ++bit) {
      Bytes changed = genuine;
      changed[at] = static_cast<std::uint8_t>(changed[at] ^ 1U << bit);
      const auto parsed = wire::parse_probe(changed);
      EXPECT_FALSE(parsed && beta.mac_fits(*parsed)) << "byte " << at << " bit " << bit;
    }
}

TEST_F(ProbeKeysTest, AnotherNetworksKeysDoNotFit) {
  const auto foreign = *derive(kBetaSecret, kAlphaSecret, filled(0x34));
  const auto probe = wire::parse_probe(alpha.seal(sample(), 5));
  EXPECT_FALSE(foreign.mac_fits(*probe));
  EXPECT_NE(foreign.receive_tag(5), alpha.send_tag(5));
}

TEST_F(ProbeKeysTest, AThirdMemberCannotImitate) {
  const Secret32 gamma = filled(0x44);
  const auto to_beta = *derive(gamma, kBetaSecret, kPsk);
  const auto probe = wire::parse_probe(to_beta.seal(sample(), 5));
  EXPECT_FALSE(beta.mac_fits(*probe));
  EXPECT_NE(probe->tag, beta.receive_tag(5));
}

TEST_F(ProbeKeysTest, TagsOfPairsAndEpochsAreDistinct) {
  std::set<wire::ProbeTag> tags;
  for (TagEpoch epoch = -5; epoch < 5; ++epoch)
    for (const ProbeKeys* keys : {&alpha, &beta})
      EXPECT_TRUE(tags.insert(keys->send_tag(epoch)).second);
}

TEST_F(ProbeKeysTest, LowOrderKeysAreRefused) {
  crypto::X25519Public zero{};
  crypto::X25519Public one{};
  one[0] = 1;
  for (const auto& peer : {zero, one})
    EXPECT_FALSE(
        ProbeKeys::derive(crypto::real_suite(), kAlphaSecret, public_of(kAlphaSecret), peer, kPsk));
}

TEST(TagEpoch, SixHoursEach) {
  EXPECT_EQ(tag_epoch({0}), 0);
  EXPECT_EQ(tag_epoch({kEpochMs - 1}), 0);
  EXPECT_EQ(tag_epoch({kEpochMs}), 1);
  EXPECT_EQ(tag_epoch({10 * kEpochMs + 5}), 10);
}

TEST(TagEpoch, BeforeTheYear1970) {
  EXPECT_EQ(tag_epoch({-1}), -1);
  EXPECT_EQ(tag_epoch({-kEpochMs}), -1);
  EXPECT_EQ(tag_epoch({-kEpochMs - 1}), -2);
}

TEST(TagEpoch, NeverGoesBackAndNeverJumps) {
  TagEpoch last = tag_epoch({-3 * kEpochMs});
  for (std::int64_t ms = -3 * kEpochMs; ms < 3 * kEpochMs; ms += 60'000) {
    const TagEpoch epoch = tag_epoch({ms});
    EXPECT_TRUE(epoch == last || epoch == last + 1) << ms;
    last = epoch;
  }
}

TEST(TagEpoch, AtTheLatestMoment) {
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(tag_epoch({kMax}), kMax / kEpochMs);
}

// A beacon's clock is any 64-bit number that a member cares to write.
TEST(TagEpoch, AtTheEarliestMoment) {
  constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
  static_assert(kMin % kEpochMs != 0);
  for (const std::int64_t ms : {kMin + kEpochMs, kMin + 1, kMin})
    EXPECT_EQ(tag_epoch({ms}), ms / kEpochMs - (ms % kEpochMs != 0 ? 1 : 0)) << ms;
}

}  // namespace
}  // namespace meshnode::discovery
