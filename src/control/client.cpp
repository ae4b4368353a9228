#include "control/client.h"

#include <cerrno>
#include <chrono>
#include <optional>
#include <utility>

#include <poll.h>
#include <sys/socket.h>

#include "control/unix_socket.h"

namespace meshnode::control {
namespace {

using io::UniqueFd;
using Deadline = std::chrono::steady_clock::time_point;

Error refused(const std::string& path, int error) {
  switch (error) {
    case EACCES:
    case EPERM:
      return Error::world(path +
                          " needs root or membership in group meshnode: run sudo meshctl, or sudo "
                          "usermod -aG meshnode $USER and log in again");
    case ENOENT:
      return Error::world("no meshnode runs here: there is no socket " + path);
    case ECONNREFUSED:
      return Error::world("meshnode is not running any more: nobody answers on " + path);
    case EAGAIN:
      return Error::world("meshnode is too busy to answer on " + path + ": try again");
    default:
      return Error::world("cannot connect to " + path + ": " + error_text(error));
  }
}

Error silent(const std::string& path) {
  return Error::world("meshnode does not answer on " + path + " (is it stopped or overloaded?)");
}

Error gone(const std::string& path) {
  return Error::world("meshnode went away before it had answered on " + path);
}

// False when the deadline passed; without one it waits as long as it takes.
bool wait_for(const UniqueFd& socket, short events, std::optional<Deadline> deadline) {
  for (;;) {
    int left_ms = -1;
    if (deadline) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(
          *deadline - std::chrono::steady_clock::now());
      if (left.count() <= 0) return false;
      left_ms = static_cast<int>(left.count());
    }
    pollfd waiting{socket.get(), events, 0};
    const int ready = ::poll(&waiting, 1, left_ms);
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

// A request is far smaller than a fresh socket's buffer: it goes in one piece, or the socket is
// broken (the daemon refused us and its answer waits to be read).
void send_request(const UniqueFd& socket, const std::string& line) {
  static_cast<void>(::send(socket.get(), line.data(), line.size(), MSG_NOSIGNAL));
}

// A line, without its end; what came behind it stays in `read`.
Result<std::string> read_line(const UniqueFd& socket, const std::string& path, std::string& read,
                              std::optional<Deadline> deadline) {
  char chunk[16384];
  for (std::size_t looked = 0;;) {
    const auto newline = read.find('\n', looked);
    if (newline != read.npos) {
      std::string line = read.substr(0, newline);
      read.erase(0, newline + 1);
      return line;
    }
    looked = read.size();
    if (read.size() > kMaxAnswer) return Error::world("the answer on " + path + " never ends");
    if (!wait_for(socket, POLLIN, deadline)) return silent(path);
    const ssize_t got = ::recv(socket.get(), chunk, sizeof chunk, 0);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) return gone(path);
    read.append(chunk, static_cast<std::size_t>(got));
  }
}

struct Connection {
  UniqueFd socket;
  std::string read;
};

// Asks, and hands out the answer; what may follow is in the connection.
Result<std::string> ask_on(Connection& connection, const std::string& path, const Request& request,
                           milliseconds patience) {
  const Deadline deadline = std::chrono::steady_clock::now() + patience;
  if (!unix_address(path)) return Error::usage("a socket path has 1 to 107 bytes: " + path);
  connection.socket = stream_socket();
  if (const int error = connect_to(connection.socket, path); error != 0)
    return refused(path, error);
  send_request(connection.socket, request_line(request));
  auto line = read_line(connection.socket, path, connection.read, deadline);
  if (!line) return line.error();
  auto answer = parse_answer(*line);
  // What a daemon says that does not know the method, since its first version.
  const std::string_view methods = "the methods are ";
  if (!answer && answer.error().message.compare(0, methods.size(), methods) == 0)
    return Error::world("this meshnode is older than meshctl and cannot do " +
                        std::string(name(request.method)) + ": restart it");
  return answer;
}

}  // namespace

Result<std::string> ask(const std::string& socket_path, const Request& request,
                        milliseconds patience) {
  Connection connection;
  return ask_on(connection, socket_path, request, patience);
}

Result<EventStream> EventStream::open(const std::string& socket_path) {
  Connection connection;
  const auto answer = ask_on(connection, socket_path, Method::watch, kClientPatience);
  if (!answer) return answer.error();
  return EventStream(std::move(connection.socket), socket_path, std::move(connection.read));
}

Result<std::string> EventStream::next() {
  auto line = read_line(socket_, path_, read_, std::nullopt);
  if (line) return line;
  return Error::world("meshnode ended the stream on " + path_ +
                      ": it stopped, or its events were taken too slowly");
}

}  // namespace meshnode::control
