// Configuring a TUN interface in a scratch network namespace, seen through io's interface monitor;
// skipped without root.
#include <cstdlib>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/interface_monitor.h"
#include "io/udp_socket.h"
#include "support/scratch_namespace.h"
#include "tun/configure.h"
#include "tun/device.h"

namespace meshnode::tun {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Cidr cidr(const char* text) {
  return Cidr::parse(text).value();
}

Settings both_families() {
  return {.name = "mesh0", .addresses = {cidr("fd12:3456:789a::1/48"), cidr("10.77.0.1/24")}};
}

class ConfigureTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!lab_.ok()) GTEST_SKIP() << "needs root (a network namespace of its own)";
    auto device = open_device("mesh0");
    if (!device && access("/dev/net/tun", F_OK) != 0) GTEST_SKIP() << device.error().message;
    ASSERT_TRUE(device) << device.error().message;
    device_ = std::move(*device);
  }
  static bool shell(const std::string& command) { return std::system(command.c_str()) == 0; }
  static Interface find(const std::string& name) {
    const auto monitor = io::InterfaceMonitor::open();
    EXPECT_TRUE(monitor);
    const auto all = monitor->list();
    EXPECT_TRUE(all);
    for (const Interface& interface : *all)
      if (interface.name == name) return interface;
    return {};
  }
  // The first packet that the machine sends to `destination` through the mesh; empty after 2 s.
  Bytes packet_to(const IpAddress& destination) {
    auto socket = io::UdpSocket::open(destination.family(), {});
    EXPECT_TRUE(socket);
    Bytes data{1, 2, 3};
    const DatagramRun run{{{destination, 9}, {}, 0}, data, data.size()};
    EXPECT_EQ(socket->send_batch(std::span(&run, 1)).sent, 1U);
    Bytes memory(read_buffer_size(1500));
    ReadSlot slot;
    slot.buffer = memory;
    pollfd wait{device_->fd(), POLLIN, 0};
    if (poll(&wait, 1, 2000) != 1 || device_->read_batch(std::span(&slot, 1)) != 1) return {};
    return to_bytes(slot.frame.packet);
  }
  std::string error_for(const char* address) {
    const auto result = configure({.name = "mesh0", .addresses = {cidr(address)}});
    return result ? std::string() : result.error().message;
  }

  test::ScratchNamespace lab_;
  std::unique_ptr<Device> device_;
};

TEST_F(ConfigureTest, SetsWhatTheMonitorSees) {
  Settings settings = both_families();
  settings.tx_queue_length = 123;
  const auto result = configure(settings);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_TRUE(result->ipv6);
  EXPECT_EQ(result->why_no_ipv6, "");
  const Interface mesh = find("mesh0");
  EXPECT_TRUE(mesh.up);
  EXPECT_TRUE(mesh.overlay);
  EXPECT_FALSE(mesh.broadcast);
  EXPECT_THAT(mesh.addresses, ElementsAre(cidr("10.77.0.1/24"), cidr("fd12:3456:789a::1/48")))
      << "and no link-local address";
  EXPECT_EQ(device_->mtu(), 1420U);
  EXPECT_TRUE(shell("ip link show mesh0 | grep -q 'qlen 123'"));
}

TEST_F(ConfigureTest, RoutesBothPrefixesIntoTheDevice) {
  ASSERT_TRUE(configure(both_families()));
  const Bytes v4 = packet_to(IpAddress::parse("10.77.0.200").value());
  ASSERT_EQ(v4.size(), 20U + 8U + 3U);
  EXPECT_EQ(to_bytes(ByteView(v4).subspan(12, 8)), (Bytes{10, 77, 0, 1, 10, 77, 0, 200}));
  const Bytes v6 = packet_to(IpAddress::parse("fd12:3456:789a:ffff::2").value());
  ASSERT_EQ(v6.size(), 40U + 8U + 3U) << "no router solicitation in front of it";
  EXPECT_EQ(v6[0] >> 4, 6);
}

TEST_F(ConfigureTest, EverythingGoesWithTheDevice) {
  ASSERT_TRUE(configure(both_families()));
  device_.reset();
  EXPECT_EQ(find("mesh0").index, 0U);
  EXPECT_FALSE(shell("ip route show table all | grep -q 10.77"));
}

TEST_F(ConfigureTest, MayBeRepeated) {
  ASSERT_TRUE(configure(both_families()));
  Settings again = both_families();
  again.mtu = 1400;
  ASSERT_TRUE(configure(again));
  EXPECT_EQ(device_->mtu(), 1400U);
  EXPECT_EQ(find("mesh0").addresses.size(), 2U);
}

TEST_F(ConfigureTest, RefusesAnIpv4RangeThatOverlapsANetworkNearby) {
  ASSERT_TRUE(
      shell("ip link add e0 type veth peer name e1 && ip link set e0 up && ip link set e1 up &&"
            " ip addr add 10.50.1.7/16 dev e0 && ip route add 10.60.1.0/24 dev e0"));
  EXPECT_THAT(error_for("10.50.9.1/24"), HasSubstr("overlaps 10.50.1.7/16 on interface e0"));
  EXPECT_THAT(error_for("10.50.1.7/32"), HasSubstr("on interface e0"));
  EXPECT_THAT(error_for("10.60.0.1/16"), HasSubstr("overlaps 10.60.1.0/24 on interface e0"));
  EXPECT_THAT(find("mesh0").addresses, IsEmpty());
}

TEST_F(ConfigureTest, RoutesThroughAGatewayDoNotOverlap) {
  ASSERT_TRUE(
      shell("ip link add e0 type veth peer name e1 && ip link set e0 up && ip link set e1 up &&"
            " ip addr add 192.168.1.7/24 dev e0 && ip route add default via 192.168.1.1 &&"
            " ip route add 10.0.0.0/8 via 192.168.1.1 && ip route add 0.0.0.0/1 dev e0"));
  EXPECT_EQ(error_for("10.77.0.1/24"), "");
  EXPECT_EQ(find("mesh0").addresses.size(), 1U);
}

TEST_F(ConfigureTest, EnablesIpv6WhereItIsOffByDefault) {
  ASSERT_TRUE(
      shell("echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6 &&"
            " echo 1 > /proc/sys/net/ipv6/conf/mesh0/disable_ipv6"));
  const auto result = configure(both_families());
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->ipv6) << result->why_no_ipv6;
  EXPECT_EQ(find("mesh0").addresses.size(), 2U);
}

TEST_F(ConfigureTest, GoesOnWithIpv4WhereTheMtuExcludesIpv6) {
  Settings small = both_families();
  small.mtu = 1279;
  const auto result = configure(small);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_FALSE(result->ipv6);
  EXPECT_THAT(result->why_no_ipv6, HasSubstr("1280"));
  EXPECT_THAT(find("mesh0").addresses, ElementsAre(cidr("10.77.0.1/24")));
}

// As in many containers: IPv6 is off and /proc/sys read-only. In a child with its own mounts.
TEST_F(ConfigureTest, GoesOnWithIpv4WhereIpv6IsForbidden) {
  ASSERT_TRUE(shell("echo 1 > /proc/sys/net/ipv6/conf/mesh0/disable_ipv6"));
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (unshare(CLONE_NEWNS) != 0 ||
        mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("/proc/sys", "/proc/sys", nullptr, MS_BIND, nullptr) != 0 ||
        mount("none", "/proc/sys", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) != 0)
      _exit(2);
    const auto result = configure(both_families());
    const bool as_wanted = result && !result->ipv6 && !result->why_no_ipv6.empty();
    _exit(as_wanted ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  if (WEXITSTATUS(status) == 2) GTEST_SKIP() << "needs the right to mount";
  EXPECT_EQ(status, 0);
  EXPECT_THAT(find("mesh0").addresses, ElementsAre(cidr("10.77.0.1/24")));
}

TEST_F(ConfigureTest, MissingInterfaceAndMissingRightsAreErrors) {
  EXPECT_THAT(configure({.name = "mesh9"}).error().message, HasSubstr("mesh9"));
  EXPECT_EQ(configure({.name = "a/b"}).error().exit_code(), 2);
  ASSERT_EQ(seteuid(65534), 0);
  const auto result = configure(both_families());
  ASSERT_EQ(seteuid(0), 0);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("CAP_NET_ADMIN"));
}

}  // namespace
}  // namespace meshnode::tun
