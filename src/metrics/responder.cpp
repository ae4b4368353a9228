#include "metrics/responder.h"

#include <array>
#include <cerrno>
#include <utility>

#include <sys/socket.h>

#include "io/socket_address.h"
#include "io/socket_options.h"
#include "io/stream_server.h"
#include "metrics/http_request.h"

namespace meshnode::metrics {
namespace {

using io::UniqueFd;

constexpr int kBacklog = 64;

struct Client : io::StreamClient {
  bool answered = false;  // all is sent; what still comes is read and forgotten
};

class TcpResponder final : public Responder {
 public:
  TcpResponder(Doors doors, UniqueFd listener, UniqueFd set, bool names)
      : doors_(std::move(doors)),
        streams_(std::move(listener), std::move(set), doors_.loop,
                 {.most = kMaxClients,
                  .now = doors_.now,
                  .serve = [this](Client& client, bool) { return serve(client); },
                  .make_room = [this](const io::StreamClient&) { streams_.drop_oldest(); }}),
        names_(names) {}
  TcpResponder(const TcpResponder&) = delete;
  TcpResponder& operator=(const TcpResponder&) = delete;

  void tick() override {
    const TimePoint now = doors_.now();
    streams_.tick([now](const Client& client) { return now - client.since >= kPatience; });
    if (now - made_ >= kFresh) text_.clear();
  }

  std::size_t clients() const override { return streams_.size(); }
  std::uint16_t port() const override { return io::bound_port(streams_.listener()); }

 private:
  // One step. False when the client is done with, one way or the other.
  bool serve(Client& client) {
    if (!client.out.empty()) return flush(client);
    std::array<char, 2048> chunk;
    const auto got = client.receive(chunk);
    if (!got) return false;
    if (got->empty() || client.answered) return true;
    client.in.append(*got);
    const auto verdict = judge(client.in, names_);
    if (!verdict) return true;
    client.out = answer(*verdict, verdict->status == 200 ? text() : std::string());
    return flush(client);
  }

  bool flush(Client& client) {
    if (!client.send_some()) return false;
    if (client.sending()) {
      streams_.await(client, io::Await::room);
      return true;
    }
    // A close with something unread would be a reset, which can overtake the answer: its end is
    // told, and the client's awaited (RFC 9112 §9.6).
    std::string().swap(client.out);
    std::string().swap(client.in);
    client.answered = true;
    ::shutdown(client.socket.get(), SHUT_WR);
    streams_.await(client, io::Await::input);
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
  io::StreamServer<Client> streams_;
  bool names_;
  std::string text_;
  TimePoint made_{};
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
  UniqueFd set = io::StreamSet::make();
  if (!set) return failure(where, errno);
  return std::unique_ptr<Responder>(std::make_unique<TcpResponder>(
      std::move(doors), std::move(listener), std::move(set), !where.ip.is_loopback()));
}

}  // namespace meshnode::metrics
