// The virtio-net header: its bytes, what is believed of it, what is written.
#include <bit>

#include <gtest/gtest.h>

#include "tun/vnet_header.h"

namespace meshnode::tun {
namespace {

Bytes packet_of(std::size_t size) {
  Bytes out(size);
  if (size > 32) out[32] = 0x80;  // TCP header of 32 bytes behind 20 of IPv4
  return out;
}

TEST(VnetHeader, BytesAreThoseOfTheKernelsStruct) {
  Block<kVnetHeaderSize> bytes{};
  write_vnet(bytes.data(), {1, 4, 0x0102, 0x0304, 0x0506, 0x0708});
  const Block<10> little{1, 4, 2, 1, 4, 3, 6, 5, 8, 7};
  if (std::endian::native == std::endian::little) {
    EXPECT_EQ(bytes, little);
  }
  const VnetHeader back = parse_vnet(bytes.data());
  EXPECT_EQ(back.flags, 1);
  EXPECT_EQ(back.gso_type, 4);
  EXPECT_EQ(back.hdr_len, 0x0102);
  EXPECT_EQ(back.gso_size, 0x0304);
  EXPECT_EQ(back.csum_start, 0x0506);
  EXPECT_EQ(back.csum_offset, 0x0708);
}

TEST(VnetHeader, SuperFrameIsDescribed) {
  Bytes packet = packet_of(3000);
  TunFrame frame;
  ASSERT_TRUE(describe({.flags = 1,
                        .gso_type = kGsoTcpV4 | VnetHeader::kEcn,
                        .hdr_len = 9999,  // not believed
                        .gso_size = 1400,
                        .csum_start = 20,
                        .csum_offset = 16},
                       packet, frame));
  EXPECT_EQ(frame.packet.data(), packet.data());
  EXPECT_EQ(frame.packet.size(), 3000U);
  EXPECT_EQ(frame.gso_type, kGsoTcpV4);
  EXPECT_EQ(frame.gso_size, 1400);
  EXPECT_TRUE(frame.needs_csum);
  EXPECT_EQ(frame.csum_start, 20);
  EXPECT_EQ(frame.csum_offset, 16);
}

// Unused fields may hold anything, and say nothing.
TEST(VnetHeader, PlainPacketHasNoFields) {
  Bytes packet = packet_of(60);
  TunFrame frame{.gso_type = 1, .gso_size = 1, .csum_start = 1, .csum_offset = 1};
  ASSERT_TRUE(describe({.flags = VnetHeader::kDataValid, .gso_size = 7, .csum_start = 9000}, packet,
                       frame));
  EXPECT_FALSE(frame.needs_csum);
  EXPECT_EQ(frame.gso_type, kGsoNone);
  EXPECT_EQ(frame.gso_size, 0);
  EXPECT_EQ(frame.csum_start, 0);
  EXPECT_EQ(frame.csum_offset, 0);
}

TEST(VnetHeader, WhatWeDidNotAllowOrCannotBeIsRefused) {
  Bytes packet = packet_of(60);
  TunFrame frame;
  for (const std::uint8_t type : Bytes{2, 3, 6, 0x7f, 0x83})
    EXPECT_FALSE(describe({.flags = 1, .gso_type = type, .gso_size = 9}, packet, frame)) << +type;
  EXPECT_FALSE(describe({.flags = 1, .gso_type = kGsoTcpV6}, packet, frame));
  EXPECT_FALSE(describe({}, {}, frame));
  EXPECT_TRUE(describe({.flags = 1, .csum_start = 40, .csum_offset = 18}, packet, frame));
  EXPECT_FALSE(describe({.flags = 1, .csum_start = 40, .csum_offset = 19}, packet, frame));
  EXPECT_FALSE(describe({.flags = 1, .csum_start = 65535, .csum_offset = 65535}, packet, frame));
}

TEST(VnetHeader, WrittenLengthCoversAllHeaders) {
  Bytes packet = packet_of(3000);
  TunFrame frame{.packet = packet,
                 .gso_type = kGsoTcpV4,
                 .gso_size = 1400,
                 .csum_start = 20,
                 .csum_offset = 16,
                 .needs_csum = true};
  VnetHeader header = vnet_header_for(frame);
  EXPECT_EQ(header.flags, VnetHeader::kNeedsCsum);
  EXPECT_EQ(header.gso_type, 1);
  EXPECT_EQ(header.gso_size, 1400);
  EXPECT_EQ(header.csum_start, 20);
  EXPECT_EQ(header.csum_offset, 16);
  EXPECT_EQ(header.hdr_len, 52);
  frame.gso_type = kGsoUdpL4;
  frame.csum_start = 40;
  EXPECT_EQ(vnet_header_for(frame).hdr_len, 48);
}

TEST(VnetHeader, OfAPlainPacketIsAllZero) {
  Bytes packet = packet_of(60);
  Block<kVnetHeaderSize> bytes;
  bytes.fill(0xff);
  write_vnet(bytes.data(), vnet_header_for({.packet = packet}));
  EXPECT_TRUE(all_zero(bytes));
}

}  // namespace
}  // namespace meshnode::tun
