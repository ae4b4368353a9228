// A packet of our own, copied to where it has the room that a TUN frame has (base/runs.h).
#pragma once

#include <algorithm>

#include "base/runs.h"

namespace meshnode::dataplane {

class ScratchFrame {
 public:
  // Valid until the next call.
  TunFrame hold(ByteView packet) {
    bytes_.resize(kFrameHeadroom + packet.size() + kFrameTailroom);
    std::copy(packet.begin(), packet.end(), bytes_.begin() + kFrameHeadroom);
    TunFrame frame;
    frame.packet = MutableBytes(bytes_).subspan(kFrameHeadroom, packet.size());
    return frame;
  }

 private:
  Bytes bytes_;
};

}  // namespace meshnode::dataplane
