// Nothing is allocated for a datagram or a frame at the edges: UDP sockets, TUN device. A program
// of its own, since it replaces operator new.
#include <array>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include "io/udp_socket.h"
#include "support/counted_new.h"
#include "support/scratch_namespace.h"
#include "tun/device.h"

namespace meshnode {
namespace {

constexpr std::size_t kDatagrams = 100'000;

// Runs and single datagrams in turn, marked and unmarked, over one socket to the other.
void carry(bool gso, bool gro) {
  auto server = io::UdpSocket::open(Family::v4, {.gro = gro});
  auto client = io::UdpSocket::open(Family::v4, {.gso = gso});
  ASSERT_TRUE(server.ok() && client.ok());
  Bytes data(64 * 100);
  const Path path{{*IpAddress::parse("127.0.0.1"), server->port()}, {}, 0};
  const std::array<DatagramRun, 2> runs{
      {{path, data, 100, 0x02}, {path, MutableBytes(data).first(100), 100, 0}}};
  constexpr std::size_t kSlots = 32;
  Bytes memory(kSlots * io::UdpSocket::kLargestRun);
  std::vector<io::RecvSlot> slots(kSlots);
  for (std::size_t i = 0; i < kSlots; ++i)
    slots[i].buffer =
        MutableBytes(memory).subspan(i * io::UdpSocket::kLargestRun, io::UdpSocket::kLargestRun);
  const std::size_t before = test::allocations();
  std::size_t sent = 0;
  std::size_t bytes = 0;
  while (sent < kDatagrams) {
    sent += client->send_batch(runs).sent;
    pollfd readable{server->fd(), POLLIN, 0};
    ASSERT_EQ(poll(&readable, 1, 2000), 1);
    for (std::size_t n = kSlots; n == kSlots;) {
      n = server->recv_batch(slots);
      for (std::size_t i = 0; i < n; ++i) bytes += slots[i].run.data.size();
    }
  }
  EXPECT_EQ(test::allocations(), before);
  EXPECT_GT(bytes, 0U);
}

TEST(Allocation, IsSeen) {
  const std::size_t before = test::allocations();
  auto socket = io::UdpSocket::open(Family::v4, {});
  EXPECT_GT(test::allocations(), before);
}

TEST(Allocation, NoneForADatagramWithOffloads) {
  carry(true, true);
}

TEST(Allocation, NoneForADatagramWithout) {
  carry(false, false);
}

TEST(Allocation, NoneForAFrameOfTheTunDevice) {
  const test::ScratchNamespace lab;
  if (!lab.ok()) GTEST_SKIP() << "needs root (a network namespace of its own)";
  if (access("/dev/net/tun", F_OK) != 0) GTEST_SKIP() << "no /dev/net/tun";
  auto device = tun::open_device("mesh0");
  ASSERT_TRUE(device) << device.error().message;
  ASSERT_EQ(std::system("ip link set mesh0 addrgenmode none && ip link set mesh0 up && "
                        "ip addr add 10.77.0.1/24 dev mesh0"),
            0);
  // An echo request with right checksums, 10.77.0.2 to 10.77.0.1: each write has an answer to read.
  constexpr std::array<std::uint8_t, 28> kPing{0x45, 0,    0,    28,   0, 1, 0,  0,  64, 1,
                                               0x66, 0x44, 10,   77,   0, 2, 10, 77, 0,  1,
                                               8,    0,    0xf7, 0xf7, 0, 7, 0,  1};
  Bytes memory(kFrameHeadroom + kPing.size() + kFrameTailroom);
  Bytes room(tun::read_buffer_size());
  TunFrame frame;
  frame.packet = MutableBytes(memory).subspan(kFrameHeadroom, kPing.size());
  tun::ReadSlot slot;
  slot.buffer = room;
  std::size_t answers = 0;
  const std::size_t before = test::allocations();
  for (std::size_t i = 0; i < kDatagrams; ++i) {
    std::copy(kPing.begin(), kPing.end(), frame.packet.begin());
    (*device)->write_batch(std::span(&frame, 1));
    answers += (*device)->read_batch(std::span(&slot, 1));
  }
  EXPECT_EQ(test::allocations(), before);
  EXPECT_GT(answers, 0U);
}

}  // namespace
}  // namespace meshnode
