// Handshake messages and challenges as they stand on the wire.
#include <gtest/gtest.h>

#include "base/text.h"
#include "wire/handshake.h"

namespace meshnode::wire {
namespace {

constexpr std::size_t kSmallestInit = 8 + 32 + 48 + 16 + 16 + 16;
constexpr std::size_t kSmallestResponse = 12 + 32 + 16 + 16;

Bytes counting(std::size_t size) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>(i);
  return out;
}

Bytes init(std::size_t size = kSmallestInit) {
  Bytes out = init_header(0x01020304);
  Writer writer(out);
  writer.bytes(counting(size - out.size() - 2 * kMacSize));
  writer.bytes(Bytes(kMacSize, 0xa1));
  writer.bytes(Bytes(kMacSize, 0xa2));
  return out;
}

Bytes response(std::size_t size = kSmallestResponse) {
  Bytes out = response_header(0x01020304, 0x05060708);
  Writer writer(out);
  writer.bytes(counting(size - out.size() - kMacSize));
  writer.bytes(Bytes(kMacSize, 0xa1));
  return out;
}

Challenge sample(Challenge::Kind kind) {
  Challenge out{.kind = kind, .receiver = 0x01020304, .value = {}, .mac = {}};
  for (std::size_t i = 0; i < 16; ++i) out.value[i] = static_cast<std::uint8_t>(0xb0 + i);
  out.mac.fill(0xa1);
  return out;
}

Bytes datagram(const Challenge& challenge) {
  Bytes out = challenge_body(challenge);
  Writer(out).bytes(challenge.mac);
  return out;
}

template <typename Parse>
void expect_header_checked(const Bytes& good, Parse&& parse) {
  for (std::size_t at = 0; at < 4; ++at)
    for (unsigned value = 0; value < 256; ++value) {
      Bytes changed = good;
      changed[at] = static_cast<std::uint8_t>(value);
      EXPECT_EQ(parse(changed).has_value(), changed == good) << "byte " << at << " = " << value;
    }
}

TEST(HandshakeInit, GoldenHeader) {
  EXPECT_EQ(to_hex(init_header(0x01020304)),
            "40"          // type
            "01"          // version
            "0000"        // zero
            "04030201");  // sender index
}

TEST(HandshakeInit, PartsOfADatagram) {
  const Bytes bytes = init(200);
  const auto parsed = parse_init(bytes);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->sender, 0x01020304U);
  EXPECT_EQ(to_hex(parsed->header), "4001000004030201");
  EXPECT_EQ(to_bytes(parsed->noise), counting(200 - 8 - 32));
  EXPECT_EQ(to_bytes(parsed->before_mac1), Bytes(bytes.begin(), bytes.end() - 32));
  EXPECT_EQ(to_bytes(parsed->before_mac2), Bytes(bytes.begin(), bytes.end() - 16));
  EXPECT_EQ(to_hex(parsed->mac1), "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1");
  EXPECT_EQ(to_hex(parsed->mac2), "a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2");
}

TEST(HandshakeInit, LengthsOutsideItsRangeAreRefused) {
  for (std::size_t size = 0; size < kSmallestInit; ++size)
    EXPECT_FALSE(parse_init(ByteView(init()).first(size))) << size;
  EXPECT_TRUE(parse_init(init(kSmallestInit)));
  EXPECT_TRUE(parse_init(init(kMaxHandshakeSize)));
  EXPECT_FALSE(parse_init(init(kMaxHandshakeSize + 1)));
}

TEST(HandshakeInit, TypeVersionAndZeroFieldAreChecked) {
  expect_header_checked(init(), [](const Bytes& bytes) { return parse_init(bytes); });
}

TEST(HandshakeResponse, GoldenHeader) {
  EXPECT_EQ(to_hex(response_header(0x01020304, 0x05060708)),
            "41"          // type
            "01"          // version
            "0000"        // zero
            "04030201"    // sender index
            "08070605");  // receiver index
}

TEST(HandshakeResponse, PartsOfADatagram) {
  const Bytes bytes = response(150);
  const auto parsed = parse_response(bytes);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->sender, 0x01020304U);
  EXPECT_EQ(parsed->receiver, 0x05060708U);
  EXPECT_EQ(to_bytes(parsed->noise), counting(150 - 12 - 16));
  EXPECT_EQ(to_bytes(parsed->before_mac1), Bytes(bytes.begin(), bytes.end() - 16));
  EXPECT_EQ(to_hex(parsed->mac1), "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1");
}

TEST(HandshakeResponse, LengthsOutsideItsRangeAreRefused) {
  for (std::size_t size = 0; size < kSmallestResponse; ++size)
    EXPECT_FALSE(parse_response(ByteView(response()).first(size))) << size;
  EXPECT_TRUE(parse_response(response(kSmallestResponse)));
  EXPECT_TRUE(parse_response(response(kMaxHandshakeSize)));
  EXPECT_FALSE(parse_response(response(kMaxHandshakeSize + 1)));
}

TEST(HandshakeResponse, TypeVersionAndZeroFieldAreChecked) {
  expect_header_checked(response(), [](const Bytes& bytes) { return parse_response(bytes); });
}

TEST(Challenge, GoldenCookieAndFreshness) {
  EXPECT_EQ(to_hex(datagram(sample(Challenge::Kind::cookie))),
            "42000000"
            "04030201"
            "b0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
            "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1");
  EXPECT_EQ(to_hex(datagram(sample(Challenge::Kind::freshness))),
            "42010000"
            "04030201"
            "b0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
            "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1");
}

TEST(Challenge, RoundTrip) {
  for (const auto kind : {Challenge::Kind::cookie, Challenge::Kind::freshness}) {
    const auto back = parse_challenge(datagram(sample(kind)));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->kind, kind);
    EXPECT_EQ(back->receiver, 0x01020304U);
    EXPECT_EQ(back->value, sample(kind).value);
    EXPECT_EQ(back->mac, sample(kind).mac);
  }
}

TEST(Challenge, IsSmallerThanWhatDrewIt) {
  EXPECT_LT(kChallengeSize, kSmallestInit);
}

TEST(Challenge, EveryOtherLengthIsRefused) {
  Bytes bytes = datagram(sample(Challenge::Kind::cookie));
  bytes.resize(64);
  for (std::size_t size = 0; size <= bytes.size(); ++size)
    EXPECT_EQ(parse_challenge(ByteView(bytes).first(size)).has_value(), size == kChallengeSize)
        << size;
}

TEST(Challenge, TypeKindAndZeroFieldAreChecked) {
  const Bytes good = datagram(sample(Challenge::Kind::cookie));
  for (std::size_t at = 0; at < 4; ++at)
    for (unsigned value = 0; value < 256; ++value) {
      Bytes changed = good;
      changed[at] = static_cast<std::uint8_t>(value);
      const bool known_kind = at == 1 && value <= 1;
      EXPECT_EQ(parse_challenge(changed).has_value(), known_kind || changed == good)
          << "byte " << at << " = " << value;
    }
}

}  // namespace
}  // namespace meshnode::wire
