// io/child_program's times, without an event loop (dht_program_test.cpp has one).
#include <gtest/gtest.h>
#include <sys/wait.h>

#include "io/child_program.h"

namespace meshnode::io {
namespace {

TEST(ChildProgram, ThatEndsByItselfIsStartedOnceInAPauseAtMost) {
  ChildProgram program(
      "/bin/true", "it",
      {[](int, const std::function<void()>&) {}, [](int) {}, [](const UniqueFd&) {}});
  const auto runs_at = [&](TimePoint now) {
    program.timeout(now);
    const pid_t pid = program.pid();
    int status = 0;
    return pid != 0 && ::waitpid(pid, &status, 0) == pid && program.reaped(pid, status);
  };
  const TimePoint start{seconds(100)};
  program.want(start);
  ASSERT_TRUE(runs_at(start));
  program.want(start + milliseconds(1));
  const TimePoint again = start + ChildProgram::kFirstPause;
  EXPECT_EQ(program.next_deadline(), again) << "or it could keep us busy for ever";
  ASSERT_TRUE(runs_at(again));
  program.want(again + seconds(5));
  EXPECT_EQ(program.next_deadline(), again + seconds(5)) << "no pause that grows";
}

}  // namespace
}  // namespace meshnode::io
