// STUN Binding: the vectors of RFC 5769, our own bytes, and what an enemy would send.
#include <gtest/gtest.h>

#include "base/text.h"
#include "wire/stun.h"

namespace meshnode::wire {
namespace {

const StunTransaction kRfcTransaction{0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34,
                                      0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae};

// RFC 5769 §2.1
constexpr std::string_view kRfcRequest =
    "000100582112a442b7e7a701bc34d686fa87dfae"
    "802200105354554e207465737420636c69656e74"
    "002400046e0001ff"
    "80290008932ff9b151263b36"
    "00060009"
    "6576746a3a68367659202020"
    "00080014"
    "9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2"
    "80280004e57a3bcf";
// RFC 5769 §2.2: 192.0.2.1 port 32853
constexpr std::string_view kRfcResponseV4 =
    "0101003c2112a442b7e7a701bc34d686fa87dfae"
    "8022000b7465737420766563746f7220"
    "002000080001a147e112a643"
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7"
    "80280004c07d4c96";
// RFC 5769 §2.3: 2001:db8:1234:5678:11:2233:4455:6677 port 32853
constexpr std::string_view kRfcResponseV6 =
    "010100482112a442b7e7a701bc34d686fa87dfae"
    "8022000b7465737420766563746f7220"
    "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"
    "00080014a382954e4be67bf11784c97c8292c275bfe3ed41"
    "80280004c8fb0b4c";

Bytes bytes(std::string_view hex) {
  return *from_hex(hex);
}
Endpoint at(std::string_view text) {
  return *Endpoint::parse(text);
}

TEST(Stun, RfcRequestParses) {
  const auto request = parse_stun_request(bytes(kRfcRequest));
  ASSERT_TRUE(request);
  EXPECT_EQ(request->transaction, kRfcTransaction);
  EXPECT_EQ(request->size, 108U);
  EXPECT_FALSE(request->change_ip || request->change_port);
}

TEST(Stun, RfcResponses) {
  const auto v4 = parse_stun_response(bytes(kRfcResponseV4), kRfcTransaction);
  ASSERT_TRUE(v4);
  EXPECT_EQ(v4->mapped, at("192.0.2.1:32853"));
  const auto v6 = parse_stun_response(bytes(kRfcResponseV6), kRfcTransaction);
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->mapped, at("[2001:db8:1234:5678:11:2233:4455:6677]:32853"));
}

TEST(Stun, GoldenRequest) {
  EXPECT_EQ(to_hex(stun_request(kRfcTransaction)),
            "000100282112a442b7e7a701bc34d686fa87dfae"
            "80220024"
            "5354554e2042696e64696e6720636c69656e742c20524643203834383920202020202020");
}

TEST(Stun, GoldenWishes) {
  const Bytes raw = stun_request(kRfcTransaction, {true, true, 40000});
  EXPECT_EQ(to_hex(raw),
            "000100382112a442b7e7a701bc34d686fa87dfae"
            "80220024"
            "5354554e2042696e64696e6720636c69656e742c20524643203834383920202020202020"
            "0003000400000006"
            "002700049c400000");
  const auto request = parse_stun_request(raw);
  ASSERT_TRUE(request);
  EXPECT_TRUE(request->change_ip && request->change_port);
  EXPECT_EQ(request->response_port, 40000);
  // RESPONSE-PORT without its padding counted, as port 0, and too long.
  for (const auto& [hex, port] :
       {std::pair("002700029c400000", 40000), std::pair("0027000400000000", 0),
        std::pair("002700089c400000"
                  "00000000",
                  0)}) {
    Bytes bare = bytes("000100082112a442b7e7a701bc34d686fa87dfae");
    const Bytes attribute = bytes(hex);
    bare[3] = static_cast<std::uint8_t>(attribute.size());
    bare.insert(bare.end(), attribute.begin(), attribute.end());
    const auto got = parse_stun_request(bare);
    EXPECT_EQ(got ? got->response_port : 0, port) << hex;
  }
}

TEST(Stun, GoldenResponse) {
  const StunRequest request{kRfcTransaction, kStunRequestSize};
  EXPECT_EQ(to_hex(stun_response(request, at("192.0.2.1:32853"), 0x0102030405060708,
                                 at("198.51.100.1:3733"), at("198.51.100.1:3731"))),
            "010100302112a442b7e7a701bc34d686fa87dfae"
            "002000080001a147e112a643"
            "c0de00080102030405060708"
            "802c000800010e95c6336401"
            "802b000800010e93c6336401");
}

TEST(Stun, TheServersTimeIsLastAndFitsBothFamilies) {
  const StunRequest request{kRfcTransaction, kStunRequestSize};
  const UnixTime time{0x0102030405060708};
  const Bytes raw = stun_response(request, at("192.0.2.1:32853"), 0, {}, {}, time);
  EXPECT_EQ(to_hex(ByteView(raw).last(12)), "c0df00080102030405060708");
  EXPECT_EQ(parse_stun_response(raw, kRfcTransaction)->time, time);
  const Endpoint v6 = at("[2001:db8::1]:65535");
  const Bytes large = stun_response(request, v6, 0, v6, v6, time);
  EXPECT_EQ(large.size(), 116U);
  EXPECT_EQ(parse_stun_response(large, kRfcTransaction)->time, time);
  EXPECT_FALSE(parse_stun_response(stun_response(request, v6, 0, v6, v6), kRfcTransaction)->time);
}

TEST(Stun, RoundTripOfBothFamilies) {
  for (const char* address : {"192.0.2.1:1", "[2001:db8::1]:65535"}) {
    const auto request = parse_stun_request(stun_request(kRfcTransaction));
    ASSERT_TRUE(request);
    const Bytes answer =
        stun_response(*request, at(address), 7, at(address), at(address), UnixTime{5});
    EXPECT_LE(answer.size(), kStunAmplification * request->size);
    const auto response = parse_stun_response(answer, kRfcTransaction);
    ASSERT_TRUE(response);
    EXPECT_EQ(response->mapped, at(address));
    EXPECT_EQ(response->other, at(address));
    EXPECT_EQ(response->origin, at(address));
    EXPECT_EQ(response->start_id, 7U);
  }
}

TEST(Stun, AnswerIsNeverMoreThanTwiceItsRequest) {
  const Endpoint v4 = at("192.0.2.1:1");
  const Endpoint v6 = at("[2001:db8::1]:1");
  for (std::size_t size = kStunHeaderSize; size <= 100; size += 4) {
    const StunRequest request{kRfcTransaction, size};
    EXPECT_LE(stun_response(request, v4, 7, v4, v4).size(), 2 * size);
    EXPECT_LE(stun_response(request, v6, 7, v6, v6).size(), 2 * size);
  }
  const StunRequest bare{kRfcTransaction, kStunHeaderSize};
  EXPECT_EQ(stun_response(bare, v4, 7, v4, v4).size(), 32U);  // mapped address only
  EXPECT_TRUE(stun_response(bare, v6, 7, v6, v6).empty());
}

TEST(Stun, ChangeRequest) {
  for (unsigned flags : {0U, 2U, 4U, 6U}) {
    Bytes raw = bytes("000100082112a442b7e7a701bc34d686fa87dfae0003000400000000");
    raw.back() = static_cast<std::uint8_t>(flags);
    const auto request = parse_stun_request(raw);
    ASSERT_TRUE(request);
    EXPECT_EQ(request->change_ip, (flags & 4U) != 0);
    EXPECT_EQ(request->change_port, (flags & 2U) != 0);
  }
}

TEST(Stun, RefusesWhatIsNotABindingRequest) {
  const Bytes good = stun_request(kRfcTransaction);
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(parse_stun_request(ByteView(good).first(size))) << size;
  Bytes longer = good;
  longer.resize(good.size() + 4);
  EXPECT_FALSE(parse_stun_request(longer));
  for (std::size_t i : {0U, 1U, 3U, 4U, 7U}) {
    Bytes bad = good;
    bad[i] ^= 0x01;
    EXPECT_FALSE(parse_stun_request(bad)) << i;
  }
  // An attribute that we would have to understand.
  EXPECT_FALSE(parse_stun_request(bytes("000100042112a442b7e7a701bc34d686fa87dfae00190000")));
  // Longer than the message; longer than its padding.
  EXPECT_FALSE(parse_stun_request(bytes("000100042112a442b7e7a701bc34d686fa87dfae80220001")));
  EXPECT_FALSE(parse_stun_request(bytes("000100042112a442b7e7a701bc34d686fa87dfae8022ffff")));
  // Padded beyond all measure.
  Bytes huge = good;
  huge.resize(kMaxStunSize + 4);
  store_be(huge.data() + 2, static_cast<std::uint16_t>(huge.size() - kStunHeaderSize));
  EXPECT_FALSE(parse_stun_request(huge));
}

TEST(Stun, ResponseOfAnotherTransactionOrMutilated) {
  const Bytes good = bytes(kRfcResponseV4);
  StunTransaction other = kRfcTransaction;
  other[11] ^= 1;
  EXPECT_FALSE(parse_stun_response(good, other));
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(parse_stun_response(ByteView(good).first(size), kRfcTransaction));
  Bytes family = good;
  family[41] = 3;
  EXPECT_FALSE(parse_stun_response(family, kRfcTransaction));
  EXPECT_FALSE(
      parse_stun_response(bytes("010100002112a442b7e7a701bc34d686fa87dfae"), kRfcTransaction));
}

TEST(Stun, OldServersSayMappedAddress) {
  const auto response = parse_stun_response(
      bytes("0101000c2112a442b7e7a701bc34d686fa87dfae0001000800010e93c0000201"), kRfcTransaction);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->mapped, at("192.0.2.1:3731"));
}

}  // namespace
}  // namespace meshnode::wire
