#include "hub/known_nodes.h"

#include <array>
#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "io/socket_options.h"
#include "io/unique_fd.h"

namespace meshnode::hub {
namespace {

constexpr std::string_view kHeader = "meshhub 1";
constexpr std::size_t kMaxFile = 8192;

std::string file_in(const std::string& directory) {
  return directory + "/hub";
}

Error failed(const std::string& what, const std::string& path) {
  return Error::world("cannot " + what + " " + path + ": " + io::system_text(errno));
}

// Takes a line off the front; nothing if there is no whole one.
std::optional<std::string_view> line_of(std::string_view& text) {
  const auto end = text.find('\n');
  if (end == text.npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

bool write_new(const std::string& path, std::string_view content) {
  ::unlink(path.c_str());
  const io::UniqueFd file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return false;
  while (!content.empty()) {
    const ssize_t written = ::write(file.get(), content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return ::fsync(file.get()) == 0;
}

}  // namespace

std::string to_text(const Memory& memory) {
  std::string out = std::string(kHeader) + "\nid " + to_hex(memory.id) + "\n";
  for (const Endpoint& node : memory.nodes) out += "node " + node.to_string() + "\n";
  return out;
}

std::optional<Memory> parse_memory(std::string_view text) {
  if (line_of(text) != kHeader) return std::nullopt;
  const auto id_line = line_of(text);
  if (!id_line || !id_line->starts_with("id ")) return std::nullopt;
  const auto id = from_hex(id_line->substr(3));
  Memory out;
  if (!id || id->size() != out.id.size() || all_zero(*id)) return std::nullopt;
  std::copy(id->begin(), id->end(), out.id.begin());
  while (!text.empty()) {
    const auto line = line_of(text);
    if (!line || !line->starts_with("node ") || out.nodes.size() == Memory::kMaxNodes)
      return std::nullopt;
    const auto node = Endpoint::parse(line->substr(5));
    if (!node || node->port == 0) return std::nullopt;
    out.nodes.push_back(*node);
  }
  return out;
}

Result<std::optional<Memory>> load_memory(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    return failed("make the directory", directory);
  const std::string path = file_in(directory);
  const io::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file && errno == ENOENT) return std::optional<Memory>();
  struct stat about {};
  if (!file || ::fstat(file.get(), &about) != 0) return failed("read", path);
  if (!S_ISREG(about.st_mode)) return Error::world(path + " is no ordinary file");
  std::array<char, kMaxFile> buffer;
  std::size_t size = 0;
  while (size < buffer.size()) {
    const ssize_t got = ::read(file.get(), buffer.data() + size, buffer.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("read", path);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  auto memory = parse_memory({buffer.data(), size});
  if (!memory)
    return Error::world(path + " is damaged: remove it, the hub needs nothing of it to work");
  return memory;
}

Status store_memory(const std::string& directory, const Memory& memory) {
  const std::string path = file_in(directory);
  const std::string fresh = path + ".new";
  if (!write_new(fresh, to_text(memory)) || ::rename(fresh.c_str(), path.c_str()) != 0) {
    const Error error = failed("write", path);
    ::unlink(fresh.c_str());
    return error;
  }
  const io::UniqueFd folder(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // Some file systems cannot sync a folder (EINVAL): there a rename is as durable as it gets.
  if (!folder || (::fsync(folder.get()) != 0 && errno != EINVAL)) return failed("write", path);
  return success();
}

}  // namespace meshnode::hub
