// A Device in memory, for tests: packets in, packets out.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "tun/device.h"

namespace meshnode::tun {

class FakeDevice final : public Device {
 public:
  explicit FakeDevice(std::string name = "fake0", std::size_t mtu = 1420)
      : name_(std::move(name)), mtu_(mtu) {}

  std::deque<Bytes> outgoing;  // what the machine sends into the mesh: read_batch takes from here
  std::deque<Bytes> incoming;  // what came out of the mesh: write_batch appends here
  bool link_up = true;         // while false, writes are dropped, as the kernel does
  bool deleted = false;        // what gone() says
  Offloads agreed;             // what offloads() says: none

  std::size_t read_batch(std::span<ReadSlot> slots) override {
    std::size_t filled = 0;
    while (filled < slots.size() && !outgoing.empty()) {
      const Bytes packet = std::move(outgoing.front());
      outgoing.pop_front();
      ReadSlot& slot = slots[filled];
      if (slot.buffer.size() < read_buffer_size(packet.size())) {
        ++unreadable_;
        continue;
      }
      slot.frame = {};
      slot.frame.packet = slot.buffer.subspan(kFrameHeadroom, packet.size());
      std::copy(packet.begin(), packet.end(), slot.frame.packet.begin());
      ++filled;
    }
    return filled;
  }

  WriteReport write_batch(std::span<const TunFrame> frames) override {
    if (!link_up) return {0, frames.size()};
    for (const TunFrame& frame : frames) incoming.push_back(to_bytes(frame.packet));
    return {frames.size(), 0};
  }

  const Offloads& offloads() const override { return agreed; }
  int fd() const override { return -1; }
  const std::string& name() const override { return name_; }
  std::size_t mtu() const override { return mtu_; }
  std::uint64_t unreadable() const override { return unreadable_; }
  bool gone() const override { return deleted; }

 private:
  std::string name_;
  std::size_t mtu_;
  std::uint64_t unreadable_ = 0;
};

}  // namespace meshnode::tun
