// Frames with bytes of their own: what a pump hands out does not live long.
#pragma once

#include <vector>

#include "dataplane/rx_pump.h"

namespace meshnode::test {

struct OwnedFrame {
  explicit OwnedFrame(const TunFrame& from) : bytes(kFrameHeadroom), frame(from) {
    bytes.insert(bytes.end(), from.packet.begin(), from.packet.end());
    bytes.resize(bytes.size() + kFrameTailroom);
    frame.packet = MutableBytes(bytes).subspan(kFrameHeadroom, from.packet.size());
  }
  OwnedFrame(OwnedFrame&&) = default;
  OwnedFrame& operator=(OwnedFrame&&) = default;

  Bytes bytes;     // with head and tail
  TunFrame frame;  // points into it
};

class FrameCollector final : public dataplane::FrameSink {
 public:
  void to_tun(std::span<const TunFrame> taken) override {
    ++calls;
    for (const TunFrame& frame : taken) frames.emplace_back(frame);
  }
  std::vector<Bytes> packets() const {
    std::vector<Bytes> out;
    for (const OwnedFrame& each : frames) out.push_back(to_bytes(each.frame.packet));
    return out;
  }
  void clear() {
    frames.clear();
    calls = 0;
  }

  std::vector<OwnedFrame> frames;
  std::size_t calls = 0;
};

}  // namespace meshnode::test
