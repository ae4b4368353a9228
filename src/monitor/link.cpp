#include "monitor/link.h"

#include <charconv>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/socket.h>

#include "monitor/start.h"

namespace meshnode::monitor {
namespace {

bool is_channel(int fd) {
  int type = 0;
  socklen_t size = sizeof type;
  return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

}  // namespace

std::optional<Link> Link::inherited() {
  const char* value = std::getenv(kChannelVariable);
  if (value == nullptr) return std::nullopt;
  int fd = -1;
  std::from_chars(value, value + std::strlen(value), fd);
  unsetenv(kChannelVariable);
  if (fd < 0 || !is_channel(fd)) return std::nullopt;
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  return Link(Channel(io::UniqueFd(fd)));
}

void Link::prepare_failed(const std::string& why) const {
  channel_.send({.kind = Kind::prepare_failed, .text = why});
}

std::optional<Kept> Link::wait_for_go() const {
  Kept out;
  while (auto message = channel_.wait()) {
    if (message->kind == Kind::go) return out;
    if (message->kind == Kind::kept) out.put(message->slot, std::move(message->fd));
  }
  return std::nullopt;
}

void Link::ready(const std::string& status) const {
  channel_.send({.kind = Kind::ready, .text = status});
}

void Link::happened(const HookFacts& facts) const {
  channel_.send({.kind = Kind::happened, .text = to_text(facts)});
}

void Link::names_at(std::uint16_t port) const {
  channel_.send({.kind = Kind::names_at, .text = port == 0 ? "" : std::to_string(port)});
}

void Link::hosts(const std::vector<std::string>& lines) const {
  std::string some;
  for (const std::string& line : lines) {
    if (some.size() + line.size() + 1 > kMaxText) {
      channel_.send({.kind = Kind::hosts, .text = some});
      some.clear();
    }
    some += line + "\n";
  }
  channel_.send({.kind = Kind::hosts, .text = some});
  channel_.send({.kind = Kind::hosts_end});
}

void Link::read(const Handlers& handlers) const {
  for (;;) {
    auto got = channel_.receive();
    if (got.closed) return handlers.gone();
    if (got.empty) return;
    if (!got.message) continue;
    if (got.message->kind == Kind::leave) return handlers.leave();
    if (got.message->kind == Kind::dht && got.message->fd) handlers.dht(std::move(got.message->fd));
    if (got.message->kind == Kind::refused) handlers.refused(got.message->text);
  }
}

}  // namespace meshnode::monitor
