// Super-frames between the TUN device and the real kernel, on every rung, in a scratch network
// namespace; skipped without root.
#include <array>
#include <cstdlib>
#include <numeric>
#include <string>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/segment.h"
#include "support/in_child.h"
#include "support/inner_packets.h"
#include "support/older_kernel.h"
#include "support/scratch_namespace.h"
#include "tun/device.h"

namespace meshnode::tun {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RealSplitter final : public Splitter {
 public:
  bool begin(const TunFrame& frame) override { return segmenter_.begin(frame); }
  MutableBytes next() override { return segmenter_.next(); }

 private:
  dataplane::Segmenter segmenter_;
};

Bytes counting(std::size_t size) {
  Bytes out(size);
  std::iota(out.begin(), out.end(), std::uint8_t{1});
  return out;
}

// A UDP super-frame from 10.77.0.2:40000 to 10.77.0.1:443, or between fd00::2 and fd00::1 of the
// same make, with the room that a device wants around it.
class Frame {
 public:
  Frame(bool v6, std::size_t payload, std::uint16_t gso_size) {
    test::InnerPacket packet;
    packet.v6 = v6;
    packet.tcp = false;
    packet.from = 2;
    packet.to = 1;
    packet.payload = counting(payload);
    const Bytes bytes = test::build(packet, true);
    memory_.resize(kFrameHeadroom + bytes.size() + kFrameTailroom);
    std::copy(bytes.begin(), bytes.end(), memory_.begin() + kFrameHeadroom);
    frame.packet = MutableBytes(memory_).subspan(kFrameHeadroom, bytes.size());
    frame.needs_csum = true;
    frame.csum_start = v6 ? 40 : 20;
    frame.csum_offset = 6;
    if (payload <= gso_size) return;
    frame.gso_type = kGsoUdpL4;
    frame.gso_size = gso_size;
  }
  TunFrame frame;

 private:
  Bytes memory_;
};

// A UDP socket of this machine on port 443.
class UdpPeer {
 public:
  explicit UdpPeer(bool v6) : v6_(v6), fd_(socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0)) {
    sockaddr_storage own{};
    const socklen_t size = address(own, 1, 443);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&own), size), 0);
  }
  ~UdpPeer() { close(fd_); }
  UdpPeer(const UdpPeer&) = delete;
  UdpPeer& operator=(const UdpPeer&) = delete;

  std::vector<Bytes> wait(std::size_t count) const {
    std::vector<Bytes> out;
    pollfd readable{fd_, POLLIN, 0};
    while (out.size() < count && poll(&readable, 1, 2000) == 1) {
      Bytes buffer(65536);
      const ssize_t size = recv(fd_, buffer.data(), buffer.size(), 0);
      if (size < 0) break;
      buffer.resize(static_cast<std::size_t>(size));
      out.push_back(std::move(buffer));
    }
    return out;
  }
  // To the other end of the device, as one call to the kernel.
  void send(const Bytes& payload, int segment) const {
    ASSERT_EQ(setsockopt(fd_, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment), 0);
    sockaddr_storage to{};
    const socklen_t size = address(to, 2, 40000);
    ASSERT_EQ(
        sendto(fd_, payload.data(), payload.size(), 0, reinterpret_cast<sockaddr*>(&to), size),
        static_cast<ssize_t>(payload.size()));
  }

 private:
  socklen_t address(sockaddr_storage& out, int last, std::uint16_t port) const {
    if (!v6_) {
      auto& v4 = reinterpret_cast<sockaddr_in&>(out);
      v4.sin_family = AF_INET;
      v4.sin_port = htons(port);
      v4.sin_addr.s_addr = htonl(0x0a4d0000U + static_cast<std::uint32_t>(last));
      return sizeof v4;
    }
    auto& v6 = reinterpret_cast<sockaddr_in6&>(out);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    v6.sin6_addr.s6_addr[0] = 0xfd;
    v6.sin6_addr.s6_addr[15] = static_cast<std::uint8_t>(last);
    return sizeof v6;
  }
  bool v6_;
  int fd_;
};

std::vector<Bytes> cut(const Bytes& payload, std::size_t segment) {
  std::vector<Bytes> out;
  for (std::size_t at = 0; at < payload.size(); at += segment)
    out.push_back(to_bytes(ByteView(payload).subspan(at, std::min(segment, payload.size() - at))));
  return out;
}

class TunOffloads : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (!lab_.ok()) GTEST_SKIP() << "needs root (a network namespace of its own)";
    if (access("/dev/net/tun", F_OK) != 0) GTEST_SKIP() << "no /dev/net/tun";
  }
  // The interface is up: 10.77.0.1/24 and fd00::1/64, no packets of the kernel's own.
  std::unique_ptr<Device> open(DeviceOptions options = {}) {
    options.splitter = &splitter_;
    auto device = open_device("mesh0", options);
    EXPECT_TRUE(device) << device.error().message;
    EXPECT_EQ(std::system("ip link set mesh0 addrgenmode none && ip link set mesh0 up && "
                          "ip addr add 10.77.0.1/24 dev mesh0 && "
                          "ip addr add fd00::1/64 dev mesh0 nodad && "
                          // The kernel makes an IPv6 address usable a little later.
                          "timeout 5 sh -c 'until ip -6 route show table local dev mesh0 | "
                          "grep -q fd00::1; do :; done'"),
              0);
    return std::move(*device);
  }
  static WriteReport write(Device& device, const TunFrame& frame) {
    return device.write_batch(std::span(&frame, 1));
  }
  // What the machine sends, in super-frames or not, as packets; `frames` counts what was read.
  std::vector<Bytes> read(Device& device, std::size_t packets) {
    std::vector<Bytes> out;
    Bytes memory(read_buffer_size());
    ReadSlot slot;
    slot.buffer = memory;
    pollfd readable{device.fd(), POLLIN, 0};
    frames = 0;
    while (out.size() < packets && poll(&readable, 1, 2000) == 1) {
      if (device.read_batch(std::span(&slot, 1)) == 0) continue;
      if (!is_udp(slot.frame.packet)) continue;
      ++frames;
      EXPECT_TRUE(splitter_.begin(slot.frame));
      for (MutableBytes one = splitter_.next(); !one.empty(); one = splitter_.next())
        out.push_back(to_bytes(one));
    }
    return out;
  }
  bool is_udp(ByteView packet) const {
    return GetParam() ? packet.size() > 48 && packet[0] >> 4 == 6 && packet[6] == 17
                      : packet.size() > 28 && packet[0] >> 4 == 4 && packet[9] == 17;
  }
  std::size_t headers() const { return GetParam() ? 48 : 28; }
  // The payload of each packet, whose checksum is right.
  std::vector<Bytes> payloads(const std::vector<Bytes>& packets) const {
    std::vector<Bytes> out;
    for (const Bytes& packet : packets) {
      const std::size_t ip = headers() - 8;
      EXPECT_EQ(test::slow_sum(ByteView(packet).subspan(ip),
                               test::slow_pseudo(packet, 17, packet.size() - ip)),
                0xffff);
      out.push_back(to_bytes(ByteView(packet).subspan(headers())));
    }
    return out;
  }

  // Both directions through `device`.
  void expect_it_carries(Device& device) {
    const UdpPeer peer(GetParam());
    const Frame frame(GetParam(), 4 * 500 + 17, 500);
    EXPECT_GE(write(device, frame.frame).written, 1U);
    EXPECT_EQ(peer.wait(5), cut(counting(4 * 500 + 17), 500));
    const Frame single(GetParam(), 33, 500);
    EXPECT_EQ(write(device, single.frame).written, 1U);
    EXPECT_EQ(peer.wait(1), cut(counting(33), 33));
    peer.send(counting(4 * 700 + 3), 700);
    EXPECT_EQ(payloads(read(device, 5)), cut(counting(4 * 700 + 3), 700));
  }

  test::ScratchNamespace lab_;
  RealSplitter splitter_;
  std::size_t frames = 0;
};
INSTANTIATE_TEST_SUITE_P(Family, TunOffloads, ::testing::Values(false, true),
                         [](const auto& v6) { return std::string(v6.param ? "v6" : "v4"); });

TEST_P(TunOffloads, SuperFramesPassWholeInBothDirections) {
  const auto device = open();
  const Offloads& offloads = device->offloads();
  ASSERT_TRUE(offloads.vnet.active) << offloads.vnet.why_not;
  ASSERT_TRUE(offloads.tso.active) << offloads.tso.why_not;
  if (!offloads.uso.active) GTEST_SKIP() << offloads.uso.why_not;
  expect_it_carries(*device);
  EXPECT_EQ(frames, 1U) << "five datagrams were read at once";
}

TEST_P(TunOffloads, APlainDeviceGetsEverythingPacketByPacket) {
  const auto device = open({.offloads = false});
  EXPECT_EQ(device->offloads().vnet.why_not, kSwitchedOff);
  EXPECT_FALSE(device->offloads().tso.active);
  EXPECT_FALSE(device->offloads().uso.active);
  expect_it_carries(*device);
  EXPECT_EQ(frames, 5U);
}

TEST_P(TunOffloads, ASwitchStopsWritingOfItsKindOnly) {
  const auto device = open({.udp_coalescing = false});
  EXPECT_TRUE(device->offloads().tso.active);
  EXPECT_EQ(device->offloads().uso.why_not, kSwitchedOff);
  const UdpPeer peer(GetParam());
  const Frame frame(GetParam(), 1500, 500);
  EXPECT_EQ(write(*device, frame.frame).written, 3U);
  EXPECT_EQ(peer.wait(3), cut(counting(1500), 500));
}

// The kernel takes no UDP super-frame whose checksum is complete: EINVAL, as from kernels that take
// none at all.
TEST_P(TunOffloads, ARefusedKindIsWrittenSinglyAndSoonNotTriedAgain) {
  const auto device = open();
  if (!device->offloads().uso.active) GTEST_SKIP() << device->offloads().uso.why_not;
  const UdpPeer peer(GetParam());
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(device->offloads().uso.active, i < 3) << i;
    Frame frame(GetParam(), 1100, 500);
    frame.frame.needs_csum = false;
    const WriteReport report = write(*device, frame.frame);
    EXPECT_EQ(report.written, 3U);
    EXPECT_EQ(report.dropped, 0U);
    EXPECT_EQ(peer.wait(3), cut(counting(1100), 500));
  }
  EXPECT_THAT(device->offloads().uso.why_not, HasSubstr("refused"));
  EXPECT_TRUE(device->offloads().tso.active);
}

TEST_P(TunOffloads, ABadFrameIsNotTakenForAMissingOffload) {
  const auto device = open();
  for (int i = 0; i < 5; ++i) {
    Frame frame(GetParam(), 1100, 500);
    frame.frame.gso_type = GetParam() ? kGsoTcpV6 : kGsoTcpV4;  // but it is UDP
    EXPECT_EQ(write(*device, frame.frame).dropped, 1U);
  }
  EXPECT_TRUE(device->offloads().tso.active);
}

TEST_P(TunOffloads, ALinkThatIsDownLosesPacketsAndNothingElse) {
  const auto device = open();
  ASSERT_EQ(std::system("ip link set mesh0 down"), 0);
  for (int i = 0; i < 5; ++i) {
    const Frame frame(GetParam(), 1100, 500);
    const WriteReport report = write(*device, frame.frame);
    EXPECT_EQ(report.written, 0U);
    EXPECT_GE(report.dropped, 1U);
  }
  EXPECT_TRUE(device->offloads().vnet.active);
}

TEST_P(TunOffloads, WorksWhereTheKernelHasNone) {
  struct Lack {
    const char* what;
    bool vnet;
  };
  for (const Lack lack : {Lack{"vnet-header", false}, {"tun-offload", false}, {"uso", true}}) {
    EXPECT_TRUE(test::in_child([&] {
      ASSERT_TRUE(test::take_away(lack.what));
      const auto device = open();
      EXPECT_EQ(device->offloads().vnet.active, lack.vnet);
      EXPECT_EQ(device->offloads().tso.active, lack.vnet);
      EXPECT_FALSE(device->offloads().uso.active);
      EXPECT_THAT(device->offloads().uso.why_not, HasSubstr("the kernel refuses"));
      EXPECT_THAT(device->offloads().tso.why_not.empty(), lack.vnet);
      expect_it_carries(*device);
      EXPECT_EQ(frames, 5U);
    })) << lack.what;
  }
}

}  // namespace
}  // namespace meshnode::tun
