// UdpSocket and what the kernel does for it, rung by rung, on the loopback interface: whichever
// rung is reached, the same datagrams arrive.
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>

#include "io/udp_socket.h"
#include "support/in_child.h"
#include "support/older_kernel.h"

namespace meshnode::io {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

UdpSocket open_or_die(Family family, UdpOptions options = {}) {
  auto socket = UdpSocket::open(family, options);
  if (!socket) ADD_FAILURE() << socket.error().message;
  return std::move(socket).value();
}

struct Datagram {
  Bytes bytes;
  std::uint8_t tos = 0;
  bool operator==(const Datagram&) const = default;
};

// What arrives at a socket, run by run and datagram by datagram.
class Receiver {
 public:
  explicit Receiver(UdpSocket& socket) : socket_(socket), memory_(32 * UdpSocket::kLargestRun) {
    slots_.resize(32);
    for (std::size_t i = 0; i < slots_.size(); ++i)
      slots_[i].buffer =
          MutableBytes(memory_).subspan(i * UdpSocket::kLargestRun, UdpSocket::kLargestRun);
  }
  // Until `count` datagrams are there, or nothing comes for two seconds.
  const std::vector<Datagram>& wait(std::size_t count) {
    pollfd readable{socket_.fd(), POLLIN, 0};
    while (datagrams.size() < count && poll(&readable, 1, 2000) == 1) take();
    return datagrams;
  }

  std::vector<Datagram> datagrams;
  std::vector<std::size_t> runs;  // datagrams in each

 private:
  void take() {
    const std::size_t received = socket_.recv_batch(slots_);
    for (std::size_t i = 0; i < received; ++i) {
      const DatagramRun& run = slots_[i].run;
      const std::size_t before = datagrams.size();
      for (std::size_t at = 0; at < run.data.size(); at += run.segment_size)
        datagrams.push_back(
            {to_bytes(run.data.subspan(at, std::min(run.segment_size, run.data.size() - at))),
             run.tos});
      runs.push_back(datagrams.size() - before);
    }
  }

  UdpSocket& socket_;
  Bytes memory_;
  std::vector<RecvSlot> slots_;
};

// A run with its memory: bytes that count up, cut every `segment` of them.
struct Outgoing {
  Outgoing(const Path& path, std::size_t size, std::size_t segment, std::uint8_t tos = 0)
      : data(size) {
    std::iota(data.begin(), data.end(), std::uint8_t{0});
    run = {path, data, segment, tos};
  }
  std::vector<Datagram> datagrams() const {
    std::vector<Datagram> out;
    for (std::size_t at = 0; at < data.size(); at += run.segment_size)
      out.push_back(
          {to_bytes(ByteView(data).subspan(at, std::min(run.segment_size, data.size() - at))),
           run.tos});
    return out;
  }
  Bytes data;
  DatagramRun run;
};

SendReport send(UdpSocket& socket, const Outgoing& out) {
  return socket.send_batch(std::span(&out.run, 1));
}

class UdpOffloads : public ::testing::TestWithParam<Family> {
 protected:
  Path to(const UdpSocket& socket) const {
    return {
        {*IpAddress::parse(GetParam() == Family::v4 ? "127.0.0.1" : "::1"), socket.port()}, {}, 0};
  }
  UdpSocket open(UdpOptions options = {}) const { return open_or_die(GetParam(), options); }
  // Makes the kernel refuse runs, but not datagrams, as it does where it cannot cut them.
  static void forbid_checksums(const UdpSocket& socket) {
    const int on = 1;
    const bool v4 = socket.family() == Family::v4;
    ASSERT_EQ(setsockopt(socket.fd(), v4 ? SOL_SOCKET : IPPROTO_UDP,
                         v4 ? SO_NO_CHECK : UDP_NO_CHECK6_TX, &on, sizeof on),
              0);
  }
  static void accept_no_checksums(const UdpSocket& socket) {
    const int on = 1;
    if (socket.family() == Family::v4) return;
    ASSERT_EQ(setsockopt(socket.fd(), IPPROTO_UDP, UDP_NO_CHECK6_RX, &on, sizeof on), 0);
  }
};
INSTANTIATE_TEST_SUITE_P(Family, UdpOffloads, ::testing::Values(Family::v4, Family::v6),
                         [](const auto& family) {
                           return std::string(family.param == Family::v4 ? "v4" : "v6");
                         });

TEST_P(UdpOffloads, ARunTravelsAsOneMessage) {
  UdpSocket server = open();
  UdpSocket client = open();
  ASSERT_TRUE(client.offloads().gso.active) << client.offloads().gso.why_not;
  ASSERT_TRUE(server.offloads().gro.active) << server.offloads().gro.why_not;
  const Outgoing out(to(server), 4 * 1000 + 17, 1000);
  EXPECT_EQ(send(client, out).sent, 5U);
  Receiver receiver(server);
  EXPECT_EQ(receiver.wait(5), out.datagrams());
  EXPECT_THAT(receiver.runs, ElementsAre(5U));
}

TEST_P(UdpOffloads, AReceiverWithoutGroGetsDatagrams) {
  UdpSocket server = open({.gro = false});
  UdpSocket client = open();
  EXPECT_FALSE(server.offloads().gro.active);
  EXPECT_EQ(server.offloads().gro.why_not, kSwitchedOff);
  const Outgoing out(to(server), 4 * 1000 + 17, 1000);
  EXPECT_EQ(send(client, out).sent, 5U);
  Receiver receiver(server);
  EXPECT_EQ(receiver.wait(5), out.datagrams());
  EXPECT_THAT(receiver.runs, Each(1U));
}

TEST_P(UdpOffloads, ASenderWithoutGsoCutsRunsItself) {
  UdpSocket server = open();
  UdpSocket client = open({.gso = false});
  EXPECT_EQ(client.offloads().gso.why_not, kSwitchedOff);
  const Outgoing out(to(server), 4 * 1000 + 17, 1000);
  EXPECT_EQ(send(client, out).sent, 5U);
  Receiver receiver(server);
  EXPECT_EQ(receiver.wait(5), out.datagrams());
}

TEST_P(UdpOffloads, LongRunsAreSeveralMessages) {
  UdpSocket server = open();
  UdpSocket client = open();
  Receiver receiver(server);
  const Outgoing many(to(server), 150 * 10 + 3, 10);
  EXPECT_EQ(send(client, many).sent, 151U);
  EXPECT_EQ(receiver.wait(151), many.datagrams());
  EXPECT_THAT(receiver.runs, ElementsAre(64U, 64U, 23U));

  receiver.datagrams.clear();
  const Outgoing large(to(server), 47 * 1452, 1452);  // 68,244 bytes
  EXPECT_EQ(send(client, large).sent, 47U);
  EXPECT_EQ(receiver.wait(47), large.datagrams());
  EXPECT_TRUE(client.offloads().gso.active);
}

TEST_P(UdpOffloads, TosTravelsWithTheRun) {
  UdpSocket server = open();
  UdpSocket client = open();
  constexpr std::uint8_t kMarked = 0xb8 | 0x02;  // EF, ECT(0)
  const Outgoing first(to(server), 30, 10, kMarked);
  const Outgoing second(to(server), 30, 10);
  const Outgoing third(to(server), 7, 7, 0x03);
  const std::array runs{first.run, second.run, third.run};
  EXPECT_EQ(client.send_batch(runs).sent, 7U);
  auto expected = first.datagrams();
  for (const Outgoing* other : {&second, &third})
    for (const Datagram& datagram : other->datagrams()) expected.push_back(datagram);
  Receiver receiver(server);
  EXPECT_EQ(receiver.wait(7), expected);
}

TEST_P(UdpOffloads, TosTravelsWithDatagramsThatAreCutHere) {
  UdpSocket server = open();
  UdpSocket client = open();
  accept_no_checksums(server);
  forbid_checksums(client);
  const Outgoing out(to(server), 25, 10, 0x2a);
  EXPECT_EQ(send(client, out).sent, 3U);
  Receiver receiver(server);
  EXPECT_EQ(receiver.wait(3), out.datagrams());
}

TEST_P(UdpOffloads, ARefusedRunIsSentAgainAsDatagramsAndNotTriedAgain) {
  UdpSocket server = open();
  UdpSocket client = open();
  accept_no_checksums(server);
  forbid_checksums(client);
  const Outgoing out(to(server), 4 * 1000 + 17, 1000);
  const Outgoing single(to(server), 5, 5);
  const std::array runs{single.run, out.run, single.run, out.run};
  const SendReport report = client.send_batch(runs);
  EXPECT_EQ(report.sent, 12U);
  EXPECT_EQ(report.dropped, 0U);
  EXPECT_TRUE(report.failures.empty());
  EXPECT_FALSE(client.offloads().gso.active);
  EXPECT_THAT(client.offloads().gso.why_not, HasSubstr("refused a run"));
  std::vector<Datagram> expected;
  for (int i = 0; i < 2; ++i) {
    expected.push_back(single.datagrams().front());
    for (const Datagram& datagram : out.datagrams()) expected.push_back(datagram);
  }
  Receiver receiver(server);
  EXPECT_EQ(receiver.wait(12), expected);
  EXPECT_EQ(send(client, out).sent, 5U);
  receiver.datagrams.clear();
  EXPECT_EQ(receiver.wait(5), out.datagrams());
}

TEST_P(UdpOffloads, AForeignSourceAddressIsNotTakenForAMissingOffload) {
  UdpSocket server = open();
  UdpSocket client = open();
  Path path = to(server);
  path.local = *IpAddress::parse(GetParam() == Family::v4 ? "192.0.2.1" : "2001:db8::1");
  const Outgoing gone(path, 30, 10);
  const Outgoing kept(to(server), 30, 10);
  const std::array runs{gone.run, kept.run};
  const SendReport report = client.send_batch(runs);
  EXPECT_EQ(report.sent, 3U);
  EXPECT_EQ(report.dropped, 3U);
  EXPECT_EQ(report.failures.size(), 1U);
  EXPECT_TRUE(client.offloads().gso.active);
  Receiver receiver(server);
  EXPECT_EQ(receiver.wait(3), kept.datagrams());
}

TEST_P(UdpOffloads, ARunLargerThanItsSlotIsDroppedWholeAndCounted) {
  UdpSocket server = open();
  UdpSocket client = open();
  const Outgoing out(to(server), 5000, 1000);
  EXPECT_EQ(send(client, out).sent, 5U);
  pollfd readable{server.fd(), POLLIN, 0};
  ASSERT_EQ(poll(&readable, 1, 2000), 1);
  Bytes memory(4999);
  RecvSlot slot;
  slot.buffer = memory;
  EXPECT_EQ(server.recv_batch(std::span(&slot, 1)), 0U);
  EXPECT_EQ(server.truncated(), 1U);
}

TEST_P(UdpOffloads, WorksWhereTheKernelHasNone) {
  const auto test = [&](const char* missing) {
    return test::in_child([&] {
      ASSERT_TRUE(test::take_away(missing));
      UdpSocket server = open();
      UdpSocket client = open();
      const Outgoing first(to(server), 70 * 100 + 9, 100);
      const Outgoing second(to(server), 1, 1);
      const std::array runs{first.run, second.run};
      EXPECT_EQ(client.send_batch(runs).sent, 72U);
      auto expected = first.datagrams();
      expected.push_back(second.datagrams().front());
      Receiver receiver(server);
      EXPECT_EQ(receiver.wait(72), expected);
      const std::string name = missing;
      EXPECT_EQ(client.offloads().gso.active, name != "udp-segment");
      EXPECT_EQ(server.offloads().gro.active, name != "udp-gro");
      EXPECT_EQ(client.offloads().batches.active, name != "batches");
      EXPECT_EQ(server.offloads().batches.active, name != "batches");
    });
  };
  for (const char* missing : {"udp-segment", "udp-gro", "batches"}) EXPECT_TRUE(test(missing));
}

}  // namespace
}  // namespace meshnode::io
