#include "metrics/responder.h"

#include <cerrno>
#include <map>
#include <optional>
#include <utility>

#include <sys/epoll.h>
#include <sys/socket.h>

#include "io/socket_address.h"
#include "io/socket_options.h"
#include "io/unique_fd.h"
#include "metrics/http_request.h"

namespace meshnode::metrics {
namespace {

using io::UniqueFd;

constexpr int kBacklog = 64;

struct Client {
  UniqueFd socket;
  std::uint64_t number = 0;  // in the order of coming
  TimePoint since{};
  std::string in{};
  std::string out{};
  std::size_t sent = 0;
  bool answered = false;  // all is sent; what still comes is read and forgotten
};

class EpollResponder final : public Responder {
 public:
  EpollResponder(Doors doors, UniqueFd listener, UniqueFd epoll, bool names)
      : doors_(std::move(doors)),
        listener_(std::move(listener)),
        epoll_(std::move(epoll)),
        names_(names) {
    want(listener_.get(), EPOLLIN, EPOLL_CTL_ADD);
    doors_.watch(epoll_.get(), [this] { turn(); });
  }
  EpollResponder(const EpollResponder&) = delete;
  EpollResponder& operator=(const EpollResponder&) = delete;
  ~EpollResponder() override { doors_.unwatch(epoll_.get()); }

  void tick() override {
    const TimePoint now = doors_.now();
    if (std::exchange(no_descriptor_, false)) want(listener_.get(), EPOLLIN, EPOLL_CTL_MOD);
    std::erase_if(clients_, [now](const auto& c) { return now - c.second.since >= kPatience; });
    if (now - made_ >= kFresh) text_.clear();
  }

  std::size_t clients() const override { return clients_.size(); }
  std::uint16_t port() const override { return io::bound_port(listener_.get()); }

 private:
  void want(int fd, std::uint32_t events, int operation) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    ::epoll_ctl(epoll_.get(), operation, fd, &event);
  }

  // What is ready now, boundedly; the loop calls again for the rest.
  void turn() {
    epoll_event ready[kMaxClients + 1];
    const int count = ::epoll_wait(epoll_.get(), ready, static_cast<int>(std::size(ready)), 0);
    bool someone = false;
    for (int i = 0; i < count; ++i) {
      if (ready[i].data.fd == listener_.get()) {
        someone = true;
      } else if (const auto found = clients_.find(ready[i].data.fd); found != clients_.end()) {
        if (!serve(found->second)) clients_.erase(found);
      }
    }
    // Last: a new connection may get the number of a descriptor that was told of above.
    if (someone) accept_one();
  }

  void accept_one() {
    UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket) return rest_without_descriptors(errno);
    if (clients_.size() == kMaxClients) drop_oldest();
    const int fd = socket.get();
    want(fd, EPOLLIN, EPOLL_CTL_ADD);
    clients_.insert_or_assign(fd, Client{std::move(socket), next_number_++, doors_.now()});
  }

  void drop_oldest() {
    auto oldest = clients_.begin();
    for (auto at = clients_.begin(); at != clients_.end(); ++at)
      if (at->second.number < oldest->second.number) oldest = at;
    clients_.erase(oldest);
  }

  // With no descriptor left, the connection stays ready for ever: try again at the next tick.
  void rest_without_descriptors(int error) {
    if (error != EMFILE && error != ENFILE && error != ENOBUFS && error != ENOMEM) return;
    no_descriptor_ = true;
    want(listener_.get(), 0, EPOLL_CTL_MOD);
  }

  // One step. False when the client is done with, one way or the other.
  bool serve(Client& client) {
    if (!client.out.empty()) return flush(client);
    char chunk[2048];
    const ssize_t got = ::recv(client.socket.get(), chunk, sizeof chunk, 0);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (got == 0) return false;
    if (client.answered) return true;
    client.in.append(chunk, static_cast<std::size_t>(got));
    const auto verdict = judge(client.in, names_);
    if (!verdict) return true;
    client.out = answer(*verdict, verdict->status == 200 ? text() : std::string());
    return flush(client);
  }

  bool flush(Client& client) {
    const std::string_view rest = std::string_view(client.out).substr(client.sent);
    const ssize_t sent = ::send(client.socket.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
    if (sent > 0) client.sent += static_cast<std::size_t>(sent);
    if (client.sent < client.out.size()) {
      want(client.socket.get(), EPOLLOUT, EPOLL_CTL_MOD);
      return true;
    }
    // A close with something unread would be a reset, which can overtake the answer: its end is
    // told, and the client's awaited (RFC 9112 §9.6).
    std::string().swap(client.out);
    std::string().swap(client.in);
    client.answered = true;
    ::shutdown(client.socket.get(), SHUT_WR);
    want(client.socket.get(), EPOLLIN, EPOLL_CTL_MOD);
    return true;
  }

  const std::string& text() {
    const TimePoint now = doors_.now();
    if (text_.empty() || now - made_ >= kFresh) {
      text_ = doors_.text();
      made_ = now;
    }
    return text_;
  }

  Doors doors_;
  UniqueFd listener_;
  UniqueFd epoll_;
  bool names_;
  bool no_descriptor_ = false;
  std::string text_;
  TimePoint made_{};
  std::uint64_t next_number_ = 0;
  std::map<int, Client> clients_;
};

Error failure(const Endpoint& where, int error) {
  const std::string name = "TCP " + where.to_string();
  if (error == EADDRINUSE)
    return Error::usage(name + " is in use by another program: choose another metrics.listen");
  if (error == EADDRNOTAVAIL)
    return Error::usage(where.ip.to_string() + " is no address of this machine (metrics.listen)");
  return Error::world("cannot tell metrics on " + name + ": " + io::system_text(error));
}

}  // namespace

Result<std::unique_ptr<Responder>> Responder::open(const Endpoint& where, Doors doors) {
  const int family = where.ip.is_v4() ? AF_INET : AF_INET6;
  UniqueFd listener(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!listener) return failure(where, errno);
  io::set_option(listener.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (where.ip.is_v6()) io::set_option(listener.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
  io::SocketAddress address{};
  const socklen_t size = io::to_socket_address(where, 0, address);
  if (::bind(listener.get(), &address.any, size) != 0) return failure(where, errno);
  if (::listen(listener.get(), kBacklog) != 0) return failure(where, errno);
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return failure(where, errno);
  return std::unique_ptr<Responder>(std::make_unique<EpollResponder>(
      std::move(doors), std::move(listener), std::move(epoll), !where.ip.is_loopback()));
}

}  // namespace meshnode::metrics
