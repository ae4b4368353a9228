// Splits what the TUN device gives into packets that fit the tunnel, without copying payload: TSO
// and USO of the sending machine end here, and checksums that it left open are finished.
//
// The header of segment i is written directly in front of payload i, over the end of segment i-1:
//
//   frame      | header | payload 0 | payload 1 | payload 2 |
//   next() 0   | header   payload 0 |
//   next() 1            |   | header  payload 1 |
//
// Invariants
//  1. A packet from next() is valid until the following call, so it is sealed (or copied) before.
//  2. Like the frame itself it has kFrameHeadroom bytes in front and kFrameTailroom behind that may
//     be overwritten: what belongs to later segments is saved and put back.
//  3. Nothing outside the frame is touched; a frame that contradicts itself is refused whole, and
//     unchanged.
//  4. The packets are what the kernel would have sent without offloads: lengths, IPv4 ID + i, TCP
//     sequence, FIN and PSH on the last only, CWR on the first only, checksums.
//
// Not thread-safe; no allocation; one object serves frame after frame.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/runs.h"
#include "dataplane/packet_view.h"

namespace meshnode::dataplane {

class Segmenter {
 public:
  // Takes a frame with kFrameHeadroom and kFrameTailroom around it. False: malformed, nothing will
  // come. The virtio-net header's hdr_len is not asked: the packet says itself.
  bool begin(const TunFrame& frame);

  // The next packet; empty when there is none left.
  MutableBytes next();

  std::size_t count() const { return count_; }
  // Bytes of the largest packet, to ask before any of them is sealed.
  std::size_t largest() const { return largest_; }

  // IPv6 with extension headers and a TCP header full of options fits.
  static constexpr std::size_t kMaxHeader = 256;

 private:
  bool begin_single(const TunFrame& frame);
  bool begin_super(const TunFrame& frame, const PacketView& view);
  void prepare_template(const TunFrame& frame);
  void write_header(MutableBytes packet) const;
  void write_ip(MutableBytes packet) const;
  void save_behind(const std::uint8_t* end);
  void restore_behind();

  MutableBytes frame_{};
  PacketView view_{};
  std::size_t segment_size_ = 0;  // payload of each but the last
  std::size_t count_ = 0;
  std::size_t index_ = 0;  // of the packet that comes next
  std::size_t largest_ = 0;
  std::uint16_t pseudo_ = 0;  // pseudo header without the length
  std::uint16_t ip_sum_ = 0;  // IPv4 header without length, ID and checksum
  std::uint16_t id_ = 0;
  std::uint32_t sequence_ = 0;
  std::array<std::uint8_t, kMaxHeader> header_{};

  std::array<std::uint8_t, kFrameTailroom> behind_{};
  std::uint8_t* behind_at_ = nullptr;
  std::size_t behind_size_ = 0;
};

}  // namespace meshnode::dataplane
