// Errors told inside the tunnel.
#include <gtest/gtest.h>

#include "overlay/icmp.h"
#include "tests/vectors/hex.h"

namespace meshnode::overlay {
namespace {

const IpAddress kRouter4 = IpAddress::v4({10, 77, 0, 1});
const IpAddress kRouter6 = *IpAddress::parse("fd00::1");

IpAddress ip(const char* text) {
  return *IpAddress::parse(text);
}

Bytes packet4(std::size_t size = 31, const IpAddress& from = kRouter4,
              const IpAddress& to = ip("10.77.0.9")) {
  Bytes out(size);
  for (std::size_t i = 20; i < size; ++i) out[i] = static_cast<std::uint8_t>(i);
  out[0] = 0x45;
  store_be(out.data() + 2, static_cast<std::uint16_t>(size));
  out[8] = 64;
  out[9] = 17;
  std::copy_n(from.bytes().begin(), 4, out.begin() + 12);
  std::copy_n(to.bytes().begin(), 4, out.begin() + 16);
  return out;
}

Bytes packet6(std::size_t payload = 3, const IpAddress& from = kRouter6,
              const IpAddress& to = ip("fd00::9")) {
  Bytes out(40 + payload);
  for (std::size_t i = 0; i < payload; ++i) out[40 + i] = static_cast<std::uint8_t>(i + 1);
  out[0] = 0x60;
  store_be(out.data() + 4, static_cast<std::uint16_t>(payload));
  out[6] = 17;
  out[7] = 64;
  std::copy_n(from.bytes().begin(), 16, out.begin() + 8);
  std::copy_n(to.bytes().begin(), 16, out.begin() + 24);
  return out;
}

// One's complement sum by division (RFC 1071 §1), for comparison: sums modulo ffff.
unsigned sum_modulo(const Bytes& bytes) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    sum += static_cast<std::uint64_t>(bytes[i]) << (i % 2 == 0 ? 8 : 0);
  return static_cast<unsigned>(sum % 0xffff);
}

void expect_checksums_right(const Bytes& packet) {
  if (packet[0] >> 4 == 4) {
    EXPECT_EQ(sum_modulo({packet.begin(), packet.begin() + 20}), 0U) << "IPv4 header";
    EXPECT_EQ(sum_modulo({packet.begin() + 20, packet.end()}), 0U) << "ICMP";
    return;
  }
  Bytes covered(packet.begin() + 8, packet.begin() + 40);  // addresses, then as RFC 8200 §8.1 says
  const auto size = static_cast<std::uint32_t>(packet.size() - 40);
  covered.resize(40);
  store_be(covered.data() + 32, size);
  covered[39] = 58;
  covered.insert(covered.end(), packet.begin() + 40, packet.end());
  EXPECT_EQ(sum_modulo(covered), 0U) << "ICMPv6";
}

TEST(Icmp, GoldenIpv4) {
  const auto answer = unreachable(packet4(), kRouter4, Unreachable::host);
  ASSERT_TRUE(answer);
  EXPECT_EQ(to_hex(*answer),
            "45c0003b00000000400165670a4d00010a4d0001"  // from us to the sender, TTL 64
            "0301ccac00000000"                          // destination unreachable, host
            "4500001f00000000401100000a4d00010a4d00091415161718191a1b1c1d1e");
  expect_checksums_right(*answer);
}

TEST(Icmp, GoldenIpv6) {
  const auto answer = unreachable(packet6(), kRouter6, Unreachable::host);
  ASSERT_TRUE(answer);
  EXPECT_EQ(to_hex(*answer),
            "6000000000333a40"
            "fd000000000000000000000000000001"
            "fd000000000000000000000000000001"
            "0103"
            "953a"
            "00000000"
            "6000000000031140"
            "fd000000000000000000000000000001"
            "fd000000000000000000000000000009"
            "010203");
  expect_checksums_right(*answer);
}

TEST(Icmp, TypesAndCodes) {
  const auto at = [](const std::optional<Bytes>& packet, std::size_t offset) {
    return std::pair<int, int>{(*packet)[offset], (*packet)[offset + 1]};
  };
  using Pair = std::pair<int, int>;
  EXPECT_EQ(at(unreachable(packet4(), kRouter4, Unreachable::no_route), 20), Pair(3, 0));
  EXPECT_EQ(at(unreachable(packet4(), kRouter4, Unreachable::host), 20), Pair(3, 1));
  EXPECT_EQ(at(unreachable(packet6(), kRouter6, Unreachable::no_route), 40), Pair(1, 0));
  EXPECT_EQ(at(unreachable(packet6(), kRouter6, Unreachable::host), 40), Pair(1, 3));
}

// RFC 1191 §4: the last two bytes of the ICMP header; RFC 4443 §3.2: its second word.
TEST(Icmp, TooBigTellsWhatFits) {
  const auto v4 = too_big(packet4(1400), kRouter4, 1124);
  ASSERT_TRUE(v4);
  EXPECT_EQ(to_hex({v4->begin() + 20, v4->begin() + 22}), "0304");
  EXPECT_EQ(to_hex({v4->begin() + 24, v4->begin() + 28}), "00000464");
  EXPECT_EQ(v4->size(), 576U);
  expect_checksums_right(*v4);
  const auto v6 = too_big(packet6(1380), kRouter6, 1300);
  ASSERT_TRUE(v6);
  EXPECT_EQ(to_hex({v6->begin() + 40, v6->begin() + 42}), "0200");
  EXPECT_EQ(to_hex({v6->begin() + 44, v6->begin() + 48}), "00000514");
  EXPECT_EQ(v6->size(), 1280U);
  expect_checksums_right(*v6);
}

TEST(Icmp, NothingIsTooBigForWhomNothingMayBeTold) {
  EXPECT_FALSE(too_big(packet4(), kRouter6, 1280));
  Bytes error = packet4();
  error[9] = 1;
  error[20] = 3;
  EXPECT_FALSE(too_big(error, kRouter4, 576));
}

TEST(Icmp, ChecksumsAreRightForEverySize) {
  for (std::size_t size = 20; size <= 1420; ++size)
    expect_checksums_right(*unreachable(packet4(size), kRouter4, Unreachable::no_route));
  for (std::size_t payload = 0; payload <= 1380; ++payload)
    expect_checksums_right(*unreachable(packet6(payload), kRouter6, Unreachable::no_route));
}

TEST(Icmp, AnswersAreNoLargerThanTheRfcsAllow) {
  EXPECT_EQ(unreachable(packet4(548), kRouter4, Unreachable::host)->size(), 576U);
  EXPECT_EQ(unreachable(packet4(1420), kRouter4, Unreachable::host)->size(), 576U) << "RFC 1812";
  EXPECT_EQ(unreachable(packet6(1380), kRouter6, Unreachable::host)->size(), 1280U) << "RFC 4443";
}

TEST(Icmp, QuotesThePacketAndNotWhatLiesBehindIt) {
  Bytes padded = packet4(31);
  padded.resize(100, 0xee);
  EXPECT_EQ(unreachable(padded, kRouter4, Unreachable::host),
            unreachable(packet4(31), kRouter4, Unreachable::host));
}

TEST(Icmp, NoAnswerToNoPacket) {
  EXPECT_FALSE(unreachable({}, kRouter4, Unreachable::host));
  EXPECT_FALSE(unreachable(Bytes(20), kRouter4, Unreachable::host));
  const Bytes whole = packet4();
  EXPECT_FALSE(unreachable(ByteView(whole).first(30), kRouter4, Unreachable::host));
}

TEST(Icmp, NoAnswerWithoutAnAddressOfTheFamily) {
  EXPECT_FALSE(unreachable(packet4(), {}, Unreachable::host));
  EXPECT_FALSE(unreachable(packet4(), kRouter6, Unreachable::host));
  EXPECT_FALSE(unreachable(packet6(), kRouter4, Unreachable::host));
}

// RFC 792 types; RFC 1122 §3.2.2 forbids answers to errors.
TEST(Icmp, NoAnswerToIcmpErrors) {
  for (unsigned type = 0; type < 256; ++type) {
    Bytes packet = packet4();
    packet[9] = 1;
    packet[20] = static_cast<std::uint8_t>(type);
    const bool query = type == 0 || type == 8 || (type >= 13 && type <= 18);
    EXPECT_EQ(unreachable(packet, kRouter4, Unreachable::host).has_value(), query) << type;
    // RFC 4443 §2.1: errors have the high bit zero.
    Bytes packet_v6 = packet6();
    packet_v6[6] = 58;
    packet_v6[40] = static_cast<std::uint8_t>(type);
    EXPECT_EQ(unreachable(packet_v6, kRouter6, Unreachable::host).has_value(), type >= 128) << type;
  }
}

TEST(Icmp, OtherProtocolsMayBeginWithAnyByte) {
  Bytes packet = packet4();
  packet[20] = 3;  // "destination unreachable", if it were ICMP
  EXPECT_TRUE(unreachable(packet, kRouter4, Unreachable::host));
}

TEST(Icmp, NoAnswerToLaterFragments) {
  Bytes packet = packet4();
  packet[6] = 0x20;  // more fragments, offset 0: the first
  EXPECT_TRUE(unreachable(packet, kRouter4, Unreachable::host));
  packet[7] = 1;
  EXPECT_FALSE(unreachable(packet, kRouter4, Unreachable::host));
}

TEST(Icmp, NoAnswerToSourcesThatAreNobody) {
  for (const char* source : {"0.0.0.0", "224.0.0.1", "239.1.2.3", "255.255.255.255"})
    EXPECT_FALSE(unreachable(packet4(31, ip(source)), kRouter4, Unreachable::host)) << source;
  for (const char* source : {"::", "ff02::1"})
    EXPECT_FALSE(unreachable(packet6(3, ip(source)), kRouter6, Unreachable::host)) << source;
}

// RFC 1122 §3.2.2 names loopback and class E sources, too.
TEST(Icmp, NoAnswerToLoopbackAndClassESources) {
  for (const char* source : {"127.0.0.1", "240.0.0.1"})
    EXPECT_FALSE(unreachable(packet4(31, ip(source)), kRouter4, Unreachable::host)) << source;
}

// RFC 1122 §3.2.2 and RFC 4443 §2.4 (e.3): nor to what was sent to many.
TEST(Icmp, NoAnswerToWhatWasSentToMany) {
  for (const char* destination : {"224.0.0.251", "255.255.255.255"})
    EXPECT_FALSE(
        unreachable(packet4(31, kRouter4, ip(destination)), kRouter4, Unreachable::no_route))
        << destination;
  EXPECT_FALSE(unreachable(packet6(3, kRouter6, ip("ff02::fb")), kRouter6, Unreachable::no_route));
}

}  // namespace
}  // namespace meshnode::overlay
