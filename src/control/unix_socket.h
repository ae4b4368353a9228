// The few system calls that server and client share.
#pragma once

#include <optional>
#include <string>

#include <sys/un.h>

namespace meshnode::control {

// Nothing for a path that is empty or too long for the kernel (107 bytes).
std::optional<sockaddr_un> unix_address(const std::string& path);
// "No such file or directory" for an errno.
std::string error_text(int error);

// A descriptor closed exactly once.
class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd();

  int get() const { return fd_; }  // -1: none
  int release();

 private:
  int fd_;
};

// A non-blocking stream socket; -1 inside if the process has no descriptor left.
Fd stream_socket();
// 0, or the errno of connect(). A non-blocking connect to a Unix socket never waits.
int connect_to(const Fd& socket, const std::string& path);

}  // namespace meshnode::control
