// An endpoint on the wire.
#include <gtest/gtest.h>

#include "base/text.h"
#include "wire/endpoint.h"

namespace meshnode::wire {
namespace {

Bytes encode(const Endpoint& endpoint) {
  Bytes out;
  Writer writer(out);
  append_endpoint(writer, endpoint);
  return out;
}

std::optional<Endpoint> decode(ByteView bytes) {
  Reader reader(bytes);
  return read_endpoint(reader);
}

struct Golden {
  Endpoint endpoint;
  const char* hex;
};

const Golden kGolden[] = {{{},
                           "00000000"
                           "00000000000000000000000000000000"},
                          {{IpAddress::v4({192, 0, 2, 1}), 3731},
                           "0400930e"
                           "c0000201000000000000000000000000"},
                          {{*IpAddress::parse("2001:db8::1:2"), 0xfffe},
                           "0600feff"
                           "20010db8000000000000000000010002"}};

TEST(WireEndpoint, GoldenBytesBothWays) {
  for (const Golden& golden : kGolden) {
    EXPECT_EQ(to_hex(encode(golden.endpoint)), golden.hex);
    EXPECT_EQ(decode(*from_hex(golden.hex)), golden.endpoint) << golden.hex;
  }
}

TEST(WireEndpoint, EveryTruncationIsRefused) {
  for (const Golden& golden : kGolden) {
    const Bytes whole = *from_hex(golden.hex);
    ASSERT_EQ(whole.size(), kEndpointSize);
    for (std::size_t size = 0; size < whole.size(); ++size)
      EXPECT_FALSE(decode(ByteView(whole).first(size))) << golden.hex << " cut to " << size;
  }
}

TEST(WireEndpoint, OnlyThreeFamiliesExist) {
  for (unsigned family = 0; family < 256; ++family) {
    Bytes bytes(kEndpointSize);
    bytes[0] = static_cast<std::uint8_t>(family);
    EXPECT_EQ(decode(bytes).has_value(), family == 0 || family == 4 || family == 6) << family;
  }
}

TEST(WireEndpoint, EveryPaddingByteMustBeZero) {
  for (const Golden& golden : kGolden) {
    const Bytes whole = *from_hex(golden.hex);
    const std::size_t used = golden.endpoint.ip.bytes().size();
    for (std::size_t at = 1; at < whole.size(); ++at) {
      if (at == 2 || at == 3) continue;  // the port, below
      Bytes changed = whole;
      changed[at] ^= 0x80;
      EXPECT_EQ(decode(changed).has_value(), at >= 4 && at < 4 + used) << golden.hex << " @" << at;
    }
  }
}

TEST(WireEndpoint, NoAddressHasNoPort) {
  EXPECT_FALSE(
      decode(*from_hex("00000100"
                       "00000000000000000000000000000000")));
}

TEST(WireEndpoint, LeavesWhatFollows) {
  Bytes bytes = encode(kGolden[1].endpoint);
  bytes.push_back(0x77);
  Reader reader(bytes);
  ASSERT_TRUE(read_endpoint(reader));
  EXPECT_EQ(reader.u8(), 0x77);
  EXPECT_TRUE(reader.done());
}

}  // namespace
}  // namespace meshnode::wire
