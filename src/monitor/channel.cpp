#include "monitor/channel.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/socket.h>

namespace meshnode::monitor {
namespace {

union ControlRoom {
  cmsghdr header;
  char bytes[CMSG_SPACE(sizeof(int))];
};

void attach(msghdr& header, ControlRoom& room, int fd) {
  header.msg_control = room.bytes;
  header.msg_controllen = sizeof room.bytes;
  cmsghdr* part = CMSG_FIRSTHDR(&header);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(sizeof fd);
  std::memcpy(CMSG_DATA(part), &fd, sizeof fd);
}

// Room for one is room for two, as the kernel aligns it: all that came are taken, or they would
// stay open. More than one is none.
io::UniqueFd descriptor_in(msghdr& header) {
  std::vector<io::UniqueFd> all;
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    for (std::size_t at = CMSG_LEN(0); at + sizeof(int) <= part->cmsg_len; at += sizeof(int)) {
      int fd = -1;
      std::memcpy(&fd, reinterpret_cast<const char*>(part) + at, sizeof fd);
      all.emplace_back(fd);
    }
  }
  return all.size() == 1 ? std::move(all.front()) : io::UniqueFd();
}

bool wait_for(int fd, short what) {
  pollfd each{fd, what, 0};
  return poll(&each, 1, -1) >= 0 || errno == EINTR;
}

}  // namespace

Result<std::pair<Channel, Channel>> Channel::pair() {
  std::array<int, 2> ends{-1, -1};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0)
    return Error::world("cannot make a socketpair: " + std::generic_category().message(errno));
  return std::pair{Channel(io::UniqueFd(ends[0])), Channel(io::UniqueFd(ends[1]))};
}

bool Channel::offer(const Message& message, int fd) const {
  Bytes bytes = encode(message);
  iovec piece{bytes.data(), bytes.size()};
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  ControlRoom room{};
  if (fd >= 0) attach(header, room, fd);
  ssize_t size = 0;
  do size = sendmsg(fd_.get(), &header, MSG_NOSIGNAL);
  while (size < 0 && errno == EINTR);
  return size >= 0;
}

bool Channel::send(const Message& message, int fd) const {
  while (!offer(message, fd))
    if (errno != EAGAIN || !wait_for(fd_.get(), POLLOUT)) return false;
  return true;
}

Channel::Received Channel::receive(int flags) const {
  std::array<std::uint8_t, kMaxMessage + 1> memory;  // one more: a longer message is seen as such
  iovec piece{memory.data(), memory.size()};
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  ControlRoom room{};
  header.msg_control = room.bytes;
  header.msg_controllen = sizeof room.bytes;
  ssize_t size = 0;
  do size = recvmsg(fd_.get(), &header, flags | MSG_CMSG_CLOEXEC);
  while (size < 0 && errno == EINTR);
  if (size < 0) return {.message = {}, .closed = errno != EAGAIN, .empty = errno == EAGAIN};
  io::UniqueFd fd = descriptor_in(header);
  if (size == 0) return {.message = {}, .closed = true};
  Received out{.message = decode({memory.data(), static_cast<std::size_t>(size)})};
  if (out.message) out.message->fd = std::move(fd);
  return out;
}

Channel::Received Channel::receive() const {
  return receive(MSG_DONTWAIT);
}

std::optional<Message> Channel::wait() const {
  for (;;) {
    Received got = receive();
    if (got.closed) return std::nullopt;
    if (got.message) return std::move(got.message);
    if (got.empty && !wait_for(fd_.get(), POLLIN)) return std::nullopt;
  }
}

}  // namespace meshnode::monitor
