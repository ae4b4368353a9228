// One complete handshake with everything fixed: the bytes are the protocol. Made with another
// implementation of Noise.
#include <gtest/gtest.h>

#include "overlay/handshake.h"
#include "tests/vectors/hex.h"

namespace meshnode::overlay {
namespace {

Secret32 filled(std::uint8_t value) {
  Block<32> bytes;
  bytes.fill(value);
  return Secret32(bytes);
}

NetworkKeys network_keys() {
  NetworkSecret network;
  network.seed = test::hex_block<16>("000102030405060708090a0b0c0d0e0f");
  network.secret =
      test::hex_secret("202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f");
  return NetworkKeys::derive(network);
}

HandshakeSelf self(std::uint8_t seed, const BootId& boot, const char* name) {
  const auto& suite = crypto::real_suite();
  HandshakeSelf out{.suite = suite,
                    .identity = Identity::from_seed(filled(seed), suite),
                    .keys = network_keys(),
                    .binding = {},
                    .boot = boot,
                    .ciphers = {crypto::Cipher::aes_256_gcm, crypto::Cipher::chacha20_poly1305},
                    .name = name,
                    .claims = {}};
  out.binding = bind_static_key(out.identity, out.keys.id, suite);
  return out;
}

constexpr BootId kAlphaBoot{0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7};
constexpr BootId kBetaBoot{0xb0, 0xb1, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7};
constexpr Block<16> kValue{0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7,
                           0xc8, 0xc9, 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf};

struct HandshakeBytes : ::testing::Test {
  HandshakeSelf alpha = self(1, kAlphaBoot, "alpha");
  HandshakeSelf beta = self(2, kBetaBoot, "beta");

  Initiator begin() {
    alpha.claims = {IpAddress::v4({10, 77, 0, 1})};
    return *Initiator::begin(
        alpha,
        {.index = 0x01020304, .number = 1000, .observed = {IpAddress::v4({192, 0, 2, 2}), 3732}},
        filled(0x0a), beta.identity.static_key, beta.boot);
  }
  Response answer(const Bytes& message) {
    const auto init = wire::parse_init(message);
    auto opened = open_init(beta, *init, filled(0x0b));
    auto response = respond(
        beta, std::move(std::get<OpenedInit>(opened)),
        {.index = 0x05060708, .number = 2000, .observed = {IpAddress::v4({192, 0, 2, 1}), 3731}});
    return std::get<Response>(std::move(response));
  }
};

TEST_F(HandshakeBytes, GoldenInit) {
  EXPECT_EQ(to_hex(begin().message()),
            "4001000004030201"                                                  // header
            "f77ff4b10788bfdca62ca0bb160d427cf5762d85f2b5cad6807ec9c3febbde09"  // e
            "3174a7370bd1ec5451eacf2ddb4a66f3c58776bb101e4f34e1788aad0318c318"  // sealed s
            "2542b0cfc6fe26a4fb6a182dabc47470"
            "53745c3399a70b5a5e059d939d356d8aef8f89392657f3ae0c891890f87e01b2"  // sealed payload
            "8f92852c1a62f1c79bce16e981e6fd80f778f1055c380b59188b512a18b8c905"
            "a5b2a1056e149e7f9cc3adcda29a94b66149a1db244c3cb67703865685b74090"
            "5f312c5907f3790f1a8777e3f29755d642b6352f721278db59c3a87a05a1a3dd"
            "5c0a93006191e6163004abec0ed07fcc609c957e27a3e42dde7809f08257f8f6"
            "b8457c9017367d2b2df1539492a6f0b54d"
            "ce4b7dafdd5e6c5e159117010c60d526"    // mac1
            "00000000000000000000000000000000");  // mac2: none yet
}

TEST_F(HandshakeBytes, GoldenResponse) {
  EXPECT_EQ(to_hex(answer(begin().message()).message),
            "410100000807060504030201"                                          // header
            "73b2d8b76aa9b53660032bc8f5d8bee3a3ae4e3b3a7fd49ade81f7347a34aa68"  // e
            "70d7c9b99a4a3335aa0e279f63db9c529e8df0135cc6c2d30f2b3a2443dc5379"  // sealed payload
            "cbd04687c668e6f9c9e1e5362ef5636c8bff447afac94a2e8e0268a9cd4881af"
            "2a321db96eb4b7572d5f005e03aa6ba6bb2a11417f2cf0f952cb6eedf468a5f0"
            "31c34444ed4ea170da5bb29d754461b7dc083250be543d34dd1c9a5b30c15a39"
            "2a156798c83f2bbf0dbbc2ba2c997b7d5f07ffefca240d73e375c736f6f2e1fe"
            "5fc63f86aaa58fab"
            "330a1d3889a333fff87cf9dd9639db0a");  // mac1
}

TEST_F(HandshakeBytes, GoldenSessionKeys) {
  Initiator initiator = begin();
  const Response response = answer(initiator.message());
  EXPECT_EQ(to_hex(response.established.keys.receive.view()),
            "a9663b044fa79b98db1f575e916f046f65b6d8a70784f0e082eab7ed6df00126");
  EXPECT_EQ(to_hex(response.established.keys.send.view()),
            "bb506e690d1a3d805a0361eb83afd13981671a3066af968303f518619ed86a03");
  const auto parsed = wire::parse_response(response.message);
  const auto finished = initiator.finish(*parsed);
  ASSERT_TRUE(std::holds_alternative<Established>(finished));
  const auto& established = std::get<Established>(finished);
  EXPECT_EQ(established.keys.send, response.established.keys.receive);
  EXPECT_EQ(established.keys.receive, response.established.keys.send);
}

TEST_F(HandshakeBytes, GoldenCookieInAFirstMessage) {
  Initiator initiator = begin();
  const Bytes before = initiator.message();
  initiator.set_cookie(kValue);
  const Bytes& after = initiator.message();
  EXPECT_TRUE(std::equal(before.begin(), before.end() - 16, after.begin(), after.end() - 16));
  EXPECT_EQ(to_hex(ByteView(after).last(16)), "11a233912ff207939ab39e742a66f19d");
}

TEST_F(HandshakeBytes, GoldenChallenges) {
  const Bytes message = begin().message();
  const auto mac1 = wire::parse_init(message)->mac1;
  EXPECT_EQ(
      to_hex(make_challenge(alpha.keys, wire::Challenge::Kind::cookie, 0x01020304, kValue, mac1)),
      "4200000004030201"
      "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
      "94e021c8f3750727033d1ca5cf2b9e59");
  EXPECT_EQ(to_hex(make_challenge(alpha.keys, wire::Challenge::Kind::freshness, 0x01020304, kValue,
                                  mac1)),
            "4201000004030201"
            "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
            "6a26363d12922f6b055a3ae544fb0912");
}

}  // namespace
}  // namespace meshnode::overlay
