#include <cstdlib>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include "io/interface_monitor.h"
#include "support/scratch_namespace.h"

namespace meshnode::io {
namespace {

using ::testing::Contains;
using ::testing::Not;

class InterfaceMonitorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!lab_.ok()) GTEST_SKIP() << "needs root (a network namespace of its own)";
    auto monitor = InterfaceMonitor::open();
    ASSERT_TRUE(monitor) << monitor.error().message;
    monitor_.emplace(std::move(*monitor));
  }
  static void shell(const std::string& command) {
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }
  Interface find(const std::string& name) {
    const auto all = monitor_->list();
    EXPECT_TRUE(all);
    for (const Interface& interface : *all)
      if (interface.name == name) return interface;
    return {};
  }
  bool rings() {
    pollfd wait{monitor_->fd(), POLLIN, 0};
    return poll(&wait, 1, 2000) == 1 && monitor_->drain();
  }
  static Cidr cidr(const char* text) { return Cidr::parse(text).value(); }

  test::ScratchNamespace lab_;
  std::optional<InterfaceMonitor> monitor_;
};

TEST_F(InterfaceMonitorTest, DescribesTheLoopback) {
  EXPECT_TRUE(find("lo").loopback);
  EXPECT_FALSE(find("lo").up);
  EXPECT_FALSE(find("lo").broadcast);
  EXPECT_FALSE(monitor_->drain()) << "nothing happened yet";
  shell("ip link set lo up");
  EXPECT_TRUE(rings());
  EXPECT_TRUE(find("lo").up);
  EXPECT_THAT(find("lo").addresses, Contains(cidr("127.0.0.1/8")));
  EXPECT_THAT(find("lo").addresses, Contains(cidr("::1/128")));
}

TEST_F(InterfaceMonitorTest, TellsCarrierFromAdministrativeState) {
  shell("ip link add a0 type veth peer name a1 && ip link set a0 up");
  EXPECT_FALSE(find("a0").up) << "no carrier while the other end is down";
  shell("ip link set a1 up");
  while (!find("a0").up) ASSERT_TRUE(rings());
  EXPECT_TRUE(find("a0").broadcast);
  EXPECT_FALSE(find("a0").loopback);
  EXPECT_FALSE(find("a0").overlay);
  EXPECT_NE(find("a0").index, find("a1").index);
}

TEST_F(InterfaceMonitorTest, ListsAddressesInOrderWithPrefixAndLinkLocal) {
  shell(
      "ip link add d0 type veth peer name d1 && ip link set d0 addrgenmode none && ip link set d0 "
      "up && "
      "ip addr add 10.2.0.1/16 dev d0 && ip addr add 10.1.0.1/24 dev d0 && "
      "ip addr add fe80::5/64 dev d0 nodad && ip addr add fd00::5/48 dev d0 nodad");
  EXPECT_TRUE(rings());
  EXPECT_EQ(find("d0").addresses, (std::vector{cidr("10.1.0.1/24"), cidr("10.2.0.1/16"),
                                               cidr("fd00::5/48"), cidr("fe80::5/64")}));
  EXPECT_EQ(*monitor_->list(), *monitor_->list());
  shell("ip addr del 10.1.0.1/24 dev d0");
  EXPECT_TRUE(rings());
  EXPECT_THAT(find("d0").addresses, Not(Contains(cidr("10.1.0.1/24"))));
}

TEST_F(InterfaceMonitorTest, LeavesOutTentativeAddresses) {
  shell(
      "ip link add a0 type veth peer name a1 && ip link set a1 up && "
      "echo 50 > /proc/sys/net/ipv6/conf/a0/dad_transmits && ip link set a0 up && "
      "ip addr add fd00::1/64 dev a0 && ip addr add fd00::2/64 dev a0 nodad && "
      "ip addr show dev a0 | grep -q 'fd00::1/64.*tentative'");
  EXPECT_THAT(find("a0").addresses, Contains(cidr("fd00::2/64")));
  EXPECT_THAT(find("a0").addresses, Not(Contains(cidr("fd00::1/64"))));
}

TEST_F(InterfaceMonitorTest, RecognisesAnOverlayByItsAlias) {
  shell("ip link add d0 type veth peer name d1 && ip link set d0 alias 'meshnode overlay'");
  EXPECT_TRUE(find("d0").overlay);
  shell("ip link set d0 alias 'not meshnode'");
  EXPECT_FALSE(find("d0").overlay);
}

TEST_F(InterfaceMonitorTest, LostNotificationsCountAsAChange) {
  const int smallest = 1;
  ASSERT_EQ(setsockopt(monitor_->fd(), SOL_SOCKET, SO_RCVBUF, &smallest, sizeof smallest), 0);
  shell(
      "ip link add d0 type veth peer name d1 && for i in 1 2 3 4 5 6 7 8 9; do"
      " ip addr add 10.0.$i.1/24 dev d0 && ip link set d0 mtu 1${i}00; done");
  EXPECT_TRUE(rings());
  EXPECT_FALSE(monitor_->drain());
  shell("ip link del d0");
  EXPECT_TRUE(rings()) << "works on after the overflow";
}

}  // namespace
}  // namespace meshnode::io
