#include "monitor/start.h"

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <system_error>

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace meshnode::monitor {
namespace {

constexpr int kCannotStart = 127;
constexpr int kFirstOther = STDERR_FILENO + 1;

Error cannot_fork() {
  return Error::world("cannot start a process: " + std::generic_category().message(errno));
}

// In the child, where the process has one thread.
[[noreturn]] void become(const std::string& path, std::vector<std::string> arguments, int channel) {
  // Its number is the first after the standard streams; dup2 clears close-on-exec.
  if (channel == kFirstOther)
    fcntl(channel, F_SETFD, 0);
  else if (dup2(channel, kFirstOther) < 0)
    _exit(kCannotStart);
  closefrom(kFirstOther + 1);
  setenv(kChannelVariable, std::to_string(kFirstOther).c_str(), 1);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  execv(path.c_str(), argv.data());
  std::perror(path.c_str());
  _exit(kCannotStart);
}

}  // namespace

Result<Process> fork_worker(const std::function<int(Channel)>& work) {
  auto ends = Channel::pair();
  if (!ends) return ends.error();
  const pid_t parent = getpid();
  std::fflush(nullptr);
  const pid_t pid = fork();
  if (pid < 0) return cannot_fork();
  if (pid == 0) {
    ends->first = Channel();
    if (!die_with(parent)) _exit(1);
    const int code = work(std::move(ends->second));
    std::fflush(nullptr);
    std::exit(code);
  }
  return Process{pid, std::move(ends->first)};
}

Result<Process> exec_worker(const std::string& path, const std::vector<std::string>& arguments) {
  auto ends = Channel::pair();
  if (!ends) return ends.error();
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return cannot_fork();
  if (pid == 0) {
    if (!die_with(parent)) _exit(1);
    become(path, arguments, ends->second.fd());
  }
  return Process{pid, std::move(ends->first)};
}

std::string own_path() {
  char text[PATH_MAX];
  const ssize_t size = readlink("/proc/self/exe", text, sizeof text);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : "";
}

bool die_with(pid_t parent) {
  return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent;
}

}  // namespace meshnode::monitor
