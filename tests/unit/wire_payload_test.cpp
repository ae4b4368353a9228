// What both handshake messages carry inside Noise.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "wire/handshake_payload.h"

namespace meshnode::wire {
namespace {

constexpr std::size_t kFixedSize = 120;
// Each TLV as it stands in the golden message.
constexpr const char* kCiphers = "010401000200";
constexpr const char* kOneCipher = "01020200";
constexpr const char* kObserved = "02140400930ec0000201000000000000000000000000";
constexpr const char* kName = "0305616c706861";
constexpr const char* kClaim = "04040a4d0001";
constexpr const char* kOtherClaim = "04040a4d0002";
constexpr const char* kChallengeAnswer = "0510c0c1c2c3c4c5c6c7c8c9cacbcccdcecf";
constexpr const char* kFixed =
    "1111111111111111111111111111111111111111111111111111111111111111"  // Ed25519 key
    "2222222222222222222222222222222222222222222222222222222222222222"  // binding
    "3333333333333333333333333333333333333333333333333333333333333333"
    "a0a1a2a3a4a5a6a7"  // boot id
    "0807060504030201"  // number
    "14131211"          // session index
    "24232221";         // features

HandshakePayload fixed_part() {
  HandshakePayload out;
  out.signing_key.fill(0x11);
  std::fill_n(out.binding.begin(), 32, std::uint8_t{0x22});
  std::fill_n(out.binding.begin() + 32, 32, std::uint8_t{0x33});
  out.boot = {0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7};
  out.number = 0x0102030405060708;
  out.index = 0x11121314;
  out.features = 0x21222324;
  return out;
}

HandshakePayload full_init() {
  HandshakePayload out = fixed_part();
  out.ciphers = {1, 2};
  out.observed = {IpAddress::v4({192, 0, 2, 1}), 3731};
  out.name = "alpha";
  out.claims = {IpAddress::v4({10, 77, 0, 1}), IpAddress::v4({10, 77, 0, 2})};
  Block<16> answer{};
  for (std::size_t i = 0; i < 16; ++i) answer[i] = static_cast<std::uint8_t>(0xc0 + i);
  out.challenge_answer = answer;
  return out;
}

// The fixed part followed by these TLVs.
std::optional<HandshakePayload> parse(const std::string& tlvs,
                                      PayloadOf message = PayloadOf::init) {
  return parse_payload(*from_hex(kFixed + tlvs), message);
}

void expect_equal(const HandshakePayload& a, const HandshakePayload& b) {
  EXPECT_EQ(a.signing_key, b.signing_key);
  EXPECT_EQ(a.binding, b.binding);
  EXPECT_EQ(a.boot, b.boot);
  EXPECT_EQ(a.number, b.number);
  EXPECT_EQ(a.index, b.index);
  EXPECT_EQ(a.features, b.features);
  EXPECT_EQ(a.ciphers, b.ciphers);
  EXPECT_EQ(a.observed, b.observed);
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.claims, b.claims);
  EXPECT_EQ(a.challenge_answer, b.challenge_answer);
}

TEST(Payload, GoldenWithEveryTlv) {
  EXPECT_EQ(
      to_hex(encode_payload(full_init())),
      std::string(kFixed) + kCiphers + kObserved + kName + kClaim + kOtherClaim + kChallengeAnswer);
}

TEST(Payload, GoldenWithCiphersOnly) {
  HandshakePayload payload = fixed_part();
  payload.ciphers = {2};
  EXPECT_EQ(to_hex(encode_payload(payload)), std::string(kFixed) + kOneCipher);
}

TEST(Payload, GoldenObservedIpv6) {
  HandshakePayload payload = fixed_part();
  payload.ciphers = {2};
  payload.observed = {*IpAddress::parse("2001:db8::1"), 1};
  EXPECT_EQ(to_hex(encode_payload(payload)),
            std::string(kFixed) + kOneCipher + "02140600010020010db8000000000000000000000001");
}

TEST(Payload, RoundTrip) {
  const auto init = parse_payload(encode_payload(full_init()), PayloadOf::init);
  ASSERT_TRUE(init);
  expect_equal(*init, full_init());

  HandshakePayload response = full_init();
  response.ciphers = {2};
  response.challenge_answer.reset();
  const auto back = parse_payload(encode_payload(response), PayloadOf::response);
  ASSERT_TRUE(back);
  expect_equal(*back, response);
}

TEST(Payload, EveryTruncationWithinAFieldIsRefused) {
  const Bytes whole = encode_payload(full_init());
  // Where a TLV ends, a shorter message ends too; it only says less.
  std::vector<std::size_t> ends;
  std::size_t at = kFixedSize;
  for (const char* tlv : {kCiphers, kObserved, kName, kClaim, kOtherClaim, kChallengeAnswer})
    ends.push_back(at += std::string_view(tlv).size() / 2);
  ASSERT_EQ(at, whole.size());
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const bool between = std::find(ends.begin(), ends.end(), size) != ends.end();
    EXPECT_EQ(parse_payload(ByteView(whole).first(size), PayloadOf::init).has_value(), between)
        << size;
  }
}

TEST(Payload, TlvsMayComeInAnyOrder) {
  const auto parsed = parse(std::string(kName) + kClaim + kCiphers);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->name, "alpha");
  EXPECT_THAT(parsed->ciphers, ::testing::ElementsAre(1, 2));
}

TEST(Payload, EveryUnknownTlvIsSkipped) {
  for (unsigned type = 0; type < 256; ++type) {
    if (type >= 1 && type <= 5) continue;
    const std::string unknown = to_hex(Bytes{static_cast<std::uint8_t>(type), 3, 9, 9, 9});
    const auto parsed = parse(unknown + kCiphers + unknown + kName);
    ASSERT_TRUE(parsed) << type;
    EXPECT_EQ(parsed->name, "alpha");
  }
}

TEST(Payload, UnknownTlvsAreBoundedByTheMessageToo) {
  EXPECT_FALSE(parse(std::string(kCiphers) + "ff05090909"));
  EXPECT_FALSE(parse(std::string(kCiphers) + "ff"));
  EXPECT_TRUE(parse(std::string(kCiphers) + "ff00"));
}

TEST(Payload, ARepeatedTlvIsRefused) {
  for (const char* tlv : {kCiphers, kObserved, kName, kChallengeAnswer}) {
    const std::string before = tlv == kCiphers ? "" : kCiphers;
    EXPECT_TRUE(parse(before + tlv)) << tlv;
    EXPECT_FALSE(parse(before + tlv + tlv)) << tlv;
  }
}

TEST(Payload, AtMostTwoClaims) {
  EXPECT_TRUE(parse(std::string(kCiphers) + kClaim + kOtherClaim));
  EXPECT_FALSE(parse(std::string(kCiphers) + kClaim + kOtherClaim + kClaim));
}

TEST(Payload, AFirstMessageOffersOneToEightCiphers) {
  EXPECT_FALSE(parse("")) << "none offered";
  EXPECT_FALSE(parse("0100"));
  EXPECT_FALSE(parse("010101")) << "half a cipher";
  EXPECT_TRUE(parse(kOneCipher));
  EXPECT_TRUE(parse("011001000200030004000500060007000800"));
  EXPECT_FALSE(parse("0112010002000300040005000600070008000900"));
}

TEST(Payload, AResponseChoosesExactlyOneCipher) {
  EXPECT_FALSE(parse("", PayloadOf::response));
  EXPECT_FALSE(parse(kCiphers, PayloadOf::response));
  EXPECT_TRUE(parse(kOneCipher, PayloadOf::response));
}

TEST(Payload, AChallengeAnswerInAResponseIsMisplaced) {
  EXPECT_TRUE(parse(std::string(kOneCipher) + kChallengeAnswer, PayloadOf::init));
  EXPECT_FALSE(parse(std::string(kOneCipher) + kChallengeAnswer, PayloadOf::response));
}

TEST(Payload, ValuesOfTheWrongSizeAreRefused) {
  for (const char* tlv :
       {"02130400930ec00002010000000000000000000000",
        "02150400930ec000020100000000000000000000000000", "0200", "0300", "0400", "04030a4d00",
        "04050a4d000100", "0500", "050fc0c1c2c3c4c5c6c7c8c9cacbcccdce",
        "0511c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0"})
    EXPECT_FALSE(parse(std::string(kCiphers) + tlv)) << tlv;
}

TEST(Payload, AnObservedEndpointIsThereOrNotSent) {
  EXPECT_FALSE(parse(std::string(kCiphers) + "02140000000000000000000000000000000000000000"));
  EXPECT_FALSE(parse(std::string(kCiphers) + "02140400930ec0000201000000000000000000000001"))
      << "padding behind an IPv4 address";
}

TEST(Payload, NamesAreChecked) {
  EXPECT_FALSE(parse(std::string(kCiphers) + "03021b63")) << "escape";
  std::string longest = "0320";
  for (int i = 0; i < 32; ++i) longest += "61";
  EXPECT_TRUE(parse(kCiphers + longest));
  EXPECT_FALSE(parse(std::string(kCiphers) + "0321" + longest.substr(4) + "61"));
}

}  // namespace
}  // namespace meshnode::wire
