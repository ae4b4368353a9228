#include "io/stream_server.h"

#include <array>
#include <cerrno>

#include <sys/epoll.h>
#include <sys/socket.h>

namespace meshnode::io {
namespace {

constexpr int kAtOnce = 32;

std::uint32_t events_for(Await what) {
  switch (what) {
    case Await::input:
      return EPOLLIN;
    case Await::room:
      return EPOLLOUT;
    case Await::end:
      break;
  }
  return 0;
}

}  // namespace

std::optional<std::size_t> StreamClient::send_some() {
  const std::string_view rest = std::string_view(out).substr(sent);
  const ssize_t taken = ::send(socket.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
  if (taken < 0 && errno != EAGAIN && errno != EINTR) return std::nullopt;
  const std::size_t count = taken < 0 ? 0 : static_cast<std::size_t>(taken);
  sent += count;
  return count;
}

std::optional<std::string_view> StreamClient::receive(std::span<char> memory) const {
  const ssize_t got = ::recv(socket.get(), memory.data(), memory.size(), 0);
  if (got > 0) return std::string_view(memory.data(), static_cast<std::size_t>(got));
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return std::string_view();
  return std::nullopt;
}

UniqueFd StreamSet::make() {
  return UniqueFd(::epoll_create1(EPOLL_CLOEXEC));
}

StreamSet::StreamSet(UniqueFd listener, UniqueFd set, LoopDoor loop, Calls calls)
    : listener_(std::move(listener)),
      set_(std::move(set)),
      loop_(std::move(loop)),
      calls_(std::move(calls)) {
  want(listener_.get(), EPOLLIN, EPOLL_CTL_ADD);
  loop_.watch(set_.get(), [this] { turn(); });
}

StreamSet::~StreamSet() {
  loop_.unwatch(set_.get());
}

void StreamSet::await(const StreamClient& client, Await what) {
  want(client.socket.get(), events_for(what), EPOLL_CTL_MOD);
}

void StreamSet::add(const StreamClient& client) {
  want(client.socket.get(), EPOLLIN, EPOLL_CTL_ADD);
}

void StreamSet::listen_again() {
  if (std::exchange(resting_, false)) want(listener_.get(), EPOLLIN, EPOLL_CTL_MOD);
}

void StreamSet::want(int fd, std::uint32_t events, int operation) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  ::epoll_ctl(set_.get(), operation, fd, &event);
}

void StreamSet::turn() {
  std::array<epoll_event, kAtOnce> events;
  const int count = ::epoll_wait(set_.get(), events.data(), kAtOnce, 0);
  bool someone = false;
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.fd == listener_.get())
      someone = true;
    else
      calls_.ready(event.data.fd, (event.events & (EPOLLHUP | EPOLLERR)) != 0);
  }
  // Last: a new connection may get the number of a descriptor that was told of above.
  if (someone) accept_one();
}

void StreamSet::accept_one() {
  UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!socket) return rest_without_descriptors(errno);
  calls_.came(std::move(socket));
}

// With no descriptor left, the connection stays ready for ever.
void StreamSet::rest_without_descriptors(int error) {
  if (error != EMFILE && error != ENFILE && error != ENOBUFS && error != ENOMEM) return;
  resting_ = true;
  want(listener_.get(), 0, EPOLL_CTL_MOD);
}

}  // namespace meshnode::io
