// A turn's frames from the TUN device, in memory of its own.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "tun/device.h"

namespace meshnode::node {

// A turn takes about that many bytes from a descriptor: enough for large batches, and little enough
// that nobody waits long for his turn.
inline constexpr std::size_t kTurnBytes = 512 * 1024;

class TunReader {
 public:
  // Frames in one turn: packets, or super-frames.
  static constexpr std::size_t kFrames = 256;

  TunReader() : memory_(new std::uint8_t[kTurnBytes + kSlot]) { frames_.reserve(kFrames); }
  // What waits, or a turn's worth of it; valid until the next call.
  std::span<const TunFrame> read(tun::Device& device);

 private:
  static constexpr std::size_t kSlot = tun::read_buffer_size();

  // Not zeroed: pages that nothing touches cost nothing.
  std::unique_ptr<std::uint8_t[]> memory_;
  std::vector<TunFrame> frames_;
};

}  // namespace meshnode::node
