// What really happens in the child's sandbox, tried in processes of their own.
#include <array>
#include <csignal>
#include <functional>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dht_child/sandbox.h"
#include "sandbox/system_call_filter.h"

namespace meshnode::dht_child {
namespace {

constexpr int kFine = 0;

#ifndef MESHNODE_SANITIZED  // such builds have no filter

constexpr int kNoSandbox = 99;

// The exit code, or 1000 and the signal that killed it.
int confined(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    const bool done = give_up_rights().ok() && confine().ok();
    ::_exit(done ? body() : kNoSandbox);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

TEST(DhtSandbox, KillsAtForbiddenCalls) {
  const std::pair<const char*, std::function<long()>> attempts[] = {
      {"socket", [] { return ::socket(AF_INET, SOCK_DGRAM, 0); }},
      {"exec", [] { return ::execl("/bin/true", "true", nullptr); }},
      {"fork", [] { return ::syscall(SYS_fork); }},
      {"a process by clone", [] { return ::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0); }},
      {"a namespace", [] { return ::syscall(SYS_unshare, CLONE_NEWUSER); }},
      {"ptrace", [] { return ::syscall(SYS_ptrace, 16, ::getppid(), 0, 0); }},
      {"connect", [] { return ::connect(3, nullptr, 0); }},
      {"kill", [] { return ::kill(::getppid(), 0); }},
      {"another's tgkill", [] { return ::syscall(SYS_tgkill, ::getppid(), ::getppid(), 0); }},
      {"executable memory", [] {
         return ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
                MAP_FAILED;
       }}};
  for (const auto& [what, attempt] : attempts)
    EXPECT_EQ(confined([&attempt = attempt] {
                attempt();
                return kFine;
              }),
              1000 + SIGSYS)
        << what;
}

TEST(DhtSandbox, LetsFilesNotBeOpened) {
  EXPECT_EQ(confined([] {
              const int fd = ::open("/proc/self/status", O_RDONLY);
              return fd < 0 && errno == EACCES ? kFine : 1;
            }),
            kFine);
}

TEST(DhtSandbox, LetsThreadsMemoryAndAbortWork) {
  EXPECT_EQ(confined([] {
              std::size_t sum = 0;
              std::thread([&sum] {
                for (int i = 0; i < 50; ++i) sum += std::vector<char>(1 << 20, 'x').size();
              }).join();
              return sum == std::size_t{50} << 20 ? kFine : 1;
            }),
            kFine);
  EXPECT_EQ(confined([]() -> int { std::abort(); }), 1000 + SIGABRT) << "not SIGSYS";
}

// What systemd's @system-service leaves out, for a program that holds no capability.
TEST(DhtSandbox, CanBeEnteredUnderAServiceManagersFilter) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_SECUREBITS, SECBIT_NOROOT);  // of use to root only
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    const std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
    ::syscall(SYS_capset, &header, none.data());
    const scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    for (const int call : {SCMP_SYS(capset), SCMP_SYS(seccomp), SCMP_SYS(setrlimit)})
      seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), call, 0);
    if (seccomp_load(filter) != 0 || ::dup2(ends[1], 3) != 3) ::_exit(9);
    ::closefrom(4);
    ::execl(MESHNODE_DHT_PROGRAM, "meshnode-dht", nullptr);
    ::_exit(9);
  }
  ::close(ends[1]);
  // Of another version: it answers with its own, and ends.
  const std::array<std::uint8_t, 4> open{2, 0, 1, 255};
  EXPECT_EQ(::send(ends[0], open.data(), open.size(), MSG_NOSIGNAL), 4);
  std::array<std::uint8_t, 8> answer{};
  EXPECT_EQ(::recv(ends[0], answer.data(), answer.size(), 0), 2) << "it got as far as its host";
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
}

#endif

TEST(DhtRights, AreGivenUp) {
  const pid_t child = ::fork();
  if (child == 0) {
    rlimit core{};
    rlimit files{};
    const bool gone = give_up_rights().ok() && ::getrlimit(RLIMIT_CORE, &core) == 0 &&
                      ::getrlimit(RLIMIT_NOFILE, &files) == 0 && core.rlim_max == 0 &&
                      files.rlim_max <= kMostDescriptors &&
                      ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 &&
                      ::prctl(PR_GET_DUMPABLE) == 0 && ::getsid(0) == ::getpid();
    ::_exit(gone ? kFine : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace meshnode::dht_child
