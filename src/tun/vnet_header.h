// struct virtio_net_hdr, the 10 bytes in front of each packet of a TUN device with IFF_VNET_HDR.
// linux/virtio_net.h of Debian 12 does not compile as C++ and lacks UDP_L4, hence our own.
//
//   flags 1 | gso_type 1 | hdr_len 2 | gso_size 2 | csum_start 2 | csum_offset 2
//
// In the machine's byte order (TUN without TUNSETVNETLE).
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/gso.h"
#include "base/runs.h"

namespace meshnode::tun {

inline constexpr std::size_t kVnetHeaderSize = 10;
static_assert(kVnetHeaderSize <= kFrameHeadroom);

struct VnetHeader {
  // The checksum at csum_start + csum_offset is still to be made from csum_start on; the field
  // holds the pseudo header's sum.
  static constexpr std::uint8_t kNeedsCsum = 1;
  static constexpr std::uint8_t kDataValid = 2;
  // In gso_type beside the type: the first segment bears CWR. The TCP header says so too.
  static constexpr std::uint8_t kEcn = 0x80;

  std::uint8_t flags = 0;
  std::uint8_t gso_type = kGsoNone;
  std::uint16_t hdr_len = 0;
  std::uint16_t gso_size = 0;
  std::uint16_t csum_start = 0;
  std::uint16_t csum_offset = 0;
};

// `from` and `to` hold at least kVnetHeaderSize bytes.
VnetHeader parse_vnet(const std::uint8_t* from);
void write_vnet(std::uint8_t* to, const VnetHeader& header);

// What was read, as a frame. False if the header asks for something that we did not allow (UFO,
// unknown types) or that lies outside the packet. hdr_len is not looked at.
bool describe(const VnetHeader& header, MutableBytes packet, TunFrame& out);

// What to write in front of `frame`. hdr_len counts all headers: the kernel keeps that much of the
// packet together and the rest in pages, instead of asking for 64 KB in one piece.
VnetHeader vnet_header_for(const TunFrame& frame);

}  // namespace meshnode::tun
