// A coalescer with its slots, fed as the pump feeds it, and two ways to take its frames apart.
#pragma once

#include <gtest/gtest.h>

#include "dataplane/coalesce.h"
#include "dataplane/segment.h"
#include "tests/support/inner_packets.h"
#include "tests/support/seeded_random.h"

namespace meshnode::dataplane {

using test::build;
using test::InnerPacket;
using test::slow_segments;

inline constexpr std::size_t kSlots = 64;

struct Coalesce : ::testing::Test {
  test::SeededRandom random{11};
  std::vector<Bytes> memory = std::vector<Bytes>(kSlots, Bytes(Coalescer::kSlotSize));
  std::vector<MutableBytes> slots{memory.begin(), memory.end()};
  Coalescer coalescer{slots, {}};
  std::size_t rejects_in_16 = 0;  // how often something unwanted comes in between

  Bytes filled(std::size_t size) {
    Bytes out(size);
    random.fill(out);
    return out;
  }
  // As the pump does it: what was opened is longer than the packet by its padding.
  bool offer(const Bytes& packet) {
    while (random.below(16) < rejects_in_16) {
      const MutableBytes place = coalescer.place_for(1 + random.below(1600));
      if (place.empty()) break;
      random.fill(place);
      coalescer.reject();
    }
    const MutableBytes place = coalescer.place_for(packet.size() + random.below(16));
    if (place.empty()) return false;
    random.fill(place);
    std::copy(packet.begin(), packet.end(), place.begin());
    coalescer.accept(packet.size());
    return true;
  }
  // Owned copies of frames: what was flushed does not live long.
  struct Owned {
    Bytes bytes;
    TunFrame frame;
  };
  void flush_into(std::vector<Owned>& out) {
    for (const TunFrame& frame : coalescer.flush()) {
      Bytes bytes(kFrameHeadroom);
      bytes.insert(bytes.end(), frame.packet.begin(), frame.packet.end());
      bytes.resize(bytes.size() + kFrameTailroom);
      out.push_back({std::move(bytes), frame});
      Owned& last = out.back();
      last.frame.packet = MutableBytes(last.bytes).subspan(kFrameHeadroom, frame.packet.size());
    }
  }
  std::vector<Owned> frames_of(const std::vector<Bytes>& packets) {
    std::vector<Owned> out;
    for (const Bytes& packet : packets)
      if (!offer(packet)) {
        flush_into(out);
        EXPECT_TRUE(offer(packet));
      }
    flush_into(out);
    return out;
  }
  // How many packets each frame holds.
  std::vector<std::size_t> counts(const std::vector<Bytes>& packets) {
    std::vector<std::size_t> out;
    for (const Owned& owned : frames_of(packets)) out.push_back(slow_segments(owned.frame).size());
    return out;
  }
  std::vector<std::size_t> counts(const InnerPacket& first, const InnerPacket& second) {
    return counts(std::vector<Bytes>{build(first), build(second)});
  }

  static InnerPacket after(InnerPacket packet) {
    packet.sequence += static_cast<std::uint32_t>(packet.payload.size());
    ++packet.id;
    return packet;
  }
  std::vector<Bytes> stream(InnerPacket packet, std::size_t count, std::size_t size) {
    std::vector<Bytes> out;
    for (std::size_t i = 0; i < count; ++i) {
      packet.payload = filled(size);
      out.push_back(build(packet));
      packet = after(packet);
    }
    return out;
  }
};

inline std::vector<Bytes> slow(std::vector<Coalesce::Owned>& frames) {
  std::vector<Bytes> out;
  for (auto& owned : frames)
    for (Bytes& packet : slow_segments(owned.frame)) out.push_back(std::move(packet));
  return out;
}

inline std::vector<Bytes> segmented(std::vector<Coalesce::Owned>& frames) {
  std::vector<Bytes> out;
  Segmenter segmenter;
  for (auto& owned : frames) {
    EXPECT_TRUE(segmenter.begin(owned.frame));
    for (MutableBytes packet = segmenter.next(); !packet.empty(); packet = segmenter.next())
      out.push_back(to_bytes(packet));
  }
  return out;
}

}  // namespace meshnode::dataplane
