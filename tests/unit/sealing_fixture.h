// A sealing thread between a TUN device that the test writes into and a socket that it reads.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <set>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "dataplane/rx_pump.h"
#include "io/event_loop.h"
#include "io/unique_fd.h"
#include "node/sealing_thread.h"
#include "support/frame_collector.h"
#include "support/inner_packets.h"
#include "support/seeded_random.h"

namespace meshnode::node {

// Packets put into `machine` are read; when that is closed, the interface is gone.
class PipeDevice final : public tun::Device {
 public:
  PipeDevice() {
    std::array<int, 2> ends{};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), 0);
    inside_ = io::UniqueFd(ends[0]);
    machine = io::UniqueFd(ends[1]);
  }
  io::UniqueFd machine;

  std::size_t read_batch(std::span<tun::ReadSlot> slots) override {
    std::size_t filled = 0;
    for (; filled < slots.size() && !gone_; ++filled) {
      const MutableBytes room = slots[filled].buffer.subspan(kFrameHeadroom);
      const auto size = recv(inside_.get(), room.data(), room.size(), MSG_DONTWAIT);
      if (size < 0) break;
      gone_ = size == 0;
      if (gone_) break;
      slots[filled].frame = {};
      slots[filled].frame.packet = room.first(static_cast<std::size_t>(size));
    }
    return filled;
  }
  tun::WriteReport write_batch(std::span<const TunFrame>) override { return {}; }
  const tun::Offloads& offloads() const override { return offloads_; }
  int fd() const override { return inside_.get(); }
  const std::string& name() const override { return name_; }
  std::size_t mtu() const override { return 1420; }
  std::uint64_t unreadable() const override { return 0; }
  bool gone() const override { return gone_; }

 private:
  io::UniqueFd inside_;
  tun::Offloads offloads_;
  std::string name_ = "pipe0";
  bool gone_ = false;
};

inline constexpr PeerNumber kPeer{1}, kKeyless{2};
inline constexpr std::size_t kMtu = 1420;

inline IpAddress inner(std::uint8_t host) {
  return IpAddress::v4({10, 77, 0, host});
}

inline std::shared_ptr<dataplane::KeySlot> key_slot(SessionIndex index, Random& random) {
  auto slot = std::make_shared<dataplane::KeySlot>();
  slot->peer = kPeer;
  slot->local_index = slot->remote_index = index;
  slot->make_cipher = crypto::make_gnutls_cipher;
  slot->send_key = slot->receive_key = random.secret<32>();
  return slot;
}

inline Bytes packet_to(std::uint8_t host, std::uint16_t id = 1) {
  return test::build({.tcp = false, .to = host, .id = id, .payload = Bytes(64, 0x61)});
}

}  // namespace meshnode::node
