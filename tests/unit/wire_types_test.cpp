// One port for everything: the first byte says which protocol a datagram belongs to.
#include <gtest/gtest.h>

#include "wire/types.h"

namespace meshnode::wire {
namespace {

TEST(Types, MessageNumbers) {
  EXPECT_EQ(static_cast<int>(MessageType::handshake_init), 0x40);
  EXPECT_EQ(static_cast<int>(MessageType::handshake_response), 0x41);
  EXPECT_EQ(static_cast<int>(MessageType::challenge), 0x42);
  EXPECT_EQ(static_cast<int>(MessageType::probe), 0x43);
  EXPECT_EQ(static_cast<int>(MessageType::data), 0x44);
}

TEST(Types, ProtocolOfEachFirstByte) {
  for (unsigned first = 0; first < 256; ++first) {
    Protocol expected = Protocol::unknown;
    if (first <= 0x03) expected = Protocol::stun;
    if (first >= 0x40 && first <= 0x44) expected = Protocol::meshnode;
    if (first >= 0x80 && first <= 0x8f) expected = Protocol::dht;
    if (first == 0xde || first == 0xdf) expected = Protocol::dht;
    EXPECT_EQ(protocol_of(static_cast<std::uint8_t>(first)), expected) << "first byte " << first;
  }
}

TEST(Types, HandshakesPassTheSmallestIpv6Path) {
  // RFC 8200 §5: 1280 bytes; 40 of them are the IPv6 header, 8 UDP's.
  EXPECT_LE(kMaxHandshakeSize, 1280U - 40U - 8U);
}

}  // namespace
}  // namespace meshnode::wire
