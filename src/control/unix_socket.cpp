#include "control/unix_socket.h"

#include <cerrno>
#include <system_error>

#include <sys/socket.h>

namespace meshnode::control {

std::optional<sockaddr_un> unix_address(const std::string& path) {
  sockaddr_un address{};
  if (path.empty() || path.size() >= sizeof address.sun_path) return std::nullopt;
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, path.size());
  return address;
}

std::string error_text(int error) {
  return std::generic_category().message(error);
}

io::UniqueFd stream_socket() {
  return io::UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

int connect_to(const io::UniqueFd& socket, const std::string& path) {
  const auto address = unix_address(path);
  if (!address) return ENAMETOOLONG;
  const auto* raw = reinterpret_cast<const sockaddr*>(&*address);
  return ::connect(socket.get(), raw, sizeof *address) == 0 ? 0 : errno;
}

}  // namespace meshnode::control
