#include "node/tun_reader.h"

namespace meshnode::node {
namespace {

constexpr std::size_t kCacheLine = 64;

}  // namespace

// Frame behind frame in one piece of memory, so that small packets lie close together.
std::span<const TunFrame> TunReader::read(tun::Device& device) {
  frames_.clear();
  for (std::size_t used = 0; used < kTurnBytes && frames_.size() < kFrames;) {
    tun::ReadSlot slot;
    slot.buffer = {memory_.get() + used, kSlot};
    if (device.read_batch({&slot, 1}) == 0) break;
    frames_.push_back(slot.frame);
    const std::size_t taken = tun::read_buffer_size(slot.frame.packet.size());
    used += (taken + kCacheLine - 1) / kCacheLine * kCacheLine;
  }
  return frames_;
}

}  // namespace meshnode::node
