// What is no genuine handshake message changes nothing: the genuine one still gets through.
#include <gtest/gtest.h>

#include "overlay/handshake.h"

namespace meshnode::overlay {
namespace {

Secret32 filled(std::uint8_t value) {
  Block<32> bytes;
  bytes.fill(value);
  return Secret32(bytes);
}

HandshakeSelf self(std::uint8_t seed, const NetworkSecret& network = {}) {
  const auto& suite = crypto::real_suite();
  HandshakeSelf out{.suite = suite,
                    .identity = Identity::from_seed(filled(seed), suite),
                    .keys = NetworkKeys::derive(network),
                    .binding = {},
                    .boot = {},
                    .ciphers = {crypto::Cipher::aes_256_gcm},
                    .name = "name",
                    .claims = {}};
  out.boot.fill(seed);
  out.binding = bind_static_key(out.identity, out.keys.id, suite);
  return out;
}

struct Refusal : ::testing::Test {
  HandshakeSelf alpha = self(1);
  HandshakeSelf beta = self(2);

  Initiator begin(const HandshakeSelf& to) {
    return *Initiator::begin(alpha, {.index = 10, .number = 1}, filled(0x0a),
                             to.identity.static_key, to.boot);
  }
  std::variant<OpenedInit, Drop> open(const Bytes& message) {
    return open_init(beta, *wire::parse_init(message), filled(0x0b));
  }
  Bytes answer(const Bytes& message) {
    auto opened = open(message);
    auto response =
        respond(beta, std::move(std::get<OpenedInit>(opened)), {.index = 20, .number = 2});
    return std::get<Response>(std::move(response)).message;
  }
  // A member knows enough to make mac1 fit whatever it has changed.
  Bytes with_mac1(Bytes message, const HandshakeSelf& receiver, std::size_t behind) {
    const auto key = gate_key(receiver.keys, receiver.identity.static_key, receiver.boot);
    const std::size_t at = message.size() - behind - wire::kMacSize;
    const auto mac = gate_mac(key, ByteView(message).first(at));
    std::copy(mac.begin(), mac.end(), message.begin() + static_cast<std::ptrdiff_t>(at));
    return message;
  }
  static std::optional<Drop> refused(Initiator& initiator, const Bytes& message) {
    const auto response = wire::parse_response(message);
    if (!response) return Drop::malformed;
    const auto result = initiator.finish(*response);
    const auto* reason = std::get_if<Drop>(&result);
    return reason == nullptr ? std::nullopt : std::optional(*reason);
  }
  void expect_open_drops(const Bytes& message, Drop reason) {
    expect_open_drops(message, reason, beta);
  }
  static void expect_open_drops(const Bytes& message, Drop reason, const HandshakeSelf& receiver) {
    const auto opened = open_init(receiver, *wire::parse_init(message), filled(0x0b));
    ASSERT_TRUE(std::holds_alternative<Drop>(opened));
    EXPECT_EQ(std::get<Drop>(opened), reason);
  }
};

TEST_F(Refusal, EveryChangedByteOfAResponse) {
  Initiator initiator = begin(beta);
  const Bytes genuine = answer(initiator.message());
  for (std::size_t at = 0; at < genuine.size(); ++at) {
    Bytes changed = genuine;
    changed[at] ^= 1;
    ASSERT_TRUE(refused(initiator, changed)) << "byte " << at;
    ASSERT_FALSE(initiator.spent()) << "byte " << at;
  }
  EXPECT_FALSE(refused(initiator, genuine)) << "the genuine one still finishes";
  EXPECT_TRUE(initiator.spent());
}

TEST_F(Refusal, EveryTruncationOfAResponse) {
  Initiator initiator = begin(beta);
  const Bytes genuine = answer(initiator.message());
  for (std::size_t size = 0; size < genuine.size(); ++size) {
    const Bytes cut(genuine.begin(), genuine.begin() + static_cast<std::ptrdiff_t>(size));
    ASSERT_TRUE(refused(initiator, cut)) << size;
  }
  EXPECT_FALSE(refused(initiator, genuine));
}

TEST_F(Refusal, EveryChangedByteOfAResponseWhoseMacFits) {
  Initiator initiator = begin(beta);
  const Bytes genuine = answer(initiator.message());
  for (std::size_t at = wire::kResponseHeaderSize; at < genuine.size() - wire::kMacSize; ++at) {
    Bytes changed = genuine;
    changed[at] ^= 1;
    ASSERT_EQ(refused(initiator, with_mac1(changed, alpha, 0)), Drop::auth_failed) << at;
    ASSERT_FALSE(initiator.spent()) << "byte " << at;
  }
  EXPECT_FALSE(refused(initiator, genuine));
}

// The clear header of a response is not covered by Noise. Another member that sees the response can
// change the sender index, make mac1 fit, and be faster than the genuine one.
TEST_F(Refusal, AChangedSenderIndexWhoseMacFitsDoesNotEndTheAttempt) {
  Initiator initiator = begin(beta);
  const Bytes genuine = answer(initiator.message());
  Bytes changed = genuine;
  changed[4] ^= 1;
  const auto first = refused(initiator, with_mac1(changed, alpha, 0));
  if (!first) return;  // the authenticated index was used: just as good
  EXPECT_FALSE(initiator.spent());
  EXPECT_FALSE(refused(initiator, genuine));
}

TEST_F(Refusal, AResponseIsTakenOnce) {
  Initiator initiator = begin(beta);
  const Bytes genuine = answer(initiator.message());
  EXPECT_FALSE(refused(initiator, genuine));
  EXPECT_TRUE(refused(initiator, genuine));
}

TEST_F(Refusal, AResponseToAnotherAttempt) {
  Initiator old = begin(beta);
  const Bytes late = answer(old.message());
  Initiator now = *Initiator::begin(alpha, {.index = 10, .number = 3}, filled(0x0c),
                                    beta.identity.static_key, beta.boot);
  EXPECT_EQ(refused(now, late), Drop::auth_failed);
  EXPECT_FALSE(now.spent());
}

TEST_F(Refusal, AResponseToAnEarlierStartOfUs) {
  Initiator initiator = begin(beta);
  const Bytes genuine = answer(initiator.message());
  const BootId boot = alpha.boot;
  alpha.boot.fill(0xee);
  EXPECT_EQ(refused(initiator, genuine), Drop::bad_mac);
  alpha.boot = boot;
  EXPECT_FALSE(refused(initiator, genuine));
}

TEST_F(Refusal, EveryChangedByteOfAFirstMessage) {
  const Bytes genuine = begin(beta).message();
  const std::size_t macs = 2 * wire::kMacSize;
  for (std::size_t at = 0; at < genuine.size() - macs; ++at) {
    Bytes changed = genuine;
    changed[at] ^= 1;
    const auto init = wire::parse_init(changed);
    if (!init) continue;  // type, version, zero
    EXPECT_NE(init->mac1, gate_mac(gate_key(beta.keys, beta.identity.static_key, beta.boot),
                                   init->before_mac1));
    expect_open_drops(changed, Drop::auth_failed);
  }
  EXPECT_TRUE(std::holds_alternative<OpenedInit>(open(genuine)));
}

TEST_F(Refusal, AFirstMessageOfAnotherNetwork) {
  NetworkSecret other;
  other.seed[0] = 1;
  const HandshakeSelf elsewhere = self(2, other);
  expect_open_drops(begin(beta).message(), Drop::auth_failed, elsewhere);
}

TEST_F(Refusal, AFirstMessageToSomebodyElse) {
  expect_open_drops(begin(self(3)).message(), Drop::auth_failed);
}

TEST_F(Refusal, ASecretOfAnotherGeneration) {
  NetworkSecret rotated;
  rotated.secret.data()[0] = 1;
  const NetworkKeys ours = beta.keys;
  beta.keys.psk = NetworkKeys::derive(rotated).psk;
  Initiator initiator = begin(beta);
  const Bytes response = answer(initiator.message());
  EXPECT_EQ(refused(initiator, response), Drop::auth_failed)
      << "the network's secret is mixed into the answer";
  EXPECT_FALSE(initiator.spent());
  beta.keys = ours;
  EXPECT_FALSE(refused(initiator, answer(initiator.message())));
}

TEST_F(Refusal, OurOwnFirstMessage) {
  const auto own = Initiator::begin(beta, {.index = 10, .number = 1}, filled(0x0a),
                                    beta.identity.static_key, beta.boot);
  expect_open_drops(own->message(), Drop::self, beta);
}

TEST_F(Refusal, AnIdentityThatIsNotTheirs) {
  const Identity victim = self(3).identity;
  const auto& suite = crypto::real_suite();
  // Another's key with our binding; another's binding, recorded; a binding for another network.
  const crypto::Signature own = alpha.binding;
  const Identity identity = alpha.identity;
  alpha.identity.signing_key = victim.signing_key;
  expect_open_drops(begin(beta).message(), Drop::bad_identity);
  alpha.binding = bind_static_key(victim, alpha.keys.id, suite);
  expect_open_drops(begin(beta).message(), Drop::bad_identity);
  alpha.identity = identity;
  alpha.binding = bind_static_key(identity, NetworkId{1}, suite);
  expect_open_drops(begin(beta).message(), Drop::bad_identity);
  alpha.binding = own;
  EXPECT_TRUE(std::holds_alternative<OpenedInit>(open(begin(beta).message())));
}

TEST_F(Refusal, AResponderThatIsNotWhoItSays) {
  Initiator initiator = begin(beta);
  beta.identity.signing_key = self(3).identity.signing_key;
  EXPECT_EQ(refused(initiator, answer(initiator.message())), Drop::bad_identity);
  EXPECT_TRUE(initiator.spent()) << "it was authentic: the peer's fault, and final";
}

TEST_F(Refusal, LowOrderStaticKey) {
  for (const std::uint8_t first : Bytes{0, 1}) {
    crypto::X25519Public low{};
    low[0] = first;
    EXPECT_FALSE(Initiator::begin(alpha, {}, filled(0x0a), low, beta.boot));
  }
}

TEST_F(Refusal, LowOrderEphemeralKeys) {
  Initiator initiator = begin(beta);
  const Bytes first = initiator.message();
  const Bytes genuine = answer(first);
  for (const std::uint8_t value : Bytes{0, 1}) {
    Bytes init = first;
    std::fill_n(init.begin() + wire::kInitHeaderSize, 32, std::uint8_t{0});
    init[wire::kInitHeaderSize] = value;
    expect_open_drops(with_mac1(init, beta, wire::kMacSize), Drop::auth_failed);
    Bytes response = genuine;
    std::fill_n(response.begin() + wire::kResponseHeaderSize, 32, std::uint8_t{0});
    response[wire::kResponseHeaderSize] = value;
    EXPECT_EQ(refused(initiator, with_mac1(response, alpha, 0)), Drop::auth_failed);
  }
  EXPECT_FALSE(refused(initiator, genuine));
}

TEST_F(Refusal, OversizedMessages) {
  Bytes init = begin(beta).message();
  init.resize(wire::kMaxHandshakeSize + 1);
  EXPECT_FALSE(wire::parse_init(init));
  init.resize(wire::kMaxHandshakeSize);
  expect_open_drops(with_mac1(init, beta, wire::kMacSize), Drop::auth_failed);
}

}  // namespace
}  // namespace meshnode::overlay
