// What travels between host, pumps, sockets and the TUN device: buffers lent for one call.
//
// Invariants
//  1. The host owns all buffers; a view in a run or frame is valid until the call that got it
//     returns, or (output) until the buffers are lent again.
//  2. A TUN frame has kFrameHeadroom bytes in front of it and kFrameTailroom behind it that its
//     taker may overwrite: a header in front (virtio-net's, or a data frame's), padding behind.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/endpoint.h"

namespace meshnode {

// Linux virtio-net header (10 bytes) + our data frame header (16), rounded up as DESIGN has it.
inline constexpr std::size_t kFrameHeadroom = 42;
// AEAD tag (16) + zero padding of the plaintext to a multiple of 16 (≤ 15).
inline constexpr std::size_t kFrameTailroom = 32;

// What UDP_SEGMENT takes in one call: more segments fail on older kernels, more bytes on all.
inline constexpr std::size_t kMaxRunSegments = 64;
inline constexpr std::size_t kMaxRunBytes = 65507;

// One or more datagrams of the same path in one buffer: all of segment_size, the last may be
// shorter (what UDP_SEGMENT and UDP_GRO carry). A single datagram has segment_size == data.size().
// A run to be sent has at most kMaxRunSegments and kMaxRunBytes.
struct DatagramRun {
  Path path{};
  MutableBytes data{};
  std::size_t segment_size = 0;
  // TOS or traffic class of the IP packets around all its datagrams: DSCP << 2 | ECN. Received: as
  // it came, 0 where that is not known.
  std::uint8_t tos = 0;
};

// A frame read from, or to be written to, the TUN device: a packet, or a super-frame of many
// (base/gso.h). The fields beside the packet are the virtio-net header's; all zero for a packet
// that is complete.
struct TunFrame {
  MutableBytes packet{};
  std::uint16_t gso_type = 0;
  std::uint16_t gso_size = 0;
  std::uint16_t csum_start = 0;
  std::uint16_t csum_offset = 0;
  bool needs_csum = false;
};

}  // namespace meshnode
