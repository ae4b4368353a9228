#include "node/state_dir.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "node/atomic_file.h"

namespace meshnode::node {
namespace {

constexpr std::size_t kMaxFile = 64 * 1024;
constexpr std::size_t kMaxMembersFile = std::size_t{16} << 20;

std::string error_text() {
  return std::generic_category().message(errno);
}

// ---- folder and lock

// The mode, whatever the umask.
Status make_folder(const std::string& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) == 0) {
    ::chmod(path.c_str(), mode);
    return success();
  }
  if (errno == EEXIST) return success();
  const bool wrong_path = errno == ENOENT || errno == ENOTDIR;
  const auto message = "cannot make the folder " + path + ": " + error_text();
  return wrong_path ? Error::usage(message) : Error::world(message);
}

Status make_folders(const std::string& path) {
  const auto slash = path.find_last_of('/', path.size() - 2);
  if (slash != path.npos && slash != 0)
    // Others may pass, to folders of their own.
    if (auto made = make_folder(path.substr(0, slash), 0711); !made) return made;
  if (auto made = make_folder(path, 0700); !made) return made;
  struct stat about {};
  if (::stat(path.c_str(), &about) == 0 && !S_ISDIR(about.st_mode))
    return Error::usage(path + " is no folder: choose another one with --state-dir");
  return success();
}

std::optional<pid_t> pid_in(int lock) {
  char text[32] = {};
  if (::pread(lock, text, sizeof text - 1, 0) <= 0) return std::nullopt;
  const pid_t pid = std::atoi(text);
  return pid > 0 ? std::optional(pid) : std::nullopt;
}

// A process that nobody has waited for yet has ended, too.
bool has_ended(pid_t pid) {
  const io::UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process) return errno == ESRCH;
  pollfd end{process.get(), POLLIN, 0};
  return ::poll(&end, 1, 0) == 1;
}

// Who is named in the lock is a monitor; its worker, which holds it, ends a little later. After a
// SIGKILL the next start may come before that.
bool lock_it(int lock) {
  constexpr int kMostTries = 200;
  for (int tries = 0; tries < kMostTries; ++tries) {
    if (::flock(lock, LOCK_EX | LOCK_NB) == 0) return true;
    if (errno != EWOULDBLOCK) return false;
    const auto holder = pid_in(lock);
    if (!holder || !has_ended(*holder)) break;
    ::poll(nullptr, 0, 10);
  }
  errno = EWOULDBLOCK;
  return false;
}

Status write_pid(int lock, pid_t pid) {
  const std::string text = std::to_string(pid) + "\n";
  const bool written = ::ftruncate(lock, 0) == 0 && ::pwrite(lock, text.data(), text.size(), 0) ==
                                                        static_cast<ssize_t>(text.size());
  return written ? success() : Error::world("cannot write the lock file: " + error_text());
}

// ---- reading

Error from_newer(const std::string& path, std::uint64_t version) {
  return Error::world(path + " was written by a newer meshnode (version " +
                      std::to_string(version) +
                      "): use that one, or another folder with --state-dir");
}

// Nothing where there is no file.
template <typename T>
Result<std::optional<Decoded<T>>> load(const std::string& path,
                                       Decoded<T> (*decode)(std::string_view),
                                       std::size_t limit = kMaxFile) {
  using Loaded = std::optional<Decoded<T>>;
  const auto text = read_file(path, limit);
  if (!text) return text.error();
  if (!*text) return Loaded();
  Decoded<T> out = decode(**text);
  if (out.condition == Condition::newer) return from_newer(path, out.version);
  return Loaded(std::move(out));
}

}  // namespace

crypto::Hash seed_check(const overlay::NetworkSecret& secret, std::string_view seed_text) {
  return crypto::hmac_sha256(secret.secret.view(),
                             {as_bytes("meshnode seed check"), as_bytes(seed_text)});
}

Result<std::unique_ptr<StateDir>> lock_state_dir(const std::string& path, pid_t pid) {
  if (path.empty()) return Error::usage("the state folder needs a path");
  if (auto made = make_folders(path); !made) return made.error();
  const std::string lock_path = path + "/lock";
  io::UniqueFd lock(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock) return Error::world("cannot open " + lock_path + ": " + error_text());
  if (!lock_it(lock.get())) {
    if (errno != EWOULDBLOCK) return Error::world("cannot lock " + lock_path + ": " + error_text());
    const auto holder = pid_in(lock.get());
    const std::string who = holder ? "pid " + std::to_string(*holder) : "of unknown pid";
    return Error::world("a meshnode (" + who + ") already runs with " + path +
                        ": stop it, or run a second network beside it with another --interface");
  }
  if (auto written = write_pid(lock.get(), pid); !written) return written.error();
  return std::unique_ptr<StateDir>(new StateDir(path, std::move(lock)));
}

StateDir::StateDir(std::string path, io::UniqueFd lock)
    : path_(std::move(path)), lock_(std::move(lock)) {}

bool StateDir::is_ours(std::string_view name) {
  constexpr std::array<std::string_view, 5> kNames{"lock", "identity", "network", "state",
                                                   "members"};
  const auto first = name.substr(0, name.find('.'));
  return std::find(kNames.begin(), kNames.end(), first) != kNames.end();
}

Status StateDir::set_aside(const char* name, const std::string& consequence) {
  const auto kept = keep_aside(file(name));
  if (!kept) return kept.error();
  notices_.push_back(file(name) + " was damaged and is kept as " + *kept + ": " + consequence);
  return success();
}

Result<crypto::Ed25519Seed> StateDir::identity(Random& random) {
  const auto loaded = load(file("identity"), &decode_identity);
  if (!loaded) return loaded.error();
  if (*loaded && (*loaded)->condition == Condition::good) return (*loaded)->value;
  if (*loaded) {
    const auto moved = set_aside(
        "identity",
        "this node starts with a NEW identity, and so with another address; the others will see it "
        "as another node (if you have a backup of the file, stop, put it back and start again)");
    if (!moved) return moved.error();
  }
  const crypto::Ed25519Seed fresh = random.secret<32>();
  if (auto written = write_file(file("identity"), encode_identity(fresh)); !written)
    return written.error();
  return fresh;
}

Result<NetworkFile> StateDir::load_network() {
  const auto loaded = load(network_path(), &decode_network);
  if (!loaded) return loaded.error();
  NetworkFile out;
  network_damaged_ = *loaded && (*loaded)->condition == Condition::damaged;
  if (network_damaged_) out.condition = NetworkFile::Condition::damaged;
  if (!*loaded || network_damaged_) return out;
  network_ = (*loaded)->value;
  return NetworkFile{NetworkFile::Condition::good, (*loaded)->value};
}

Status StateDir::store_network(const StoredNetwork& network) {
  if (std::exchange(network_damaged_, false))
    if (auto moved = set_aside("network", "the given key takes its place"); !moved) return moved;
  if (auto written = write_file(network_path(), encode_network(network)); !written) return written;
  network_ = network;
  return success();
}

Result<std::string> StateDir::replace_network(const StoredNetwork& network) {
  auto kept = keep_copy_aside(network_path(), "replaced");
  if (!kept) return kept;
  if (auto stored = store_network(network); !stored) return stored.error();
  return kept;
}

Status StateDir::note_second_member() {
  MESH_ASSERT(network_);
  if (network_->had_second_member) return success();
  StoredNetwork met = *network_;
  met.had_second_member = true;
  return store_network(met);
}

Status StateDir::load_counters() {
  if (counters_) return success();
  const auto loaded = load(file("state"), &decode_counters);
  if (!loaded) return loaded.error();
  counters_ = StoredCounters{};
  if (!*loaded) return success();
  if ((*loaded)->condition == Condition::damaged)
    return set_aside("state", "the port and the handshake numbers are chosen anew");
  counters_ = (*loaded)->value;
  return success();
}

Status StateDir::store_counters(const StoredCounters& counters) {
  if (auto written = write_file(file("state"), encode_counters(counters)); !written) return written;
  counters_ = counters;
  return success();
}

Result<std::optional<std::uint16_t>> StateDir::port() {
  if (auto loaded = load_counters(); !loaded) return loaded.error();
  if (counters_->port == 0) return std::optional<std::uint16_t>();
  return std::optional<std::uint16_t>(counters_->port);
}

Status StateDir::store_port(std::uint16_t port) {
  if (auto loaded = load_counters(); !loaded) return loaded;
  if (counters_->port == port) return success();
  StoredCounters changed = *counters_;
  changed.port = port;
  return store_counters(changed);
}

Result<std::uint64_t> StateDir::reserve_numbers(UnixTime now, std::uint64_t count) {
  if (auto loaded = load_counters(); !loaded) return loaded.error();
  const auto clock = static_cast<std::uint64_t>(std::max<std::int64_t>(now.ms, 0));
  const std::uint64_t first = std::max(counters_->next_number, clock);
  StoredCounters changed = *counters_;
  changed.next_number = first + count;
  if (changed.next_number < first)
    return Error::world(file("state") + " has no handshake numbers left: remove it");
  if (auto stored = store_counters(changed); !stored) return stored.error();
  return first;
}

Result<std::vector<overlay::RememberedMember>> StateDir::load_members(
    const std::string& fingerprint) {
  using Members = std::vector<overlay::RememberedMember>;
  const auto loaded = load(file("members"), &decode_members, kMaxMembersFile);
  if (!loaded) return loaded.error();
  if (!*loaded) return Members();
  if ((*loaded)->condition == Condition::damaged) {
    const auto moved = set_aside("members", "the other members are looked for anew");
    if (!moved) return moved.error();
    return Members();
  }
  return (*loaded)->value.network == fingerprint ? (*loaded)->value.members : Members();
}

Status StateDir::store_members(const StoredMembers& members) {
  return write_file(file("members"), encode_members(members));
}

std::vector<std::string> StateDir::take_notices() {
  return std::exchange(notices_, {});
}

}  // namespace meshnode::node
