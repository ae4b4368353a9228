// The inner packet's IP header.
#include <gtest/gtest.h>

#include "base/text.h"
#include "wire/ip.h"

namespace meshnode::wire {
namespace {

// A UDP packet of 4 bytes, its header in fields: version and length, TOS, total length, id,
// fragment, TTL, protocol, checksum, source, destination.
const char* const kV4 =
    "45000020"
    "1234"
    "2000"
    "40110000"
    "c0000201"
    "c0000202"
    "0035003500000000"
    "deadbeef";
// With a router-alert option (RFC 2113): 24 bytes of header.
const char* const kV4Options =
    "4600001c"
    "1234"
    "0005"
    "40060000"
    "c0000201"
    "c0000202"
    "94040000"
    "deadbeef";
const char* const kV6 =
    "60000000"
    "0008"
    "11"
    "40"
    "20010db8000000000000000000000001"
    "20010db8000000000000000000000002"
    "0035003500080000";

TEST(Ip, ParsesV4) {
  const auto header = parse_ip(*from_hex(kV4));
  ASSERT_TRUE(header);
  EXPECT_EQ(header->source, *IpAddress::parse("192.0.2.1"));
  EXPECT_EQ(header->destination, *IpAddress::parse("192.0.2.2"));
  EXPECT_EQ(header->tos, 0x00);
  EXPECT_EQ(header->header_size, 20U);
  EXPECT_EQ(header->total_size, 32U);
  EXPECT_EQ(header->protocol, udp);
  EXPECT_EQ(header->fragment_offset, 0) << "more fragments follow, but this is the first";
}

TEST(Ip, ParsesV4WithOptions) {
  const auto header = parse_ip(*from_hex(kV4Options));
  ASSERT_TRUE(header);
  EXPECT_EQ(header->header_size, 24U);
  EXPECT_EQ(header->total_size, 28U);
  EXPECT_EQ(header->protocol, tcp);
  EXPECT_EQ(header->fragment_offset, 5);
}

TEST(Ip, FlagsAreNoPartOfTheFragmentOffset) {
  Bytes packet = *from_hex(kV4);
  packet[6] = 0xff;
  packet[7] = 0xfe;
  EXPECT_EQ(parse_ip(packet)->fragment_offset, 0x1ffe);
}

TEST(Ip, ParsesV6) {
  const auto header = parse_ip(*from_hex(kV6));
  ASSERT_TRUE(header);
  EXPECT_EQ(header->source, *IpAddress::parse("2001:db8::1"));
  EXPECT_EQ(header->destination, *IpAddress::parse("2001:db8::2"));
  EXPECT_EQ(header->header_size, 40U);
  EXPECT_EQ(header->total_size, 48U);
  EXPECT_EQ(header->protocol, udp);
}

TEST(Ip, TosAndTrafficClassAreOneThing) {
  Bytes v4 = *from_hex(kV4);
  Bytes v6 = *from_hex(kV6);
  v4[1] = 0xb9;
  v6[0] = 0x6b;
  v6[1] = 0x9f;  // half of it is the flow label's
  EXPECT_EQ(parse_ip(v4)->tos, 0xb9);
  EXPECT_EQ(parse_ip(v6)->tos, 0xb9);
}

TEST(Ip, EveryTruncationIsRefused) {
  for (const char* text : {kV4, kV4Options, kV6}) {
    const Bytes packet = *from_hex(text);
    for (std::size_t size = 0; size < packet.size(); ++size)
      EXPECT_FALSE(parse_ip(ByteView(packet).first(size))) << text << " cut to " << size;
  }
}

TEST(Ip, BytesBehindThePacketAreAllowed) {
  for (const char* text : {kV4, kV4Options, kV6}) {
    Bytes packet = *from_hex(text);
    const std::size_t size = packet.size();
    packet.resize(size + 100);
    EXPECT_EQ(parse_ip(packet)->total_size, size);
  }
}

TEST(Ip, OnlyTwoVersionsExist) {
  for (unsigned version = 0; version < 16; ++version) {
    Bytes packet(100);
    packet[0] = static_cast<std::uint8_t>(version << 4 | 5);
    packet[3] = 20;
    EXPECT_EQ(parse_ip(packet).has_value(), version == 4 || version == 6) << version;
  }
}

TEST(Ip, V4HeaderLengthsThatCannotBe) {
  Bytes packet = *from_hex(kV4);
  for (unsigned words = 0; words < 16; ++words) {
    packet[0] = static_cast<std::uint8_t>(0x40 | words);
    // 32 bytes in all hold at most eight words of header.
    EXPECT_EQ(parse_ip(packet).has_value(), words >= 5 && words <= 8) << words;
  }
}

TEST(Ip, V4TotalLengthsThatCannotBe) {
  Bytes packet = *from_hex(kV4);
  for (std::size_t total = 0; total < 100; ++total) {
    packet[3] = static_cast<std::uint8_t>(total);
    EXPECT_EQ(parse_ip(packet).has_value(), total >= 20 && total <= packet.size()) << total;
  }
  packet[2] = 0xff;
  EXPECT_FALSE(parse_ip(packet));
}

TEST(Ip, V6PayloadLengthsThatCannotBe) {
  Bytes packet = *from_hex(kV6);
  for (std::size_t payload = 0; payload < 100; ++payload) {
    packet[5] = static_cast<std::uint8_t>(payload);
    EXPECT_EQ(parse_ip(packet).has_value(), 40 + payload <= packet.size()) << payload;
  }
}

}  // namespace
}  // namespace meshnode::wire
