// What a worker can do no more, tried for real in a process of its own.
#include <cerrno>
#include <csignal>
#include <fstream>
#include <functional>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "monitor/rights.h"
#include "tests/support/temp_dir.h"

namespace meshnode::monitor {
namespace {

// The wait status of a child that gives everything up and then does this.
int confined(const std::function<int()>& act) {
  const pid_t pid = fork();
  if (pid == 0) {
    if (!drop_rights(std::nullopt) || !filter_system_calls()) _exit(99);
    _exit(act());
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return status;
}

bool ends_with(int status, int code) {
  return WIFEXITED(status) && WEXITSTATUS(status) == code;
}

TEST(Rights, NoCapabilityIsLeftAndNoneComesBack) {
  EXPECT_TRUE(ends_with(confined([] {
                          std::ifstream status("/proc/self/status");
                          for (std::string line; std::getline(status, line);)
                            if (line == "CapEff:\t0000000000000000") return 7;
                          return 1;
                        }),
                        7));
}

#ifndef MESHNODE_SANITIZED

TEST(SystemCalls, ThoseOfAWorkerStillWork) {
  EXPECT_TRUE(ends_with(confined([] {
                          int done = 0;
                          std::thread([&done] { done = 1; }).join();
                          const int udp = socket(AF_INET, SOCK_DGRAM, 0);
                          const int file = open("/dev/null", O_RDWR);
                          int waiting = 0;
                          const bool asked = ioctl(udp, FIONREAD, &waiting) == 0;
                          return done == 1 && udp >= 0 && file >= 0 && asked ? 7 : 1;
                        }),
                        7));
}

TEST(SystemCalls, StartingAProgramKills) {
  const int status = confined([] {
    execl("/bin/true", "true", nullptr);
    return 1;
  });
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) << status;
}

TEST(SystemCalls, MountingKills) {
  const int status =
      confined([] { return mount("none", "/tmp", "tmpfs", 0, nullptr) == 0 ? 0 : 1; });
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) << status;
}

TEST(SystemCalls, ANewProcessAndTypingAtTheTerminalAreRefused) {
  EXPECT_TRUE(ends_with(confined([] {
                          char letter = 'x';
                          const bool typed = ioctl(0, TIOCSTI, &letter) == 0 || errno != EPERM;
                          const bool forked = fork() != -1 || errno != EPERM;
                          return typed || forked ? 1 : 7;
                        }),
                        7));
}

TEST(SystemCalls, BecomingAnotherUserIsRefused) {
  EXPECT_TRUE(ends_with(confined([] { return setuid(1) == 0 || errno != EPERM ? 1 : 7; }), 7));
}

#endif

class GivenFolder : public testing::Test {
 protected:
  GivenFolder() {
    std::ofstream(file("ours")) << "x";
    chmod(folder_.path().c_str(), 0700);
  }
  std::string file(const std::string& name) const { return folder_.path() + "/" + name; }
  static uid_t owner(const std::string& path) {
    struct stat about {};
    return lstat(path.c_str(), &about) == 0 ? about.st_uid : 77;
  }
  static bool is_ours(std::string_view name) { return name == "ours" || name == "link"; }

  test::TempDir folder_;
  const User user_{977, 977};
};

TEST_F(GivenFolder, IsTheUsersWithItsFiles) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  chmod(folder_.path().c_str(), 0700);
  const bool usable = give_folder(folder_.path(), user_, &is_ours);
  EXPECT_EQ(owner(folder_.path()), 977U);
  EXPECT_EQ(owner(file("ours")), 977U);
  EXPECT_EQ(usable, true) << "temporary folders lie where everybody can go";
  EXPECT_EQ(geteuid(), 0U) << "only for a look";
}

TEST_F(GivenFolder, StaysWithAForeignFileInIt) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  std::ofstream(file("thesis.txt")) << "x";
  EXPECT_FALSE(give_folder(folder_.path(), user_, &is_ours));
  for (const std::string& path : {folder_.path(), file("ours"), file("thesis.txt")})
    EXPECT_EQ(owner(path), 0U) << path;
}

TEST_F(GivenFolder, BehindAClosedDoorItIsRootsAgain) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  const test::TempDir closed;
  const std::string inner = closed.path() + "/inner";
  ASSERT_EQ(mkdir(inner.c_str(), 0700), 0);
  std::ofstream(inner + "/ours") << "x";
  EXPECT_FALSE(give_folder(inner, user_, &is_ours));
  EXPECT_EQ(owner(inner), 0U);
  EXPECT_EQ(owner(inner + "/ours"), 0U);
}

TEST_F(GivenFolder, LinksLeadNowhere) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  const test::TempDir other;
  std::ofstream(other.path() + "/victim") << "x";
  ASSERT_EQ(symlink((other.path() + "/victim").c_str(), file("link").c_str()), 0);
  give_folder(folder_.path(), user_, &is_ours);
  EXPECT_EQ(owner(other.path() + "/victim"), 0U);
  unlink(file("link").c_str());
  ASSERT_EQ(link((other.path() + "/victim").c_str(), file("link").c_str()), 0);
  give_folder(folder_.path(), user_, &is_ours);
  EXPECT_EQ(owner(other.path() + "/victim"), 0U) << "a second name of a file elsewhere";
}

}  // namespace
}  // namespace meshnode::monitor
