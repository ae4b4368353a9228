// All of some bytes to a descriptor that may take less at a time (write(2)).
#pragma once

#include <cerrno>
#include <string_view>

#include <unistd.h>

namespace meshnode::io {

// Blocking descriptors. False: errno says why, and some of it may have been written.
inline bool write_all(int fd, std::string_view rest) {
  while (!rest.empty()) {
    const ssize_t written = ::write(fd, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace meshnode::io
