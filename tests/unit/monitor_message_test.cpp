#include <array>
#include <cstring>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "monitor/channel.h"
#include "tests/support/seeded_random.h"

namespace meshnode::monitor {
namespace {

TEST(MonitorMessage, IsThreeBytesAndAText) {
  EXPECT_EQ(encode({.kind = Kind::ready, .text = "up"}), (Bytes{1, 2, 0, 'u', 'p'}));
  EXPECT_EQ(encode({.kind = Kind::keep, .slot = Slot::udp_v6}), (Bytes{1, 5, 3}));
  const auto read = decode(Bytes{1, 67, 0, 'n', 'o'});
  ASSERT_TRUE(read);
  EXPECT_EQ(read->kind, Kind::refused);
  EXPECT_EQ(read->text, "no");
}

TEST(MonitorMessage, ALongTextIsCutAndALongerMessageIsNone) {
  const Bytes cut = encode({.kind = Kind::ready, .text = std::string(kMaxText + 1, 'x')});
  EXPECT_EQ(cut.size(), kMaxMessage);
  EXPECT_TRUE(decode(cut));
  Bytes longer = cut;
  longer.push_back('x');
  EXPECT_FALSE(decode(longer));
}

TEST(MonitorMessage, WhatIsNoMessageIsNothing) {
  for (const Bytes& bytes : {Bytes{}, Bytes{1, 2}, Bytes{2, 2, 0}, Bytes{1, 0, 0}, Bytes{1, 14, 0},
                             Bytes{1, 2, 1}, Bytes{1, 5, 0}, Bytes{1, 5, 5}})
    EXPECT_FALSE(decode(bytes));
}

TEST(MonitorMessage, AnyBytesAreReadOrNot) {
  test::SeededRandom random(7);
  std::size_t read = 0;
  for (int i = 0; i < 100'000; ++i) {
    Bytes bytes(random.below(8));
    random.fill(bytes);
    if (bytes.size() > 2 && random.below(2) == 0) bytes[0] = kVersion;
    const auto message = decode(bytes);
    if (!message) continue;
    ++read;
    ASSERT_EQ(encode(*message), bytes);
  }
  EXPECT_GT(read, 0U);
}

TEST(MonitorChannel, CarriesADescriptorAndTellsTheEnd) {
  auto ends = Channel::pair();
  ASSERT_TRUE(ends);
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const io::UniqueFd reading(pipe_ends[0]);
  EXPECT_TRUE(ends->first.receive().empty);
  ASSERT_TRUE(ends->second.send({.kind = Kind::keep, .slot = Slot::interface}, pipe_ends[1]));
  close(pipe_ends[1]);
  const auto got = ends->first.wait();
  ASSERT_TRUE(got && got->fd);
  ASSERT_EQ(write(got->fd.get(), "x", 1), 1);
  char byte = 0;
  EXPECT_EQ(read(reading.get(), &byte, 1), 1);
  EXPECT_EQ(byte, 'x');
  ends->second = Channel();
  EXPECT_FALSE(ends->first.wait());
  EXPECT_TRUE(ends->first.receive().closed);
  EXPECT_FALSE(ends->first.send({.kind = Kind::go}));
}

// As an attacker in the worker would.
void send_two(int channel, int fd) {
  Bytes bytes = encode({.kind = Kind::keep, .slot = Slot::interface});
  iovec piece{bytes.data(), bytes.size()};
  const std::array<int, 2> fds{fd, fd};
  union {
    cmsghdr header;
    char bytes[CMSG_SPACE(sizeof fds)];
  } room{};
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  header.msg_control = room.bytes;
  header.msg_controllen = sizeof room.bytes;
  room.header.cmsg_level = SOL_SOCKET;
  room.header.cmsg_type = SCM_RIGHTS;
  room.header.cmsg_len = CMSG_LEN(sizeof fds);
  std::memcpy(CMSG_DATA(&room.header), fds.data(), sizeof fds);
  ASSERT_GT(sendmsg(channel, &header, 0), 0);
}

TEST(MonitorChannel, KeepsNoneOfTwoDescriptors) {
  auto ends = Channel::pair();
  ASSERT_TRUE(ends);
  int pipe_ends[2];
  ASSERT_EQ(pipe2(pipe_ends, O_NONBLOCK), 0);
  const io::UniqueFd reading(pipe_ends[0]);
  send_two(ends->second.fd(), pipe_ends[1]);
  close(pipe_ends[1]);
  const auto got = ends->first.receive();
  ASSERT_TRUE(got.message);
  EXPECT_FALSE(got.message->fd);
  char byte = 0;
  EXPECT_EQ(read(reading.get(), &byte, 1), 0) << "somebody still holds the other end";
}

}  // namespace
}  // namespace meshnode::monitor
