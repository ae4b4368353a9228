// What a process gives up, tried for real in processes of their own. The lists of calls:
// monitor_rights_test.cpp, dht_sandbox_test.cpp.
#include <array>
#include <cerrno>
#include <csignal>
#include <functional>

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/capabilities.h"
#include "sandbox/system_call_filter.h"

namespace meshnode::sandbox {
namespace {

constexpr int kFine = 7;
using Held = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

// The wait status of a process that does this.
int status_of(const std::function<int()>& act) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(act());
  int status = 0;
  ::waitpid(pid, &status, 0);
  return status;
}

int code_of(const std::function<int()>& act) {
  const int status = status_of(act);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

bool set_capabilities(const Held& held) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  return ::syscall(SYS_capset, &header, held.data()) == 0;
}

bool has_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  Held held{};
  ::syscall(SYS_capget, &header, held.data());
  return held[0].permitted != 0 || held[0].inheritable != 0 || held[1].permitted != 0;
}

// As a service manager's filter does.
bool forbid_capset() {
  const scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(capset), 0) == 0 &&
         seccomp_load(filter) == 0;
}

TEST(Capabilities, AreDroppedWithTheAmbientOnes) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  EXPECT_EQ(
      code_of([] {
        Held held{};
        held[0].effective = held[0].permitted = held[0].inheritable = 1U << CAP_NET_ADMIN;
        if (!set_capabilities(held) ||
            ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0) != 0)
          return 1;
        if (!drop_capabilities() || has_capabilities()) return 2;
        return ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_NET_ADMIN, 0, 0) == 0 ? kFine : 3;
      }),
      kFine);
}

TEST(Capabilities, WithoutAnyItDoesNotMatterWhetherCapsetIsForbidden) {
  EXPECT_EQ(code_of([] {
              ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
              if (!set_capabilities({}) || !forbid_capset()) return 1;
              return drop_capabilities() ? kFine : 2;
            }),
            kFine);
}

TEST(Capabilities, AreNotSaidToBeDroppedWhereTheyAreNot) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  EXPECT_EQ(code_of([] {
              if (!has_capabilities() || !forbid_capset()) return 1;
              return !drop_capabilities() && errno == EPERM ? kFine : 2;
            }),
            kFine);
}

#ifndef MESHNODE_SANITIZED  // such builds have no filter

class Filtered : public testing::Test {
 protected:
  using Otherwise = SystemCallFilter::Otherwise;
  // What the act returns behind a filter that lets it return.
  static int behind(Otherwise otherwise, const std::function<void(SystemCallFilter&)>& add,
                    const std::function<int()>& act) {
    return code_of([&] {
      ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
      SystemCallFilter filter(otherwise);
      filter.allow(std::array{SCMP_SYS(exit_group)});
      add(filter);
      return filter.load() ? act() : 99;
    });
  }
  static bool fails_with(long result, int error) { return result == -1 && errno == error; }
};

TEST_F(Filtered, WhatIsNotAllowedIsRefusedOrDeadly) {
  const auto nothing = [](SystemCallFilter&) {};
  const auto act = [] { return fails_with(::syscall(SYS_getppid), EPERM) ? kFine : 1; };
  EXPECT_EQ(behind(Otherwise::refused, nothing, act), kFine);
  EXPECT_EQ(behind(Otherwise::death, nothing, act), 1000 + SIGSYS);
}

TEST_F(Filtered, EachRuleDoesWhatItSays) {
  const auto rules = [](SystemCallFilter& filter) {
    filter.allow(std::array{SCMP_SYS(getppid)});
    filter.refuse(std::array{SCMP_SYS(getuid)}, EACCES);
    filter.kill(std::array{SCMP_SYS(getgid)});
    filter.allow(SCMP_SYS(prctl), {0, SCMP_CMP_EQ, PR_GET_DUMPABLE, 0});
  };
  EXPECT_EQ(behind(Otherwise::refused, rules,
                   [] {
                     if (::syscall(SYS_getppid) <= 0) return 1;
                     if (!fails_with(::syscall(SYS_getuid), EACCES)) return 2;
                     if (::prctl(PR_GET_DUMPABLE) < 0) return 3;
                     return fails_with(::prctl(PR_SET_DUMPABLE, 1), EPERM) ? kFine : 4;
                   }),
            kFine);
  EXPECT_EQ(
      behind(Otherwise::refused, rules, [] { return static_cast<int>(::syscall(SYS_getgid)); }),
      1000 + SIGSYS);
}

TEST_F(Filtered, CallsOfOtherArchitecturesAreLeftOut) {
  const auto foreign = [](SystemCallFilter& filter) {
    filter.allow(std::array{SCMP_SYS(breakpoint), SCMP_SYS(s390_pci_mmio_read)});
    filter.refuse(std::array{SCMP_SYS(breakpoint)}, EACCES);
  };
  EXPECT_EQ(behind(Otherwise::death, foreign, [] { return kFine; }), kFine);
}

TEST_F(Filtered, WithAWrongRuleThereIsNoFilterButAnError) {
  EXPECT_EQ(behind(
                Otherwise::refused,
                [](SystemCallFilter& filter) {
                  filter.allow(SCMP_SYS(prctl), {17, SCMP_CMP_EQ, 0, 0});
                },
                [] { return kFine; }),
            99);
}

// As a kernel that was built without it.
bool take_seccomp_away() {
  const scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  const scmp_arg_cmp set_seccomp{0, SCMP_CMP_EQ, PR_SET_SECCOMP, 0};
  return seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(seccomp), 0) == 0 &&
         seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(prctl), 1, &set_seccomp) ==
             0 &&
         seccomp_load(filter) == 0;
}

TEST_F(Filtered, WhereTheKernelHasNoFiltersThereIsNone) {
  EXPECT_EQ(code_of([] {
              ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
              if (!take_seccomp_away()) return 1;
              SystemCallFilter filter(Otherwise::death);
              if (!filter.load()) return 2;
              return ::syscall(SYS_getppid) > 0 ? kFine : 3;
            }),
            kFine);
}

// It is there, and somebody else forbids it.
TEST_F(Filtered, AFilterThatIsRefusedIsAnError) {
  EXPECT_EQ(code_of([] {
              ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
              SystemCallFilter outer(Otherwise::refused);
              outer.allow(std::array{SCMP_SYS(exit_group), SCMP_SYS(brk), SCMP_SYS(mmap),
                                     SCMP_SYS(munmap)});
              if (!outer.load()) return 1;
              SystemCallFilter inner(Otherwise::death);
              return inner.load() ? 2 : kFine;
            }),
            kFine);
}

#endif

}  // namespace
}  // namespace meshnode::sandbox
