// The Device on /dev/net/tun: reading and writing. Opening is in open_device.cpp.
#pragma once

#include <string>

#include "tun/device.h"

namespace meshnode::tun {

class LinuxDevice final : public Device {
 public:
  // Owns both descriptors. `fd` is attached to an interface, with virtio-net headers of
  // kVnetHeaderSize if offloads.vnet is active. `control` is any socket made in the interface's
  // network namespace.
  LinuxDevice(int fd, int control, std::string name, Offloads offloads, Splitter* splitter);
  ~LinuxDevice() override;
  LinuxDevice(const LinuxDevice&) = delete;
  LinuxDevice& operator=(const LinuxDevice&) = delete;

  std::size_t read_batch(std::span<ReadSlot> slots) override;
  WriteReport write_batch(std::span<const TunFrame> frames) override;
  const Offloads& offloads() const override { return offloads_; }
  int fd() const override { return fd_; }
  const std::string& name() const override { return name_; }
  std::size_t mtu() const override;
  std::uint64_t unreadable() const override { return unreadable_; }
  bool gone() const override { return gone_; }

  // So many refused super-frames of a kind, and it is not tried any more.
  static constexpr int kMostRefusals = 3;

 private:
  // A kind of super-frame that may be written.
  struct Kind {
    Rung& rung;
    int refusals = 0;
  };

  bool read_one(ReadSlot& slot, bool& more);
  void write_one(const TunFrame& frame, WriteReport& report);
  int write_frame(const TunFrame& frame);
  void write_split(const TunFrame& frame, WriteReport& report);
  void note_refusal(Kind& kind);
  Kind& kind_of(const TunFrame& frame);
  bool takes(const TunFrame& frame);

  int fd_;
  int control_;
  std::string name_;
  Offloads offloads_;
  Splitter* splitter_;
  std::size_t header_size_;  // of the virtio-net header, or 0
  Kind tcp_{offloads_.tso};
  Kind udp_{offloads_.uso};
  std::uint64_t unreadable_ = 0;
  bool gone_ = false;
};

}  // namespace meshnode::tun
