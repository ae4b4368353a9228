// The few system calls that server and client share.
#pragma once

#include <optional>
#include <string>

#include <sys/un.h>

#include "io/unique_fd.h"

namespace meshnode::control {

// Nothing for a path that is empty or too long for the kernel (107 bytes).
std::optional<sockaddr_un> unix_address(const std::string& path);
// "No such file or directory" for an errno.
std::string error_text(int error);

// A non-blocking stream socket; -1 inside if the process has no descriptor left.
io::UniqueFd stream_socket();
// 0, or the errno of connect(). A non-blocking connect to a Unix socket never waits.
int connect_to(const io::UniqueFd& socket, const std::string& path);

}  // namespace meshnode::control
