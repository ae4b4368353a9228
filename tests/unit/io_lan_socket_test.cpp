// LanSocket on a small LAN:
//
//   left: l0 10.1.0.1/24 fe80::1 ──── veth ──── r0 10.1.0.2/24 fe80::2 :right
//
// No default route anywhere. Skipped without root.
#include <array>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/interface_monitor.h"
#include "io/lan_socket.h"
#include "support/scratch_namespace.h"

namespace meshnode::io {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

IpAddress ip(const char* text) {
  return IpAddress::parse(text).value();
}

struct Heard {
  Bytes data;
  Endpoint source;
  IpAddress destination;
  std::uint32_t ifindex = 0;
  bool operator==(const Heard&) const = default;
};

// Everything that arrives until `count` datagrams are there; fewer after two seconds of silence.
std::vector<Heard> listen(LanSocket& socket, std::size_t count) {
  Bytes memory(2 * 256);
  std::vector<Heard> heard;
  while (heard.size() < count) {
    std::array<pollfd, 2> waits{pollfd{socket.v4_fd(), POLLIN, 0},
                                pollfd{socket.v6_fd(), POLLIN, 0}};
    if (poll(waits.data(), waits.size(), 2000) <= 0) break;
    std::array<LanDatagram, 2> slots;
    slots[0].buffer = MutableBytes(memory).first(256);
    slots[1].buffer = MutableBytes(memory).subspan(256);
    const std::size_t filled = socket.receive(slots);
    for (std::size_t i = 0; i < filled; ++i)
      heard.push_back(
          {to_bytes(slots[i].data), slots[i].source, slots[i].destination, slots[i].ifindex});
  }
  return heard;
}

class LanSocketTest : public ::testing::Test {
 protected:
  void SetUp() override {
    left_.emplace();
    right_.emplace();
    if (!left_->ok() || !right_->ok()) GTEST_SKIP() << "needs root (network namespaces of its own)";
    shell("ip link set lo up");
    left_->enter();
    shell("ip link set lo up");
    add_link();
  }
  void TearDown() override {
    right_.reset();
    left_.reset();
  }
  static void shell(const std::string& command) {
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }
  // Ends on the left.
  void add_link() {
    const std::string left =
        "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(left_->fd());
    right_->enter();
    shell("ip link add r0 type veth peer name l0 address 02:00:00:00:00:01 netns " + left +
          " && ip link set r0 addrgenmode none && ip link set r0 up && ip addr add 10.1.0.2/24 dev"
          " r0 && ip addr add fe80::2/64 dev r0 nodad");
    left_->enter();
    shell(
        "ip link set l0 addrgenmode none && ip link set l0 up && ip addr add 10.1.0.1/24 dev l0"
        " && ip addr add fe80::1/64 dev l0 nodad");
    right_index_ = (right_->enter(), index_of("r0"));
    left_index_ = (left_->enter(), index_of("l0"));
  }
  static Interfaces interfaces() {
    auto monitor = InterfaceMonitor::open();
    EXPECT_TRUE(monitor);
    auto all = monitor->list();
    EXPECT_TRUE(all);
    return *all;
  }
  static std::uint32_t index_of(const std::string& name) {
    for (const Interface& interface : interfaces())
      if (interface.name == name) return interface.index;
    return 0;
  }
  // In the current namespace, and joined there.
  static LanSocket open_here() {
    auto socket = LanSocket::open();
    EXPECT_TRUE(socket) << socket.error().message;
    socket->update(interfaces());
    return std::move(*socket);
  }
  bool broadcast_from_left(LanSocket& socket, const Bytes& data) const {
    return socket.send_v4(left_index_, ip("10.1.0.1"), ip("10.1.0.255"), data);
  }
  bool multicast_from_left(LanSocket& socket, const Bytes& data) const {
    return socket.send_v6(left_index_, ip("fe80::1"), data);
  }

  std::optional<test::ScratchNamespace> left_;
  std::optional<test::ScratchNamespace> right_;
  std::uint32_t left_index_ = 0;
  std::uint32_t right_index_ = 0;
};

TEST_F(LanSocketTest, BroadcastReachesTheLinkAndEveryProgramOnTheHost) {
  LanSocket sender = open_here();
  LanSocket same_host = open_here();
  right_->enter();
  LanSocket across = open_here();
  EXPECT_EQ(across.port(), kLanPort);
  EXPECT_TRUE(broadcast_from_left(sender, {1, 2}));
  const Endpoint source{ip("10.1.0.1"), kLanPort};
  EXPECT_THAT(listen(across, 1),
              ElementsAre(Heard{{1, 2}, source, ip("10.1.0.255"), right_index_}));
  EXPECT_THAT(listen(same_host, 1),
              ElementsAre(Heard{{1, 2}, source, ip("10.1.0.255"), left_index_}));
  EXPECT_EQ(listen(sender, 1).size(), 1U) << "and comes back to its sender";
}

TEST_F(LanSocketTest, MulticastReachesTheLinkAndEveryProgramOnTheHost) {
  LanSocket sender = open_here();
  LanSocket same_host = open_here();
  right_->enter();
  LanSocket across = open_here();
  EXPECT_THAT(across.joined(), ElementsAre(right_index_));
  EXPECT_TRUE(multicast_from_left(sender, {3}));
  const Endpoint source{ip("fe80::1"), kLanPort};
  EXPECT_THAT(listen(across, 1), ElementsAre(Heard{{3}, source, LanSocket::group(), right_index_}));
  EXPECT_THAT(listen(same_host, 1),
              ElementsAre(Heard{{3}, source, LanSocket::group(), left_index_}));
  EXPECT_EQ(listen(sender, 1).size(), 1U);
}

TEST_F(LanSocketTest, UnicastReachesOnlyOneOfTheProgramsOnTheHost) {
  LanSocket first = open_here();
  LanSocket second = open_here();
  right_->enter();
  LanSocket across = open_here();
  // Else the unicast waits for ARP and the broadcast may overtake it.
  shell("ip neigh add 10.1.0.1 lladdr 02:00:00:00:00:01 dev r0 nud permanent");
  EXPECT_TRUE(across.send_v4(right_index_, ip("10.1.0.2"), ip("10.1.0.1"), Bytes{1}));
  // The broadcast that follows shows that nothing else is on its way.
  EXPECT_TRUE(across.send_v4(right_index_, ip("10.1.0.2"), ip("10.1.0.255"), Bytes{2}));
  std::size_t copies = 0;
  for (LanSocket* socket : {&first, &second}) {
    for (bool ended = false; !ended;) {
      const auto heard = listen(*socket, 1);
      ASSERT_FALSE(heard.empty());
      for (const Heard& one : heard) {
        if (one.data == Bytes{1}) ++copies;
        if (one.data == Bytes{2}) ended = true;
      }
    }
  }
  EXPECT_EQ(copies, 1U);
}

TEST_F(LanSocketTest, JoinsLateAndRecreatedInterfaces) {
  right_->enter();
  LanSocket across = open_here();
  const std::uint32_t before = right_index_;
  shell("ip link del r0");
  across.update(interfaces());
  EXPECT_THAT(across.joined(), IsEmpty());
  add_link();
  LanSocket sender = open_here();
  right_->enter();
  EXPECT_NE(right_index_, before);
  across.update(interfaces());
  EXPECT_THAT(across.joined(), ElementsAre(right_index_));
  EXPECT_TRUE(multicast_from_left(sender, {4}));
  EXPECT_EQ(listen(across, 1).size(), 1U);
}

TEST_F(LanSocketTest, LeavesWhatBecomesAnOverlay) {
  LanSocket socket = open_here();
  EXPECT_THAT(socket.joined(), ElementsAre(left_index_));
  shell("ip link set l0 alias 'meshnode overlay'");
  socket.update(interfaces());
  EXPECT_THAT(socket.joined(), IsEmpty());
  shell("ip link set l0 alias ''");
  socket.update(interfaces());
  socket.update(interfaces());
  EXPECT_THAT(socket.joined(), ElementsAre(left_index_));
}

TEST_F(LanSocketTest, SendingWithoutTheInterfaceOrAddressFailsAndGoesOn) {
  LanSocket socket = open_here();
  EXPECT_FALSE(socket.send_v4(999, ip("10.1.0.1"), ip("10.1.0.255"), Bytes{1}));
  EXPECT_FALSE(socket.send_v4(left_index_, ip("10.9.9.9"), ip("10.1.0.255"), Bytes{1}));
  EXPECT_FALSE(socket.send_v6(999, ip("fe80::1"), Bytes{1}));
  EXPECT_FALSE(socket.send_v6(left_index_, ip("fe80::99"), Bytes{1}));
  EXPECT_TRUE(broadcast_from_left(socket, {1}));
  EXPECT_TRUE(multicast_from_left(socket, {1}));
}

TEST_F(LanSocketTest, DropsWhatIsTooLargeAndFillsNoMoreThanAsked) {
  LanSocket socket = open_here();
  EXPECT_TRUE(broadcast_from_left(socket, Bytes(257)));
  for (std::uint8_t i = 0; i < 3; ++i) EXPECT_TRUE(broadcast_from_left(socket, {i}));
  for (std::uint8_t i = 0; i < 3; ++i) EXPECT_TRUE(multicast_from_left(socket, {i}));
  EXPECT_EQ(listen(socket, 6).size(), 6U);
}

TEST_F(LanSocketTest, OneFamilyIsEnough) {
  // Another program holds the IPv4 side of the port for itself.
  shell("ip link set l0 up");
  const int holder = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in taken{};
  taken.sin_family = AF_INET;
  taken.sin_port = htons(kLanPort);
  ASSERT_EQ(bind(holder, reinterpret_cast<const sockaddr*>(&taken), sizeof taken), 0);
  LanSocket socket = open_here();
  EXPECT_EQ(socket.v4_fd(), -1);
  EXPECT_EQ(socket.port(), kLanPort);
  EXPECT_FALSE(broadcast_from_left(socket, {1}));
  EXPECT_TRUE(multicast_from_left(socket, {1}));
  EXPECT_EQ(listen(socket, 1).size(), 1U);

  const int holder6 = ::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in6 other{};
  other.sin6_family = AF_INET6;
  ASSERT_EQ(bind(holder6, reinterpret_cast<const sockaddr*>(&other), sizeof other), 0);
  socklen_t size = sizeof other;
  ASSERT_EQ(getsockname(holder6, reinterpret_cast<sockaddr*>(&other), &size), 0);
  EXPECT_FALSE(LanSocket::open(ntohs(other.sin6_port))) << "a dual-stack socket holds both";
  close(holder);
  close(holder6);
}

TEST_F(LanSocketTest, LeaksNoDescriptors) {
  const auto count = [] {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return std::distance(begin(all), end(all));
  };
  const auto before = count();
  { const LanSocket socket = open_here(); }
  EXPECT_EQ(count(), before);
}

}  // namespace
}  // namespace meshnode::io
