// node/atomic_file under kill -9 before and after each of its system calls.
#include <fstream>
#include <functional>
#include <iterator>

#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/atomic_file.h"
#include "support/temp_dir.h"

namespace meshnode::node {
namespace {

// Runs `work` in a child that dies at its nth stop: system calls stop before and after. False if it
// was done before that.
bool dies_at(unsigned nth, const std::function<void()>& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    ::raise(SIGSTOP);
    work();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  for (unsigned stop = 0; WIFSTOPPED(status); ++stop) {
    if (stop == nth) {
      ::kill(child, SIGKILL);
      ::waitpid(child, &status, 0);
      return true;
    }
    ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
    ::waitpid(child, &status, 0);
  }
  return false;
}

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(AtomicFileKilled, OldOrNewAtEachStepAndTheNextWriteWorks) {
  test::TempDir folder;
  const std::string path = folder.path() + "/members";
  const std::string before(5000, 'a');
  const std::string after(7000, 'b');
  ASSERT_TRUE(write_file(path, before));
  unsigned steps = 0;
  bool seen_old = false;
  bool seen_new = false;
  while (dies_at(steps, [&] { (void)write_file(path, after); })) {
    const std::string left = content(path);
    ASSERT_TRUE(left == before || left == after) << "step " << steps << ": " << left.size();
    seen_old = seen_old || left == before;
    seen_new = seen_new || left == after;
    ASSERT_TRUE(write_file(path, before)) << "step " << steps;
    ASSERT_LT(++steps, 1000U);
  }
  EXPECT_EQ(content(path), after) << "not killed";
  EXPECT_TRUE(seen_old && seen_new);
  EXPECT_GT(steps, 12U) << "unlink, open, write, fsync, rename, open, fsync: before and after each";
}

}  // namespace
}  // namespace meshnode::node
