#include "dht_child/serve.h"

#include <cerrno>
#include <cstdio>
#include <ctime>
#include <memory>

#include <sys/socket.h>

#include "dht_child/engine.h"

namespace meshnode::dht_child {
namespace {

TimePoint clock_now() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return TimePoint(seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

// From any thread: a packet is sent as a whole. Waits while the host is busy. When the host is
// gone, the reader hears of it.
void tell(int link, const dht::FromChild& message) {
  const Bytes packet = dht::encode(message);
  while (::send(link, packet.data(), packet.size(), MSG_NOSIGNAL) < 0 && errno == EINTR) {
  }
}

int complain(const char* what) {
  std::fprintf(stderr, "meshnode-dht: %s\n", what);
  return 1;
}

class Session {
 public:
  explicit Session(int link) : link_(link) {}

  // Something to complain about, or nothing.
  const char* take(ByteView packet) {
    while (!packet.empty()) {
      const auto message = dht::take_from_packet(packet);
      const auto parsed = message ? dht::parse_to_child(*message) : std::nullopt;
      if (!parsed) return "its host says what it does not understand";
      if (const char* wrong = take(*parsed)) return wrong;
    }
    return nullptr;
  }

 private:
  const char* take(const dht::ToChild& message) {
    const auto* open = std::get_if<dht::Open>(&message);
    if (!open && !engine_) return "its host does not begin with the beginning";
    if (!open) {
      engine_->take(message);
      return nullptr;
    }
    if (engine_) return "its host begins twice";
    tell(link_, dht::Opened{});
    if (open->version != dht::kLinkVersion)
      return "its host is of another version: they are not of one installation";
    auto opened = Engine::open(
        *open, {[link = link_](const dht::FromChild& said) { tell(link, said); }, clock_now});
    if (!opened) return "OpenDHT does not start";
    engine_ = std::move(opened).value();
    return nullptr;
  }

  const int link_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace

int serve(int link) {
  Session session(link);
  Bytes buffer(dht::kMaxPacket);
  for (;;) {
    const ssize_t got = ::recv(link, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return 0;
    if (const char* wrong = session.take(ByteView(buffer).first(static_cast<std::size_t>(got))))
      return complain(wrong);
  }
}

}  // namespace meshnode::dht_child
