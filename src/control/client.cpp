#include "control/client.h"

#include <cerrno>
#include <chrono>

#include <poll.h>
#include <sys/socket.h>

#include "control/unix_socket.h"

namespace meshnode::control {
namespace {

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

// False when the deadline passed.
bool wait_for(const Fd& socket, short events, Deadline deadline) {
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd waiting{socket.get(), events, 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(left.count()));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

// A request is far smaller than a fresh socket's buffer: it goes in one piece, or the socket is
// broken (the daemon refused us and its answer waits to be read).
void send_request(const Fd& socket, const std::string& line) {
  static_cast<void>(::send(socket.get(), line.data(), line.size(), MSG_NOSIGNAL));
}

Result<std::string> read_line(const Fd& socket, const std::string& path, Deadline deadline) {
  std::string line;
  char chunk[16384];
  while (wait_for(socket, POLLIN, deadline)) {
    const ssize_t got = ::recv(socket.get(), chunk, sizeof chunk, 0);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) return gone(path);
    line.append(chunk, static_cast<std::size_t>(got));
    const auto newline = line.find('\n');
    if (newline != line.npos) return line.substr(0, newline);
    if (line.size() > kMaxAnswer) return Error::world("the answer on " + path + " never ends");
  }
  return silent(path);
}

}  // namespace

Result<std::string> ask(const std::string& socket_path, Method method, milliseconds patience) {
  const Deadline deadline = std::chrono::steady_clock::now() + patience;
  if (!unix_address(socket_path))
    return Error::usage("a socket path has 1 to 107 bytes: " + socket_path);
  const Fd socket = stream_socket();
  if (const int error = connect_to(socket, socket_path); error != 0)
    return refused(socket_path, error);
  send_request(socket, request_line(method));
  auto line = read_line(socket, socket_path, deadline);
  if (!line) return line.error();
  return parse_answer(*line);
}

}  // namespace meshnode::control
