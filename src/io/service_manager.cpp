#include "io/service_manager.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace meshnode::io {
namespace {

std::string take_variable(const char* name) {
  const char* value = std::getenv(name);
  std::string out = value == nullptr ? "" : value;
  unsetenv(name);
  return out;
}

std::optional<std::int64_t> number(const std::string& text) {
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

// A path, or an abstract name that begins with '@'.
UniqueFd connect_to(const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (name.empty() || name.size() >= sizeof address.sun_path) return {};
  if (name[0] != '/' && name[0] != '@') return {};
  std::memcpy(address.sun_path, name.data(), name.size());
  if (name[0] == '@') address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  UniqueFd out(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!out || connect(out.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) return {};
  return out;
}

// A line of its own would be another word, "MAINPID=1" say; and the text may come from a worker.
std::string one_line(std::string_view text) {
  std::string out(text);
  std::replace(out.begin(), out.end(), '\n', ' ');
  return out;
}

}  // namespace

ServiceManager::ServiceManager() : socket_(connect_to(take_variable("NOTIFY_SOCKET"))) {
  const auto allowed = number(take_variable("WATCHDOG_USEC"));
  const std::string whom = take_variable("WATCHDOG_PID");
  if (allowed && *allowed > 0 && (whom.empty() || number(whom) == getpid()))
    watchdog_ = std::chrono::microseconds(*allowed / 2);
}

void ServiceManager::ready(std::string_view status) {
  tell("READY=1\nSTATUS=" + one_line(status) + "\n");
}

void ServiceManager::stopping() {
  tell("STOPPING=1\n");
}

void ServiceManager::alive(TimePoint now) {
  // Those who call once a second must not be late by one.
  if (!watchdog_ || now + seconds(1) < next_) return;
  next_ = now + *watchdog_;
  tell("WATCHDOG=1\n");
}

void ServiceManager::tell(std::string_view lines) const {
  if (socket_) send(socket_.get(), lines.data(), lines.size(), MSG_NOSIGNAL);
}

}  // namespace meshnode::io
