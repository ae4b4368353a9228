// The beacon's text, before it is sealed.
#include <limits>

#include <gtest/gtest.h>

#include "base/text.h"
#include "wire/beacon.h"

namespace meshnode::wire {
namespace {

constexpr std::size_t kFamilyAt = 82;
constexpr std::size_t kAddressAt = 83;
constexpr std::size_t kFlagsAt = 99;
constexpr std::size_t kVersionAt = 108;
constexpr std::size_t kTailAt = 109;

Beacon sample() {
  Beacon beacon;
  beacon.static_key.fill(0x11);
  beacon.node.bytes.fill(0x22);
  beacon.boot = {0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7};
  beacon.number = 0x0102030405060708;
  beacon.port = 3731;
  beacon.source = IpAddress::v4({192, 0, 2, 1});
  beacon.answer_wanted = true;
  beacon.clock.ms = 0x1112131415161718;
  return beacon;
}

TEST(Beacon, GoldenTextIpv4) {
  EXPECT_EQ(to_hex(encode_beacon_text(sample())),
            "1111111111111111111111111111111111111111111111111111111111111111"
            "2222222222222222222222222222222222222222222222222222222222222222"
            "a0a1a2a3a4a5a6a7"  // boot id
            "0807060504030201"  // number
            "930e"              // port 3731
            "04c0000201000000000000000000000000"
            "01"                // answer wanted
            "1817161514131211"  // clock
            "01"                // version
            "00000000000000000000000000000000000000");
}

TEST(Beacon, GoldenTextIpv6AndAClockBefore1970) {
  Beacon beacon = sample();
  beacon.source = *IpAddress::parse("fe80::1:2");
  beacon.answer_wanted = false;
  beacon.clock.ms = -2;
  EXPECT_EQ(to_hex(ByteView(encode_beacon_text(beacon)).subspan(80)),
            "930e"
            "06fe800000000000000000000000010002"
            "00"
            "feffffffffffffff"
            "01"
            "00000000000000000000000000000000000000");
}

TEST(Beacon, RoundTrip) {
  for (const char* source : {"10.0.0.1", "fe80::1"})
    for (const bool wanted : {false, true})
      for (const std::int64_t ms :
           {std::int64_t{0}, std::int64_t{-1}, std::numeric_limits<std::int64_t>::max(),
            std::numeric_limits<std::int64_t>::min()}) {
        Beacon beacon = sample();
        beacon.source = *IpAddress::parse(source);
        beacon.answer_wanted = wanted;
        beacon.clock.ms = ms;
        const auto back = parse_beacon_text(encode_beacon_text(beacon));
        ASSERT_TRUE(back);
        EXPECT_EQ(back->static_key, beacon.static_key);
        EXPECT_EQ(back->node, beacon.node);
        EXPECT_EQ(back->boot, beacon.boot);
        EXPECT_EQ(back->number, beacon.number);
        EXPECT_EQ(back->port, beacon.port);
        EXPECT_EQ(back->source, beacon.source);
        EXPECT_EQ(back->answer_wanted, beacon.answer_wanted);
        EXPECT_EQ(back->clock, beacon.clock);
      }
}

TEST(Beacon, SizesAddUp) {
  EXPECT_EQ(encode_beacon_text(sample()).size(), kBeaconTextSize);
  EXPECT_EQ(kBeaconSaltSize + kBeaconTextSize + kMacSize, kBeaconSize);
}

TEST(Beacon, EveryOtherLengthIsRefused) {
  Bytes text = encode_beacon_text(sample());
  text.resize(200);
  for (std::size_t size = 0; size <= text.size(); ++size)
    EXPECT_EQ(parse_beacon_text(ByteView(text).first(size)).has_value(), size == kBeaconTextSize)
        << size;
}

TEST(Beacon, OnlyTwoFamiliesSpeak) {
  for (unsigned family = 0; family < 256; ++family) {
    Bytes text = encode_beacon_text(sample());
    text[kFamilyAt] = static_cast<std::uint8_t>(family);
    EXPECT_EQ(parse_beacon_text(text).has_value(), family == 4 || family == 6) << family;
  }
}

TEST(Beacon, PaddingBehindAnIpv4AddressMustBeZero) {
  for (std::size_t at = kAddressAt + 4; at < kFlagsAt; ++at) {
    Bytes text = encode_beacon_text(sample());
    text[at] = 1;
    EXPECT_FALSE(parse_beacon_text(text)) << at;
  }
}

TEST(Beacon, PortZeroIsRefused) {
  Bytes text = encode_beacon_text(sample());
  text[80] = text[81] = 0;
  EXPECT_FALSE(parse_beacon_text(text));
}

TEST(Beacon, OnlyOurVersionIsAccepted) {
  for (unsigned version = 0; version < 256; ++version) {
    Bytes text = encode_beacon_text(sample());
    text[kVersionAt] = static_cast<std::uint8_t>(version);
    EXPECT_EQ(parse_beacon_text(text).has_value(), version == kProtocolVersion) << version;
  }
}

TEST(Beacon, OnlyTheLowestFlagWantsAnAnswer) {
  Bytes text = encode_beacon_text(sample());
  text[kFlagsAt] = 0;
  EXPECT_FALSE(parse_beacon_text(text)->answer_wanted);
  text[kFlagsAt] = 1;
  EXPECT_TRUE(parse_beacon_text(text)->answer_wanted);
}

// Room for later versions of the same format: protocol.md says "ignored".
TEST(Beacon, TheTailIsIgnored) {
  for (std::size_t at = kTailAt; at < kBeaconTextSize; ++at) {
    Bytes text = encode_beacon_text(sample());
    text[at] = 1;
    EXPECT_TRUE(parse_beacon_text(text)) << "byte " << at;
  }
}

}  // namespace
}  // namespace meshnode::wire
