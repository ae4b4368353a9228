// UdpSocket on the loopback interface; what needs interfaces of its own runs in a scratch network
// namespace and is skipped without root.
#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/udp_socket.h"
#include "support/scratch_namespace.h"

namespace meshnode::io {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;

UdpSocket open_or_die(Family family, UdpOptions options = {}) {
  auto socket = UdpSocket::open(family, options);
  if (!socket) ADD_FAILURE() << socket.error().message;
  return std::move(socket).value();
}

IpAddress ip(const char* text) {
  return IpAddress::parse(text).value();
}

bool wait_readable(int fd) {
  pollfd wait{fd, POLLIN, 0};
  return poll(&wait, 1, 2000) == 1;
}

// Slots with their memory.
struct Slots {
  explicit Slots(std::size_t count, std::size_t size = 2048) : memory(count * size), slots(count) {
    for (std::size_t i = 0; i < count; ++i)
      slots[i].buffer = MutableBytes(memory).subspan(i * size, size);
  }
  std::vector<DatagramRun> receive(UdpSocket& socket) {
    if (!wait_readable(socket.fd())) return {};
    const std::size_t count = socket.recv_batch(slots);
    std::vector<DatagramRun> runs;
    for (std::size_t i = 0; i < count; ++i) runs.push_back(slots[i].run);
    return runs;
  }
  Bytes memory;
  std::vector<RecvSlot> slots;
};

// One datagram with its memory.
struct Outgoing {
  Outgoing(Path path, Bytes bytes, std::size_t segment_size = 0) : data(std::move(bytes)) {
    run = {path, data, segment_size == 0 ? data.size() : segment_size};
  }
  Bytes data;
  DatagramRun run;
};

SendReport send_one(UdpSocket& socket, const Path& path, Bytes data) {
  const Outgoing out(path, std::move(data));
  return socket.send_batch(std::span(&out.run, 1));
}

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

class BothFamilies : public ::testing::TestWithParam<Family> {
 protected:
  IpAddress loopback() const { return ip(GetParam() == Family::v4 ? "127.0.0.1" : "::1"); }
};
INSTANTIATE_TEST_SUITE_P(UdpSocket, BothFamilies, ::testing::Values(Family::v4, Family::v6),
                         [](const auto& family) {
                           return std::string(family.param == Family::v4 ? "v4" : "v6");
                         });

TEST_P(BothFamilies, CarriesABatchWithItsPaths) {
  UdpSocket server = open_or_die(GetParam());
  UdpSocket client = open_or_die(GetParam());
  const Path to{{loopback(), server.port()}, {}, 0};
  const Outgoing first(to, {1, 2, 3});
  const Outgoing second(to, {4});
  const std::array runs{first.run, second.run};
  const SendReport report = client.send_batch(runs);
  EXPECT_EQ(report.sent, 2U);
  EXPECT_EQ(report.dropped, 0U);
  EXPECT_TRUE(report.failures.empty());

  Slots slots(8);
  const auto received = slots.receive(server);
  ASSERT_EQ(received.size(), 2U);
  EXPECT_THAT(received[0].data, ElementsAre(1, 2, 3));
  EXPECT_EQ(received[0].segment_size, 3U);
  EXPECT_THAT(received[1].data, ElementsAre(4));
  EXPECT_EQ(received[0].path, (Path{{loopback(), client.port()}, loopback(), 0}));
  EXPECT_EQ(server.recv_batch(slots.slots), 0U) << "nothing waits, and the call does not block";
}

TEST_P(BothFamilies, CutsRunsIntoSegmentsAcrossSystemCalls) {
  UdpSocket server = open_or_die(GetParam(), {.gro = false});
  UdpSocket client = open_or_die(GetParam(), {.gso = false});
  const Path to{{loopback(), server.port()}, loopback(), 0};
  Bytes payload(99 * 10 + 7);
  std::iota(payload.begin(), payload.end(), std::uint8_t{0});
  const Outgoing large(to, payload, 10);
  const Outgoing last(to, {42});
  const std::array runs{large.run, last.run};
  EXPECT_EQ(client.send_batch(runs).sent, 101U);

  Slots slots(200);
  Bytes together;
  std::vector<std::size_t> sizes;
  while (sizes.size() < 101) {
    const auto received = slots.receive(server);
    ASSERT_FALSE(received.empty());
    EXPECT_LE(received.size(), UdpSocket::kBatch);
    for (const DatagramRun& run : received) {
      sizes.push_back(run.data.size());
      together.insert(together.end(), run.data.begin(), run.data.end());
    }
  }
  payload.push_back(42);
  EXPECT_EQ(together, payload);
  EXPECT_EQ(sizes[98], 10U);
  EXPECT_EQ(sizes[99], 7U);
  EXPECT_EQ(sizes[100], 1U);
}

TEST_P(BothFamilies, SurvivesAClosedPort) {
  std::uint16_t closed = 0;
  { closed = open_or_die(GetParam()).port(); }
  UdpSocket server = open_or_die(GetParam());
  UdpSocket client = open_or_die(GetParam());
  const Outgoing lost({{loopback(), closed}, {}, 0}, {1});
  const Outgoing kept({{loopback(), server.port()}, {}, 0}, {2});
  for (int i = 0; i < 3; ++i) {
    const std::array runs{lost.run, kept.run};
    client.send_batch(runs);
  }
  Slots slots(8);
  EXPECT_EQ(slots.receive(server).size(), 3U);
  send_one(server, {{loopback(), client.port()}, {}, 0}, {3});
  const auto answer = slots.receive(client);
  ASSERT_EQ(answer.size(), 1U) << "the ICMP answers did not stop receiving";
  EXPECT_THAT(answer[0].data, ElementsAre(3));
}

TEST_P(BothFamilies, DropsWhatDoesNotFitAndKeepsTheRestTogether) {
  UdpSocket server = open_or_die(GetParam());
  UdpSocket client = open_or_die(GetParam());
  const Path to{{loopback(), server.port()}, {}, 0};
  const Outgoing small(to, {1});
  const Outgoing exact(to, Bytes(16, 2));
  const Outgoing large(to, Bytes(17, 3));
  const std::array runs{large.run, small.run, large.run, exact.run};
  EXPECT_EQ(client.send_batch(runs).sent, 4U);
  Slots slots(4, 16);
  const auto received = slots.receive(server);
  ASSERT_EQ(received.size(), 2U);
  EXPECT_THAT(received[0].data, ElementsAre(1));
  EXPECT_EQ(to_bytes(received[1].data), Bytes(16, 2));
  EXPECT_EQ(server.truncated(), 2U);
  for (std::size_t i = 0; i < 2; ++i)
    EXPECT_EQ(slots.slots[i].run.data.data(), slots.slots[i].buffer.data());
}

// For a second thread: it sends from the same port, with a ladder of its own.
TEST_P(BothFamilies, ATwinSendsFromTheSamePort) {
  UdpSocket server = open_or_die(GetParam());
  auto first = std::make_unique<UdpSocket>(open_or_die(GetParam(), {.gso = false}));
  auto twin = first->twin();
  ASSERT_TRUE(twin) << twin.error().message;
  EXPECT_EQ(twin->port(), first->port());
  EXPECT_EQ(twin->family(), GetParam());
  EXPECT_FALSE(twin->offloads().gso.active) << "a switch counts for both";
  const Path to{{loopback(), server.port()}, {}, 0};
  send_one(*first, to, {1});
  send_one(*twin, to, {2});
  const std::uint16_t port = first->port();
  first.reset();
  send_one(*twin, to, {3});  // it outlives the other, and holds the port
  EXPECT_FALSE(UdpSocket::open(GetParam(), {.port = port}));
  Slots slots(8);
  std::vector<Bytes> received;
  while (received.size() < 3) {
    const auto runs = slots.receive(server);
    ASSERT_FALSE(runs.empty());
    for (const DatagramRun& run : runs) {
      EXPECT_EQ(run.path.remote.port, port);
      for (const std::uint8_t byte : run.data) received.push_back({byte});
    }
  }
  EXPECT_THAT(received, ElementsAre(Bytes{1}, Bytes{2}, Bytes{3}));
}

TEST_P(BothFamilies, TellsABusyPort) {
  const UdpSocket first = open_or_die(GetParam());
  UdpOpenError why{};
  const auto second = UdpSocket::open(GetParam(), {.port = first.port()}, &why);
  ASSERT_FALSE(second);
  EXPECT_EQ(why, UdpOpenError::port_busy);
  EXPECT_THAT(second.error().message, ::testing::HasSubstr("is in use by another program"));
}

TEST_P(BothFamilies, CountsForeignSourcesAndGoesOn) {
  UdpSocket server = open_or_die(GetParam());
  UdpSocket client = open_or_die(GetParam());
  const Endpoint remote{loopback(), server.port()};
  const Outgoing gone({remote, ip(GetParam() == Family::v4 ? "192.0.2.1" : "2001:db8::1"), 0}, {1});
  const Outgoing kept({remote, {}, 0}, {2});
  const std::array runs{gone.run, kept.run, gone.run};
  const SendReport report = client.send_batch(runs);
  EXPECT_EQ(report.sent, 1U);
  EXPECT_EQ(report.dropped, 2U);
  ASSERT_EQ(report.failures.size(), 2U);
  EXPECT_EQ(report.failures[0].run, 0U);
  // Kernels differ about IPv4: EINVAL or ENETUNREACH.
  EXPECT_THAT(report.failures[0].problem,
              AnyOf(SendProblem::address_gone, SendProblem::unreachable));
  EXPECT_EQ(report.failures[1].run, 2U);
  Slots slots(4);
  EXPECT_EQ(slots.receive(server).size(), 1U);
}

TEST(UdpSocket, BothFamiliesShareOnePort) {
  const UdpSocket v4 = open_or_die(Family::v4);
  const UdpSocket v6 = open_or_die(Family::v6, {.port = v4.port()});
  EXPECT_EQ(v4.port(), v6.port());
}

TEST(UdpSocket, AnswersFromTheAddressThatWasAsked) {
  UdpSocket server = open_or_die(Family::v4);
  UdpSocket client = open_or_die(Family::v4);
  Slots slots(4);
  for (const char* address : {"127.0.0.2", "127.7.7.7", "127.0.0.1"}) {
    send_one(client, {{ip(address), server.port()}, ip("127.0.0.1"), 0}, {1});
    const auto question = slots.receive(server);
    ASSERT_EQ(question.size(), 1U);
    EXPECT_EQ(question[0].path.local, ip(address));
    send_one(server, question[0].path, {2});
    const auto answer = slots.receive(client);
    ASSERT_EQ(answer.size(), 1U);
    EXPECT_EQ(answer[0].path.remote, (Endpoint{ip(address), server.port()}));
  }
}

TEST(UdpSocket, RefusesTheOtherFamilyAndIgnoresEmptyRuns) {
  UdpSocket socket = open_or_die(Family::v4);
  const Outgoing wrong({{ip("::1"), 9}, {}, 0}, Bytes(25, 0), 10);
  const Outgoing none({{ip("127.0.0.1"), 9}, {}, 0}, {});
  const Outgoing nowhere({}, {1});
  const std::array runs{wrong.run, none.run, nowhere.run};
  const SendReport report = socket.send_batch(runs);
  EXPECT_EQ(report.sent, 0U);
  EXPECT_EQ(report.dropped, 4U);
  ASSERT_EQ(report.failures.size(), 2U);
  EXPECT_EQ(report.failures[0].problem, SendProblem::other);
}

TEST(UdpSocket, RemembersABoundedNumberOfFailures) {
  UdpSocket socket = open_or_die(Family::v4);
  const Outgoing wrong({{ip("::1"), 9}, {}, 0}, {1});
  const std::vector<DatagramRun> runs(3 * UdpSocket::kMaxFailures, wrong.run);
  const SendReport report = socket.send_batch(runs);
  EXPECT_EQ(report.dropped, runs.size());
  EXPECT_EQ(report.failures.size(), UdpSocket::kMaxFailures);
}

TEST(UdpSocket, WorksUnmarkedWithoutTheRight) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to give it up";
  EXPECT_TRUE(open_or_die(Family::v4, {.mark = 3731}).marked());
  EXPECT_FALSE(open_or_die(Family::v4).marked());
  ASSERT_EQ(seteuid(65534), 0);
  const bool marked = open_or_die(Family::v4, {.mark = 3731}).marked();
  ASSERT_EQ(seteuid(0), 0);
  EXPECT_FALSE(marked);
}

TEST(UdpSocket, TellsAForbiddenPort) {
  const test::ScratchNamespace lab;  // where no sysctl has lowered the first free port
  if (!lab.ok()) GTEST_SKIP() << "needs root (a network namespace of its own)";
  ASSERT_EQ(seteuid(65534), 0);
  UdpOpenError why{};
  const bool opened = UdpSocket::open(Family::v4, {.port = 80}, &why).ok();
  ASSERT_EQ(seteuid(0), 0);
  EXPECT_FALSE(opened);
  EXPECT_EQ(why, UdpOpenError::forbidden);
}

TEST(UdpSocket, LeaksNoDescriptors) {
  const std::size_t before = open_descriptors();
  {
    UdpSocket a = open_or_die(Family::v4);
    UdpSocket b = std::move(a);
    a = open_or_die(Family::v6);
    EXPECT_FALSE(UdpSocket::open(Family::v4, {.port = b.port()}));
    EXPECT_EQ(open_descriptors(), before + 2);
  }
  EXPECT_EQ(open_descriptors(), before);
}

// ---- with interfaces of its own ----

class OnALink : public ::testing::Test {
 protected:
  // left: l0 10.1.0.1/24 fe80::1 ── veth, MTU 1500 ── r0 10.1.0.2/24 fe80::2 :right (we are here)
  void SetUp() override {
    left_.emplace();
    right_.emplace();
    if (!left_->ok() || !right_->ok()) GTEST_SKIP() << "needs root (network namespaces of its own)";
    const std::string left =
        "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(left_->fd());
    shell("ip link set lo up && ip link add r0 type veth peer name l0 netns " + left +
          " && ip link set r0 addrgenmode none && ip link set r0 up && ip addr add 10.1.0.2/24 dev"
          " r0 && ip addr add fe80::2/64 dev r0 nodad");
    left_->enter();
    shell(
        "ip link set l0 addrgenmode none && ip link set l0 up && ip addr add 10.1.0.1/24 dev l0"
        " && ip addr add fe80::1/64 dev l0 nodad");
    left_scope_ = if_nametoindex("l0");
    right_->enter();
    right_scope_ = if_nametoindex("r0");
  }
  void TearDown() override {
    right_.reset();
    left_.reset();
  }
  static void shell(const std::string& command) {
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }

  std::optional<test::ScratchNamespace> left_;
  std::optional<test::ScratchNamespace> right_;
  std::uint32_t left_scope_ = 0;
  std::uint32_t right_scope_ = 0;
};

TEST_F(OnALink, LinkLocalNeighboursTalkThroughTheirScope) {
  UdpSocket right = open_or_die(Family::v6);
  left_->enter();
  UdpSocket left = open_or_die(Family::v6);
  EXPECT_EQ(send_one(left, {{ip("fe80::2"), right.port()}, ip("fe80::1"), left_scope_}, {1}).sent,
            1U);
  Slots slots(4);
  const auto question = slots.receive(right);
  ASSERT_EQ(question.size(), 1U);
  EXPECT_EQ(question[0].path, (Path{{ip("fe80::1"), left.port()}, ip("fe80::2"), right_scope_}));
  EXPECT_EQ(send_one(right, question[0].path, {2}).sent, 1U);
  EXPECT_EQ(slots.receive(left).size(), 1U);
}

TEST_F(OnALink, SaysWhyADatagramDidNotLeave) {
  UdpSocket v4 = open_or_die(Family::v4);
  const Path neighbour{{ip("10.1.0.1"), 9}, {}, 0};
  const Outgoing large(neighbour, Bytes(1473));
  const Outgoing fits(neighbour, Bytes(1472));
  const Outgoing nowhere({{ip("192.0.2.1"), 9}, {}, 0}, {1});
  const Outgoing broadcast({{ip("10.1.0.255"), 9}, {}, 0}, {1});
  const Outgoing no_interface({{ip("10.1.0.1"), 9}, {}, 999}, {1});
  const std::array runs{large.run, nowhere.run, broadcast.run, no_interface.run, fits.run};
  const SendReport report = v4.send_batch(runs);
  EXPECT_EQ(report.sent, 1U);
  EXPECT_EQ(report.dropped, 4U);
  ASSERT_EQ(report.failures.size(), 4U);
  EXPECT_EQ(report.failures[0].problem, SendProblem::too_big);
  EXPECT_EQ(report.failures[1].problem, SendProblem::unreachable);
  EXPECT_EQ(report.failures[2].problem, SendProblem::forbidden);
  EXPECT_EQ(report.failures[3].problem, SendProblem::address_gone);
}

TEST_F(OnALink, SaysWhyAnIpv6DatagramDidNotLeave) {
  UdpSocket v6 = open_or_die(Family::v6);
  const Path neighbour{{ip("fe80::1"), 9}, {}, right_scope_};
  const Outgoing large(neighbour, Bytes(1453));
  const Outgoing fits(neighbour, Bytes(1452));
  const Outgoing nowhere({{ip("2001:db8::1"), 9}, {}, 0}, {1});
  const Outgoing no_interface({{ip("fe80::1"), 9}, {}, 999}, {1});
  const std::array runs{large.run, nowhere.run, no_interface.run, fits.run};
  const SendReport report = v6.send_batch(runs);
  EXPECT_EQ(report.sent, 1U) << "not cut into fragments";
  ASSERT_EQ(report.failures.size(), 3U);
  EXPECT_EQ(report.failures[0].problem, SendProblem::too_big);
  EXPECT_EQ(report.failures[1].problem, SendProblem::unreachable);
  EXPECT_EQ(report.failures[2].problem, SendProblem::address_gone);
}

TEST_F(OnALink, OneDatagramMayGoInFragmentsAndNoOtherDoes) {
  UdpSocket right = open_or_die(Family::v4);
  left_->enter();
  UdpSocket left = open_or_die(Family::v4);
  const Path neighbour{{ip("10.1.0.2"), right.port()}, {}, 0};
  const Bytes large(1473);
  EXPECT_EQ(left.send_in_fragments(neighbour, large), 0);
  EXPECT_EQ(left.send_now(neighbour, large), EMSGSIZE);
  Slots slots(4);
  const auto heard = slots.receive(right);
  ASSERT_EQ(heard.size(), 1U);
  EXPECT_EQ(heard[0].data.size(), large.size());
}

// The far end of a cable drops what is larger than its own MTU. What the route knows stands for
// what a router would have told.
TEST_F(OnALink, Ipv6FragmentsHaveTheSizeThatTheKernelKnows) {
  UdpSocket right = open_or_die(Family::v6);
  shell("ip -6 route add fe80::1 dev r0 mtu 1280");
  left_->enter();
  shell("ip link set l0 mtu 1280");
  UdpSocket left = open_or_die(Family::v6);
  const Path neighbour{{ip("fe80::1"), left.port()}, {}, right_scope_};
  const Bytes large(1400);
  EXPECT_EQ(right.send_in_fragments(neighbour, large), 0);
  EXPECT_EQ(right.send_now(neighbour, Bytes(1500)), EMSGSIZE);
  Slots slots(4);
  const auto heard = slots.receive(left);
  ASSERT_EQ(heard.size(), 1U);
  EXPECT_EQ(heard[0].data.size(), large.size());
}

TEST_F(OnALink, ARunThatIsTooBigIsReportedAndItsShortEndSent) {
  UdpSocket right = open_or_die(Family::v4);
  left_->enter();
  UdpSocket left = open_or_die(Family::v4);
  const Path neighbour{{ip("10.1.0.2"), right.port()}, {}, 0};
  const Outgoing large(neighbour, Bytes(3 * 1473 + 7), 1473);
  const Outgoing fits(neighbour, Bytes(2 * 1472), 1472);
  const std::array runs{large.run, fits.run};
  const SendReport report = left.send_batch(runs);
  EXPECT_EQ(report.sent, 3U);
  EXPECT_EQ(report.dropped, 3U);
  ASSERT_EQ(report.failures.size(), 1U);
  EXPECT_EQ(report.failures[0].run, 0U);
  EXPECT_EQ(report.failures[0].problem, SendProblem::too_big);
  EXPECT_TRUE(left.offloads().gso.active);
  Slots slots(4, 65536);
  const auto received = slots.receive(right);
  ASSERT_FALSE(received.empty());
  EXPECT_EQ(received[0].data.size(), 7U);
}

TEST_F(OnALink, DropsTheRestWhenTheSocketIsFull) {
  UdpSocket socket = open_or_die(Family::v4, {.buffer_bytes = 1});  // the kernel's minimum
  // A neighbour that does not answer ARP: its datagrams wait, and count against the buffer.
  const Outgoing stuck({{ip("10.1.0.77"), 9}, {}, 0}, Bytes(1400 * 100), 1400);
  const std::array runs{stuck.run, stuck.run};
  const SendReport report = socket.send_batch(runs);
  EXPECT_EQ(report.sent + report.dropped, 200U);
  EXPECT_GT(report.dropped, 100U);
  ASSERT_FALSE(report.failures.empty());
  EXPECT_EQ(report.failures[0].problem, SendProblem::would_block);
}

}  // namespace
}  // namespace meshnode::io
