#include "io/child_program.h"

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <filesystem>

#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/log.h"

namespace meshnode::io {
namespace {

constexpr int kItsLink = 3;

// The wrapper came with glibc 2.36, which has it for C only.
int open_pidfd(pid_t pid) {
  return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

// Not P_PIDFD: its name is missing from older headers, and a child that we have not waited for
// keeps its number.
siginfo_t wait_for(pid_t pid, int options) {
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | options) != 0 && errno == EINTR) {
  }
  return info;
}

}  // namespace

Result<std::string> find_program(const std::string& name, const std::string& folder) {
  std::error_code ignored;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", ignored);
  const auto beside = self.parent_path();
  const auto away = (beside / folder).lexically_normal();
  for (const auto& place : {beside, away}) {
    const auto path = place / name;
    if (::access(path.c_str(), X_OK) == 0) return path.string();
  }
  return Error::world("the program " + name + " is neither in " + beside.string() + " nor in " +
                      away.string() + ": the installation is not complete");
}

std::string how_it_ended(int code, int status) {
  if (code == CLD_EXITED) return "exit code " + std::to_string(status);
  const char* name = ::sigabbrev_np(status);
  return "killed by " + (name ? std::string("SIG") + name : "signal " + std::to_string(status));
}

ChildProgram::~ChildProgram() {
  if (pid_ == 0) return;
  doors_.unwatch(pidfd_.get());
  ::kill(pid_, SIGKILL);
  wait_for(pid_, 0);
}

void ChildProgram::want(TimePoint now) {
  wanted_ = true;
  if (pid_ != 0) ::kill(pid_, SIGKILL);
  not_before_ = std::max(not_before_, now);
}

std::optional<TimePoint> ChildProgram::next_deadline() const {
  return wanted_ && pid_ == 0 ? std::optional(not_before_) : std::nullopt;
}

void ChildProgram::timeout(TimePoint now) {
  if (wanted_ && pid_ == 0 && now >= not_before_) start(now);
}

void ChildProgram::start(TimePoint now) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    log(LogModule::dht, LogLevel::warn,
        {plain(what_), " cannot be started: ", plain(std::strerror(errno))});
    return pause(now);
  }
  UniqueFd ours(ends[0]);
  const UniqueFd its(ends[1]);
  if (const auto spawned = spawn(its); !spawned) {
    log(LogModule::dht, LogLevel::warn, {plain(spawned.error().message)});
    return pause(now);
  }
  wanted_ = false;
  started_at_ = now;
  doors_.watch(pidfd_.get(), [this] { ended(); });
  doors_.started(std::move(ours));
}

Status ChildProgram::spawn(const UniqueFd& its_end) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_adddup2(&actions, its_end.get(), kItsLink);
  ::posix_spawn_file_actions_addclosefrom_np(&actions, kItsLink + 1);
  sigset_t none;
  sigset_t all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::string name = std::filesystem::path(path_).filename();
  std::array<char*, 2> arguments{name.data(), nullptr};
  std::array<char*, 1> environment{nullptr};
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, path_.c_str(), &actions, &attributes, arguments.data(),
                                  environment.data());
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return Error::world("cannot start " + path_ + ": " + std::strerror(error));
  pidfd_ = UniqueFd(open_pidfd(pid));
  if (!pidfd_) {
    const int why = errno;
    ::kill(pid, SIGKILL);
    wait_for(pid, 0);
    return Error::world("cannot watch " + path_ + ": " + std::strerror(why));
  }
  pid_ = pid;
  return success();
}

void ChildProgram::ended() {
  const siginfo_t info = wait_for(pid_, WNOHANG);
  if (info.si_pid != 0) over(info.si_code, info.si_status);
}

bool ChildProgram::reaped(pid_t pid, int wait_status) {
  if (pid_ == 0 || pid != pid_) return false;
  if (WIFEXITED(wait_status))
    over(CLD_EXITED, WEXITSTATUS(wait_status));
  else
    over(CLD_KILLED, WTERMSIG(wait_status));
  return true;
}

void ChildProgram::over(int code, int status) {
  doors_.unwatch(pidfd_.get());
  pidfd_.reset();
  const pid_t pid = std::exchange(pid_, 0);
  if (code == CLD_EXITED && status == 0) {
    not_before_ = std::max(not_before_, started_at_ + kFirstPause);
    return;
  }
  const TimePoint now = read_clocks().mono;
  if (now - started_at_ >= kLastPause) pause_ = kFirstPause;
  const Duration in = pause_;
  pause(now);
  log(LogModule::dht, LogLevel::warn,
      {plain(what_), " ended (process ", pid, ", ", plain(how_it_ended(code, status)),
       "): starts again in ", in / seconds(1), " s"});
}

void ChildProgram::pause(TimePoint now) {
  not_before_ = now + pause_;
  pause_ = std::min(pause_ * 2, kLastPause);
}

}  // namespace meshnode::io
