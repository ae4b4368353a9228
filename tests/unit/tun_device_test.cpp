// The TUN device against the real kernel, in a scratch network namespace; skipped without root.
#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/scratch_namespace.h"
#include "tun/device.h"
#include "tun/fake_device.h"

namespace meshnode::tun {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(InterfaceName, PossibleOnes) {
  for (const char* name : {"mesh0", "a", "mesh-home_1.2", "fifteen-letters"})
    EXPECT_TRUE(check_interface_name(name)) << name;
}

TEST(InterfaceName, ImpossibleOnesAreUsageErrors) {
  for (const char* name :
       {"", "sixteen-letters!", ".", "..", "a b", "a/b", "a:b", "mesh%d", "m\n"}) {
    const Status status = check_interface_name(name);
    ASSERT_FALSE(status) << name;
    EXPECT_EQ(status.error().kind, Error::Kind::usage);
    const auto device = open_device(name);
    ASSERT_FALSE(device);
    EXPECT_EQ(device.error().exit_code(), 2);
  }
}

TEST(FakeDevice, CarriesPacketsAndCountsWhatDoesNotFit) {
  FakeDevice device;
  Bytes memory(2 * read_buffer_size(100));
  std::array<ReadSlot, 2> slots;
  slots[0].buffer = MutableBytes(memory).first(read_buffer_size(100));
  slots[1].buffer = MutableBytes(memory).subspan(read_buffer_size(100));
  device.outgoing = {Bytes(101, 1), Bytes(100, 2), Bytes(1, 3), Bytes(1, 4)};
  EXPECT_EQ(device.read_batch(slots), 2U);
  EXPECT_EQ(device.unreadable(), 1U);
  EXPECT_EQ(slots[0].frame.packet.data(), slots[0].buffer.data() + kFrameHeadroom);
  EXPECT_EQ(to_bytes(slots[0].frame.packet), Bytes(100, 2));
  EXPECT_EQ(device.read_batch(slots), 1U);
  const std::array frames{slots[0].frame};
  EXPECT_EQ(device.write_batch(frames).written, 1U);
  EXPECT_THAT(device.incoming, ElementsAre(Bytes{4}));
  device.link_up = false;
  EXPECT_EQ(device.write_batch(frames).dropped, 1U);
}

class DeviceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!lab_.ok()) GTEST_SKIP() << "needs root (a network namespace of its own)";
    auto device = open_device("mesh0");
    if (!device && access("/dev/net/tun", F_OK) != 0) GTEST_SKIP() << device.error().message;
    ASSERT_TRUE(device) << device.error().message;
    device_ = std::move(*device);
  }
  static void shell(const std::string& command) {
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }
  // The packets that arrive until `count` are there; fewer after two seconds of silence.
  std::vector<Bytes> read(std::size_t count, std::size_t mtu = 1500) {
    Bytes memory(2 * read_buffer_size(mtu));
    std::array<ReadSlot, 2> slots;
    slots[0].buffer = MutableBytes(memory).first(read_buffer_size(mtu));
    slots[1].buffer = MutableBytes(memory).subspan(read_buffer_size(mtu));
    std::vector<Bytes> packets;
    pollfd wait{device_->fd(), POLLIN, 0};
    while (packets.size() < count && poll(&wait, 1, 2000) == 1) {
      const std::size_t filled = device_->read_batch(slots);
      for (std::size_t i = 0; i < filled; ++i) {
        EXPECT_EQ(slots[i].frame.packet.data(), slots[i].buffer.data() + kFrameHeadroom);
        packets.push_back(to_bytes(slots[i].frame.packet));
      }
      if (filled == 0) break;
    }
    return packets;
  }
  WriteReport write(const Bytes& packet) {
    Bytes memory(kFrameHeadroom);
    memory.insert(memory.end(), packet.begin(), packet.end());
    const TunFrame frame{.packet = MutableBytes(memory).subspan(kFrameHeadroom)};
    return device_->write_batch(std::span(&frame, 1));
  }

  test::ScratchNamespace lab_;
  std::unique_ptr<Device> device_;
};

std::uint16_t checksum(ByteView bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) sum += load_be<std::uint16_t>(&bytes[i]);
  while (sum > 0xffff) sum = (sum >> 16) + (sum & 0xffff);
  return static_cast<std::uint16_t>(~sum);
}

// 10.77.0.2 asks 10.77.0.1.
Bytes echo_request() {
  Bytes packet{0x45, 0, 0,  28, 0, 1, 0, 0, 64, 1, 0, 0, 10, 77,
               0,    2, 10, 77, 0, 1, 8, 0, 0,  0, 0, 7, 0,  1};
  store_be(&packet[10], checksum(ByteView(packet).first(20)));
  store_be(&packet[22], checksum(ByteView(packet).subspan(20)));
  return packet;
}

constexpr const char* kUp =
    "ip link set mesh0 addrgenmode none && ip link set mesh0 up && "
    "ip addr add 10.77.0.1/24 dev mesh0";

TEST_F(DeviceTest, AnswersAPing) {
  shell(kUp);
  EXPECT_EQ(write(echo_request()).written, 1U);
  const auto answers = read(1);
  ASSERT_EQ(answers.size(), 1U);
  ASSERT_EQ(answers[0].size(), 28U);
  EXPECT_EQ(answers[0][20], 0) << "ICMP echo reply";
  EXPECT_EQ(to_bytes(ByteView(answers[0]).subspan(12, 8)), (Bytes{10, 77, 0, 1, 10, 77, 0, 2}));
}

TEST_F(DeviceTest, ReadsInBatchesUntilNothingWaits) {
  shell(kUp);
  for (int i = 0; i < 3; ++i) write(echo_request());
  EXPECT_EQ(read(3).size(), 3U);
  ReadSlot slot;
  Bytes memory(read_buffer_size(1500));
  slot.buffer = memory;
  EXPECT_EQ(device_->read_batch(std::span(&slot, 1)), 0U);
  EXPECT_EQ(device_->read_batch({}), 0U);
}

TEST_F(DeviceTest, CountsWritesThatTheKernelRefuses) {
  EXPECT_EQ(write(echo_request()).dropped, 1U) << "the link is down";
  shell(kUp);
  EXPECT_EQ(write(Bytes(28, 0xff)).dropped, 1U) << "not an IP packet";
  EXPECT_EQ(write({}).dropped, 1U);
  EXPECT_EQ(write(echo_request()).written, 1U);
}

TEST_F(DeviceTest, NeverDeliversACutPacket) {
  shell(kUp);
  EXPECT_EQ(write(echo_request()).written, 1U);
  EXPECT_TRUE(read(1, 27).empty());
  EXPECT_EQ(device_->unreadable(), 1U);
  EXPECT_EQ(write(echo_request()).written, 1U);
  EXPECT_EQ(read(1, 28).size(), 1U);
}

TEST_F(DeviceTest, KnowsItsNameAndMtu) {
  EXPECT_EQ(device_->name(), "mesh0");
  EXPECT_EQ(device_->mtu(), 1500U);
  shell("ip link set mesh0 mtu 1280");
  EXPECT_EQ(device_->mtu(), 1280U);
}

TEST_F(DeviceTest, NoticesItsDeletion) {
  shell(kUp);
  EXPECT_FALSE(device_->gone());
  shell("ip link del mesh0");
  EXPECT_TRUE(read(1).empty());
  EXPECT_TRUE(device_->gone());
  EXPECT_EQ(write(echo_request()).dropped, 1U);
}

TEST_F(DeviceTest, TakenNamesAreExplained) {
  const auto second = open_device("mesh0");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message, "interface mesh0 is in use by another program");
  EXPECT_EQ(second.error().exit_code(), 1);
  const auto other_kind = open_device("lo");
  ASSERT_FALSE(other_kind);
  EXPECT_THAT(other_kind.error().message, HasSubstr("an interface lo of another kind exists"));
}

TEST_F(DeviceTest, DisappearsWithItsDescriptorsAndLeaksNone) {
  const auto count = [] {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return std::distance(begin(all), end(all));
  };
  const auto with = count();
  device_.reset();
  EXPECT_EQ(count(), with - 2);
  EXPECT_NE(std::system("ip link show mesh0 >/dev/null 2>&1"), 0);
  { EXPECT_FALSE(open_device("lo")); }
  EXPECT_EQ(count(), with - 2);
  auto again = open_device("mesh0");
  EXPECT_TRUE(again) << again.error().message;
}

TEST_F(DeviceTest, MissingRightsAreExplained) {
  ASSERT_EQ(seteuid(65534), 0);
  const auto device = open_device("mesh1");
  ASSERT_EQ(seteuid(0), 0);
  ASSERT_FALSE(device);
  EXPECT_THAT(device.error().message, HasSubstr("root or"));
  EXPECT_THAT(device.error().message, HasSubstr("CAP_NET_ADMIN"));
  EXPECT_EQ(device.error().exit_code(), 1);
}

// In a child with a mount namespace of its own, where /dev/net is empty.
TEST_F(DeviceTest, MissingDeviceFileIsExplained) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (unshare(CLONE_NEWNS) != 0 ||
        mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("none", "/dev/net", "tmpfs", 0, nullptr) != 0)
      _exit(2);
    const auto device = open_device("mesh1");
    const bool explained =
        !device && device.error().message.find("modprobe tun") != std::string::npos;
    _exit(explained ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  if (WEXITSTATUS(status) == 2) GTEST_SKIP() << "needs the right to mount";
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace meshnode::tun
