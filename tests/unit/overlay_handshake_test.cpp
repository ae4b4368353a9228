// Two machines that agree: keys, ciphers, and what each learns of the other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/providers.h"
#include "overlay/handshake.h"

namespace meshnode::overlay {
namespace {

using crypto::Cipher;
using ::testing::ElementsAre;

Secret32 filled(std::uint8_t value) {
  Block<32> bytes;
  bytes.fill(value);
  return Secret32(bytes);
}

HandshakeSelf self(std::uint8_t seed) {
  const auto& suite = crypto::real_suite();
  HandshakeSelf out{.suite = suite,
                    .identity = Identity::from_seed(filled(seed), suite),
                    .keys = NetworkKeys::derive({}),
                    .binding = {},
                    .boot = {},
                    .ciphers = {Cipher::aes_256_gcm, Cipher::chacha20_poly1305},
                    .name = "node" + std::to_string(seed),
                    .claims = {}};
  out.boot.fill(seed);
  out.binding = bind_static_key(out.identity, out.keys.id, suite);
  return out;
}

struct HandshakeTest : ::testing::Test {
  HandshakeSelf alpha = self(1);
  HandshakeSelf beta = self(2);
  HandshakeFresh alpha_fresh{.index = 0x0a0a0a0a, .number = 1000};
  HandshakeFresh beta_fresh{.index = 0x0b0b0b0b, .number = 2000};
  std::uint8_t ephemeral = 100;

  Initiator begin() {
    return *Initiator::begin(alpha, alpha_fresh, filled(++ephemeral), beta.identity.static_key,
                             beta.boot);
  }
  std::variant<Response, Drop> answer(const Bytes& message) {
    const auto init = wire::parse_init(message);
    auto opened = open_init(beta, *init, filled(++ephemeral));
    if (const auto* reason = std::get_if<Drop>(&opened)) return *reason;
    return respond(beta, std::move(std::get<OpenedInit>(opened)), beta_fresh);
  }
  std::pair<Established, Established> run() {
    Initiator initiator = begin();
    auto response = std::get<Response>(answer(initiator.message()));
    auto finished = initiator.finish(*wire::parse_response(response.message));
    EXPECT_TRUE(initiator.spent());
    return {std::get<Established>(std::move(finished)), std::move(response.established)};
  }
};

TEST_F(HandshakeTest, BothSidesAgreeOnKeysAndIndices) {
  const auto [a, b] = run();
  EXPECT_EQ(a.keys.send, b.keys.receive);
  EXPECT_EQ(a.keys.receive, b.keys.send);
  EXPECT_FALSE(a.keys.send == a.keys.receive);
  EXPECT_EQ(a.keys.cipher, b.keys.cipher);
  EXPECT_EQ(a.local_index, alpha_fresh.index);
  EXPECT_EQ(a.remote_index, beta_fresh.index);
  EXPECT_EQ(b.local_index, beta_fresh.index);
  EXPECT_EQ(b.remote_index, alpha_fresh.index);
}

TEST_F(HandshakeTest, EachProvesWhoItIs) {
  const auto [a, b] = run();
  EXPECT_EQ(a.peer.id, beta.identity.id);
  EXPECT_EQ(a.peer.static_key, beta.identity.static_key);
  EXPECT_EQ(b.peer.id, alpha.identity.id);
  EXPECT_EQ(b.peer.static_key, alpha.identity.static_key);
}

TEST_F(HandshakeTest, EachSaysWhatItWants) {
  alpha.claims = {IpAddress::v4({10, 77, 0, 1})};
  beta.claims = {IpAddress::v4({10, 77, 0, 2}), IpAddress::v4({10, 77, 0, 3})};
  alpha_fresh.observed = {IpAddress::v4({192, 0, 2, 2}), 2};
  beta_fresh.observed = {IpAddress::v4({192, 0, 2, 1}), 1};
  alpha_fresh.challenge_answer = Block<16>{7};
  const auto [a, b] = run();
  EXPECT_EQ(a.peer.payload.name, "node2");
  EXPECT_EQ(a.peer.payload.claims, beta.claims);
  EXPECT_EQ(a.peer.payload.boot, beta.boot);
  EXPECT_EQ(a.peer.payload.number, 2000U);
  EXPECT_EQ(a.peer.payload.observed, beta_fresh.observed);
  EXPECT_FALSE(a.peer.payload.challenge_answer);
  EXPECT_EQ(b.peer.payload.name, "node1");
  EXPECT_EQ(b.peer.payload.claims, alpha.claims);
  EXPECT_EQ(b.peer.payload.boot, alpha.boot);
  EXPECT_EQ(b.peer.payload.number, 1000U);
  EXPECT_EQ(b.peer.payload.observed, alpha_fresh.observed);
  EXPECT_EQ(b.peer.payload.challenge_answer, (Block<16>{7}));
}

TEST_F(HandshakeTest, EachHandshakeHasItsOwnKeys) {
  const auto first = run().first;
  const auto second = run().first;
  EXPECT_FALSE(first.keys.send == second.keys.send);
  EXPECT_FALSE(first.keys.receive == second.keys.receive);
}

TEST_F(HandshakeTest, TheFirstMessageStaysAsItIs) {
  Initiator initiator = begin();
  const Bytes first = initiator.message();
  EXPECT_EQ(initiator.message(), first);
  initiator.set_cookie({1});
  const Bytes with_cookie = initiator.message();
  EXPECT_NE(with_cookie, first);
  initiator.set_cookie({2});
  EXPECT_NE(initiator.message(), with_cookie);
  initiator.set_cookie({1});
  EXPECT_EQ(initiator.message(), with_cookie) << "the same cookie makes the same bytes";
  EXPECT_TRUE(std::holds_alternative<Response>(answer(with_cookie)));
}

TEST_F(HandshakeTest, NothingOfTheNodeIsReadable) {
  const Bytes message = begin().message();
  for (const ByteView secret :
       {ByteView(alpha.identity.static_key), ByteView(alpha.identity.id.bytes),
        ByteView(alpha.identity.signing_key), as_bytes(alpha.name),
        ByteView(beta.identity.static_key), ByteView(alpha.keys.id)})
    EXPECT_EQ(std::search(message.begin(), message.end(), secret.begin(), secret.end()),
              message.end());
}

// By what the CPUs of both have: AES only if both have instructions for it.
TEST_F(HandshakeTest, ASideWithoutAesInstructionsGetsChaCha) {
  for (const bool initiator : {true, false})
    for (const bool responder : {true, false}) {
      alpha.ciphers = crypto::wanted_ciphers(initiator);
      beta.ciphers = crypto::wanted_ciphers(responder);
      const auto [a, b] = run();
      const Cipher wanted =
          initiator && responder ? Cipher::aes_256_gcm : Cipher::chacha20_poly1305;
      EXPECT_EQ(a.keys.cipher, wanted) << initiator << responder;
      EXPECT_EQ(b.keys.cipher, wanted) << initiator << responder;
    }
}

TEST_F(HandshakeTest, AmongLaterCiphersTheInitiatorChooses) {
  constexpr auto kThird = static_cast<Cipher>(3);
  constexpr auto kFourth = static_cast<Cipher>(4);
  EXPECT_EQ(choose_cipher({9, 4, 3, 2}, {kThird, kFourth}), kFourth);
  EXPECT_EQ(choose_cipher({3, 2}, {Cipher::chacha20_poly1305, kThird}), Cipher::chacha20_poly1305);
  EXPECT_EQ(choose_cipher({3, 1}, {Cipher::chacha20_poly1305, kThird}), kThird)
      << "what the other one does not offer is not chosen";
}

TEST_F(HandshakeTest, OnlyCommonCiphersAreChosen) {
  beta.ciphers = {Cipher::chacha20_poly1305};
  EXPECT_EQ(run().first.keys.cipher, Cipher::chacha20_poly1305);
  alpha.ciphers = {static_cast<Cipher>(99), Cipher::chacha20_poly1305};
  EXPECT_EQ(run().first.keys.cipher, Cipher::chacha20_poly1305) << "later versions offer more";
}

TEST_F(HandshakeTest, NoCommonCipher) {
  alpha.ciphers = {Cipher::aes_256_gcm};
  beta.ciphers = {Cipher::chacha20_poly1305};
  const auto result = answer(begin().message());
  ASSERT_TRUE(std::holds_alternative<Drop>(result));
  EXPECT_EQ(std::get<Drop>(result), Drop::unsupported);
}

TEST_F(HandshakeTest, AChoiceThatWasNotOfferedIsRefused) {
  Initiator initiator = begin();
  const auto response = std::get<Response>(answer(initiator.message()));
  ASSERT_EQ(response.established.keys.cipher, Cipher::aes_256_gcm);
  alpha.ciphers = {Cipher::chacha20_poly1305};
  const auto finished = initiator.finish(*wire::parse_response(response.message));
  ASSERT_TRUE(std::holds_alternative<Drop>(finished));
  EXPECT_EQ(std::get<Drop>(finished), Drop::unsupported);
  EXPECT_TRUE(initiator.spent());
}

TEST_F(HandshakeTest, LargestMessagesFit) {
  for (HandshakeSelf* node : {&alpha, &beta}) {
    node->name = std::string(32, 'n');
    node->claims = {IpAddress::v4({10, 77, 0, 1}), IpAddress::v4({10, 77, 0, 2})};
  }
  alpha.ciphers.resize(wire::kMaxCiphers, static_cast<Cipher>(99));
  alpha_fresh.observed = beta_fresh.observed = {*IpAddress::parse("2001:db8::1"), 1};
  alpha_fresh.challenge_answer = Block<16>{};
  Initiator initiator = begin();
  EXPECT_LE(initiator.message().size(), wire::kMaxHandshakeSize);
  const auto response = std::get<Response>(answer(initiator.message()));
  EXPECT_LT(response.message.size(), initiator.message().size()) << "an answer never amplifies";
  EXPECT_TRUE(std::holds_alternative<Established>(
      initiator.finish(*wire::parse_response(response.message))));
}

TEST_F(HandshakeTest, ChallengesAreForOneMessage) {
  Initiator initiator = begin();
  const auto mac1 = wire::parse_init(initiator.message())->mac1;
  const Bytes genuine =
      make_challenge(beta.keys, wire::Challenge::Kind::cookie, alpha_fresh.index, {5}, mac1);
  EXPECT_TRUE(initiator.is_for_us(*wire::parse_challenge(genuine)));
  for (std::size_t at = 0; at < genuine.size(); ++at) {
    Bytes changed = genuine;
    changed[at] ^= 1;
    const auto parsed = wire::parse_challenge(changed);
    EXPECT_FALSE(parsed && initiator.is_for_us(*parsed)) << "byte " << at;
  }
  initiator.set_cookie({5});
  EXPECT_TRUE(initiator.is_for_us(*wire::parse_challenge(genuine))) << "mac1 is still the same";
  const Initiator next = begin();
  EXPECT_FALSE(next.is_for_us(*wire::parse_challenge(genuine))) << "another attempt";
}

TEST_F(HandshakeTest, ChallengesOfOtherNetworksAreNothing) {
  const Initiator initiator = begin();
  NetworkSecret other;
  other.seed[0] = 1;
  const Bytes foreign =
      make_challenge(NetworkKeys::derive(other), wire::Challenge::Kind::cookie, alpha_fresh.index,
                     {5}, wire::parse_init(initiator.message())->mac1);
  EXPECT_FALSE(initiator.is_for_us(*wire::parse_challenge(foreign)));
}

TEST_F(HandshakeTest, TheGateKeyIsForOneReceiverInOneStart) {
  const auto gate = [&](const NetworkKeys& keys, const HandshakeSelf& who, const BootId& boot) {
    return gate_key(keys, who.identity.static_key, boot);
  };
  const Secret32 key = gate(beta.keys, beta, beta.boot);
  EXPECT_FALSE(key == gate(beta.keys, alpha, beta.boot));
  EXPECT_FALSE(key == gate(beta.keys, beta, alpha.boot));
  NetworkSecret other;
  other.secret.data()[0] = 1;
  EXPECT_FALSE(key == gate(NetworkKeys::derive(other), beta, beta.boot));
  const Bytes message = begin().message();
  const auto init = *wire::parse_init(message);
  EXPECT_EQ(init.mac1, gate_mac(key, init.before_mac1));
}

}  // namespace
}  // namespace meshnode::overlay
