// Joins packets that come out of the mesh into super-frames, so that the receiving machine takes
// one packet instead of forty. The conditions are those of the kernel's own GRO: splitting a
// super-frame gives back what came in, byte by byte.
//
// A packet is decrypted to where its payload would lie if it continued the latest super-frame, its
// header over that frame's end, which is saved meanwhile:
//
//   slot   | headroom | header | payload 0 | payload 1 |
//   place                               | header  payload 2 |
//
// Use, for each datagram:
//   place = place_for(size of the plaintext with padding)     empty: flush() first, then again
//   open the datagram into `place`
//   accept(size of the packet), or reject() if it is not authentic, not wanted or no packet
// and flush() at the end of each batch.
//
// Invariants
//  1. Between place_for() and accept() or reject() nothing else may be called; only the place may
//     be written. After reject() it is as if the packet had never been.
//  2. What flush() returns is in order of arrival for each flow, whatever could be joined. A
//     packet that cannot tell its flow (fragments, unknown protocols) keeps its place among all
//     packets of its source.
//  3. A packet that is joined with none leaves byte for byte as it came. Nobody is joined whose
//     checksum was not right: what was damaged before the tunnel must not get a good one.
//  4. Nothing is held after flush(). Its frames stay valid until the next place_for().
//  5. Each frame has kFrameHeadroom bytes in front of it, for the virtio-net header.
//
// Not thread-safe; allocates in its constructor only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/runs.h"
#include "dataplane/packet_view.h"

namespace meshnode::dataplane {

class Coalescer {
 public:
  struct Settings {
    bool tcp = true;
    bool udp = true;  // needs USO
  };
  static constexpr std::size_t kLargestFrame = 65535;
  static constexpr std::size_t kMostUdpSegments = 64;
  // What a slot needs: a frame, or a whole datagram's plaintext with padding.
  static constexpr std::size_t kSlotSize = kFrameHeadroom + kLargestFrame + kFrameTailroom;

  // The slots belong to the caller, at least kSlotSize bytes each, and outlive this. As many as
  // there may be frames in a batch; 64 is plenty.
  Coalescer(std::span<const MutableBytes> slots, Settings settings);

  void set(Settings settings) { settings_ = settings; }

  // `size` ≤ kLargestFrame + kFrameTailroom. Empty when all slots are taken.
  MutableBytes place_for(std::size_t size);
  // The packet is the first `size` bytes of the place.
  void accept(std::size_t size);
  void reject();

  std::span<const TunFrame> flush();

 private:
  // IPv6 and TCP full of options; what is mergeable has no more.
  static constexpr std::size_t kMaxHeader = 40 + 60;

  struct Frame {
    std::uint8_t* begin = nullptr;
    std::size_t size = 0;
    std::size_t segment_size = 0;  // payload of the first packet
    std::size_t count = 1;
    PacketView view{};  // of the first packet
    std::uint32_t next_sequence = 0;
    bool open = false;      // may still grow
    bool fixed_id = false;  // IPv4 with DF: all IDs are equal
    bool pushed = false;
    std::array<std::uint8_t, kMaxHeader> header{};  // of the first packet
  };
  // What accept() finds out about a packet.
  struct Packet {
    ByteView bytes;
    PacketView view;
    bool joinable = false;
  };

  void start_batch();
  void guess(const Frame& frame);
  bool joinable(const Packet& packet) const;
  Frame* open_frame_of(const Packet& packet);
  void close_source(const Packet& packet);
  bool continues(const Frame& frame, const Packet& packet) const;
  void append(Frame& frame, const Packet& packet);
  void put_back();
  void start_frame(const Packet& packet);
  static void remember(Frame& frame, const Packet& packet);
  static void finish(const Frame& frame, TunFrame& out);

  std::vector<MutableBytes> slots_;
  std::vector<Frame> frames_;  // one per slot, in the same order
  std::vector<TunFrame> out_;
  std::size_t used_ = 0;
  std::size_t latest_ = 0;  // the frame that a packet was joined to, or could be, last
  Settings settings_;
  bool flushed_ = false;

  // The place that is lent.
  MutableBytes place_{};
  std::size_t guessed_ = 0;  // bytes saved from the latest frame; 0: the place is a fresh slot
  std::array<std::uint8_t, kMaxHeader> saved_{};
};

}  // namespace meshnode::dataplane
