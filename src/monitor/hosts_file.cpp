#include "monitor/hosts_file.h"

#include <cerrno>
#include <cstdio>
#include <optional>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/unique_fd.h"
#include "io/write_all.h"

namespace meshnode::monitor {
namespace {

using io::UniqueFd;
using io::write_all;

constexpr int kTries = 5;  // against somebody who changes the file all the time

Error failed(const std::string& what, const std::string& path) {
  return Error::world("cannot " + what + " " + path + ": " +
                      std::generic_category().message(errno));
}

// Where a line that is `text`, or begins with it and ':', begins; npos if there is none.
std::size_t find_line(std::string_view file, const std::string& text, std::size_t from = 0) {
  for (std::size_t at = file.find(text, from); at != file.npos; at = file.find(text, at + 1)) {
    const std::size_t end = at + text.size();
    const bool begins = at == 0 || file[at - 1] == '\n';
    const bool ends = end == file.size() || file[end] == '\n' || file[end] == ':';
    if (begins && ends) return at;
  }
  return file.npos;
}

std::size_t end_of_line(std::string_view file, std::size_t at) {
  const auto end = file.find('\n', at);
  return end == file.npos ? file.size() : end + 1;
}

struct File {
  std::string content;
  mode_t mode = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};

Result<File> read(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat about {};
  if (!file || ::fstat(file.get(), &about) != 0) return failed("read", path);
  if (!S_ISREG(about.st_mode)) return Error::world(path + " is no ordinary file");
  File out{{}, about.st_mode & 07777U, about.st_uid, about.st_gid};
  char chunk[4096];
  for (;;) {
    const ssize_t got = ::read(file.get(), chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("read", path);
    if (got == 0) return out;
    out.content.append(chunk, static_cast<std::size_t>(got));
    if (out.content.size() > kMaxHostsFile)
      return Error::world(path + " is larger than " + std::to_string(kMaxHostsFile) + " bytes");
  }
}

bool write_fresh(const std::string& path, const File& like, std::string_view content) {
  ::unlink(path.c_str());
  const UniqueFd file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file || !write_all(file.get(), content)) return false;
  struct stat about {};
  if (::fstat(file.get(), &about) != 0) return false;
  if ((about.st_uid != like.uid || about.st_gid != like.gid) &&
      ::fchown(file.get(), like.uid, like.gid) != 0)
    return false;
  return ::fchmod(file.get(), like.mode) == 0 && ::fsync(file.get()) == 0;
}

enum class Replaced { yes, changed_meanwhile, failed };

// Both names are there all the time: what the other one holds afterwards is what was replaced.
Replaced replace(const std::string& path, const std::string& fresh, const File& base) {
  if (::renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, path.c_str(), RENAME_EXCHANGE) != 0) {
    if (errno != EINVAL && errno != ENOSYS) return Replaced::failed;
    // A file system that cannot exchange: a change within these few microseconds would be lost.
    const auto now = read(path);
    if (!now || now->content != base.content) return Replaced::changed_meanwhile;
    return ::rename(fresh.c_str(), path.c_str()) == 0 ? Replaced::yes : Replaced::failed;
  }
  const auto replaced = read(fresh);
  if (replaced && replaced->content == base.content) return Replaced::yes;
  // Somebody was faster: theirs comes back. (Who replaces ours before that is lost: decision 0028.)
  static_cast<void>(::renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, path.c_str(), RENAME_EXCHANGE) ==
                    0);
  return Replaced::changed_meanwhile;
}

}  // namespace

Result<std::string> with_block(std::string_view file, std::string_view interface,
                               std::string_view lines) {
  const std::string begin = "# BEGIN meshnode " + std::string(interface);
  const std::string end = "# END meshnode " + std::string(interface);
  std::string block;
  if (!lines.empty())
    block = begin + ": kept by meshnode, what is changed in here is lost\n" + std::string(lines) +
            end + "\n";
  const auto first = find_line(file, begin);
  const auto last = find_line(file, end);
  if (first == file.npos && last == file.npos) {
    // Behind a last line without an end it could not be taken out again without a trace.
    const bool in_front = !file.empty() && !file.ends_with('\n');
    return in_front ? block + std::string(file) : std::string(file) + block;
  }
  if (first == file.npos || last == file.npos || last < first ||
      find_line(file, begin, first + 1) != file.npos || find_line(file, end, last + 1) != file.npos)
    return Error::world("the lines \"" + begin + "\" and \"" + end +
                        "\" do not belong together any more: remove them by hand");
  return std::string(file.substr(0, first)) + block +
         std::string(file.substr(end_of_line(file, last)));
}

Status write_hosts(const std::string& path, std::string_view interface, std::string_view lines) {
  const std::string fresh = path + ".meshnode-" + std::string(interface);
  for (int tried = 0; tried < kTries; ++tried) {
    const auto base = read(path);
    if (!base) return base.error();
    const auto wanted = with_block(base->content, interface, lines);
    if (!wanted) return Error::world(path + ": " + wanted.error().message);
    if (*wanted == base->content) return success();
    if (!write_fresh(fresh, *base, *wanted)) {
      const Error error = failed("write", fresh);
      ::unlink(fresh.c_str());
      return error;
    }
    const Replaced done = replace(path, fresh, *base);
    const Error error = failed("replace", path);
    ::unlink(fresh.c_str());
    if (done == Replaced::yes) return success();
    if (done == Replaced::failed) return error;
  }
  return Error::world("somebody else changes " + path + " all the time");
}

}  // namespace meshnode::monitor
