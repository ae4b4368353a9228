// Packets that wait for their edge.
#pragma once

#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"

namespace meshnode::overlay {

// Bounded per peer; the engine bounds the sum. Oldest first.
class Staging {
 public:
  static constexpr std::size_t kMaxPackets = 32;
  static constexpr Duration kPatience = seconds(3);

  // False if there is no room; the packet is then lost.
  bool add(TimePoint now, ByteView packet) {
    if (packets_.size() == kMaxPackets) return false;
    if (packets_.empty()) since_ = now;
    bytes_ += packet.size();
    packets_.push_back(to_bytes(packet));
    return true;
  }
  std::vector<Bytes> take() {
    bytes_ = 0;
    return std::exchange(packets_, {});
  }
  bool empty() const { return packets_.empty(); }
  std::size_t bytes() const { return bytes_; }
  // When the wait of the oldest is over; only if not empty.
  TimePoint deadline() const { return since_ + kPatience; }

 private:
  std::vector<Bytes> packets_;
  std::size_t bytes_ = 0;
  TimePoint since_{};
};

}  // namespace meshnode::overlay
