#include "node/atomic_file.h"

#include <cerrno>
#include <cstdio>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/unique_fd.h"
#include "io/write_all.h"

namespace meshnode::node {
namespace {

using io::UniqueFd;
using io::write_all;

constexpr int kMostKept = 1000;

Error failed(const std::string& what, const std::string& path) {
  return Error::world("cannot " + what + " " + path + ": " +
                      std::generic_category().message(errno));
}

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == path.npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Some file systems cannot sync a folder (EINVAL): there a rename is as durable as it gets.
bool sync_folder(const std::string& path) {
  const UniqueFd folder(::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return folder && (::fsync(folder.get()) == 0 || errno == EINVAL);
}

// What a crash left under the name goes first: the new file is ours from its first byte.
bool write_durably(const std::string& path, std::string_view content) {
  ::unlink(path.c_str());
  const UniqueFd file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  return file && write_all(file.get(), content) && ::fsync(file.get()) == 0;
}

// Appends up to `limit` bytes; false with errno.
bool read_up_to(int fd, std::size_t limit, std::string& out) {
  char chunk[4096];
  while (out.size() < limit) {
    const ssize_t got = ::read(fd, chunk, std::min(sizeof chunk, limit - out.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) break;
    out.append(chunk, static_cast<std::size_t>(got));
  }
  return true;
}

// link() fails where the name is taken: nothing is ever overwritten, and there is no race.
Result<std::string> link_aside(const std::string& path, std::string_view tag) {
  for (int number = 1; number <= kMostKept; ++number) {
    const std::string kept = path + "." + std::string(tag) + "-" + std::to_string(number);
    if (::link(path.c_str(), kept.c_str()) == 0) return kept;
    if (errno != EEXIST) return failed("keep a copy of", path);
  }
  return Error::world("there are " + std::to_string(kMostKept) + " kept copies of " + path +
                      " already: look at them and remove some");
}

}  // namespace

Status write_file(const std::string& path, std::string_view content) {
  const std::string fresh = path + ".new";
  if (!write_durably(fresh, content) || ::rename(fresh.c_str(), path.c_str()) != 0) {
    const auto error = failed("write", path);
    ::unlink(fresh.c_str());
    return error;
  }
  if (!sync_folder(path)) return failed("write", path);
  return success();
}

Result<std::optional<std::string>> read_file(const std::string& path, std::size_t limit) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file && errno == ENOENT) return std::optional<std::string>();
  struct stat about {};
  if (!file || ::fstat(file.get(), &about) != 0) return failed("read", path);
  if (!S_ISREG(about.st_mode)) return Error::world(path + " is no ordinary file");
  std::string content;
  if (!read_up_to(file.get(), limit + 1, content)) return failed("read", path);
  if (content.size() > limit)
    return Error::world(path + " is larger than " + std::to_string(limit) + " bytes");
  return std::optional<std::string>(std::move(content));
}

Result<std::string> keep_copy_aside(const std::string& path, std::string_view tag) {
  auto kept = link_aside(path, tag);
  if (kept && !sync_folder(path)) return failed("keep a copy of", path);
  return kept;
}

Result<std::string> keep_aside(const std::string& path, std::string_view tag) {
  auto kept = link_aside(path, tag);
  if (!kept) return kept;
  if (::unlink(path.c_str()) != 0 || !sync_folder(path)) return failed("move aside", path);
  return kept;
}

}  // namespace meshnode::node
