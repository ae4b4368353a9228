#include "node/config_text.h"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/unique_fd.h"

namespace meshnode::node {
namespace {

Error failed(int error) {
  return Error::usage("cannot be read: " + std::generic_category().message(error));
}

Error too_long(std::size_t limit) {
  return Error::usage("is longer than " + std::to_string(limit) + " bytes");
}

// -1 with errno, 0 at the end.
ssize_t read_some(int fd, char* to, std::size_t size) {
  ssize_t got = 0;
  do got = ::read(fd, to, size);
  while (got < 0 && errno == EINTR);
  return got;
}

}  // namespace

Result<ReadText> read_text(const std::string& path, std::size_t limit) {
  const io::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  struct stat about {};
  if (!file || ::fstat(file.get(), &about) != 0) return failed(errno);
  ReadText out;
  out.others_can_read = S_ISREG(about.st_mode) && (about.st_mode & 077) != 0;
  char chunk[4096];
  for (;;) {
    const ssize_t got = read_some(file.get(), chunk, sizeof chunk);
    if (got < 0) return failed(errno);
    if (got == 0) return out;
    out.text.append(chunk, static_cast<std::size_t>(got));
    if (out.text.size() > limit) return too_long(limit);
  }
}

Result<std::string> read_one_line(int fd, std::size_t limit) {
  std::string line;
  for (;;) {
    char next = 0;
    const ssize_t got = read_some(fd, &next, 1);
    if (got < 0) return failed(errno);
    if (got == 0 || next == '\n') return line;
    line += next;
    if (line.size() > limit) return too_long(limit);
  }
}

}  // namespace meshnode::node
