// A program of ours as a child process, with one end of a SOCK_SEQPACKET socketpair as its
// descriptor 3, and nothing else of ours but 0 to 2. It is started again where it is wanted, after
// a pause that grows from kFirstPause to kLastPause, and begins anew once a child has lived that
// long. One that ended by itself with exit code 0 has done no harm: the next one only has to wait
// until kFirstPause after its start.
//
// On the event loop; nothing here waits, but the destructor: for the end of a child that it kills.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include <sys/types.h>

#include "base/clock.h"
#include "base/result.h"
#include "io/unique_fd.h"

namespace meshnode::io {

// `name` beside this program (a build folder), else in `folder`, which may be relative to this
// program's own.
Result<std::string> find_program(const std::string& name, const std::string& folder);

// How a process ended, e.g. "killed by SIGSEGV" or "exit code 1"; from waitid()'s si_code and
// si_status.
std::string how_it_ended(int code, int status);

class ChildProgram {
 public:
  static constexpr Duration kFirstPause = seconds(1);
  static constexpr Duration kLastPause = seconds(60);

  struct Doors {
    std::function<void(int fd, std::function<void()> readable)> watch;
    std::function<void(int fd)> unwatch;
    std::function<void(UniqueFd link)> started;
  };
  // `what` begins the log's sentences.
  ChildProgram(std::string path, std::string what, Doors doors)
      : path_(std::move(path)), what_(std::move(what)), doors_(std::move(doors)) {}
  ~ChildProgram();
  ChildProgram(const ChildProgram&) = delete;
  ChildProgram& operator=(const ChildProgram&) = delete;

  // A (new) child is needed: one that is still there is killed. Answered by `started`, inside
  // timeout().
  void want(TimePoint now);
  std::optional<TimePoint> next_deadline() const;
  void timeout(TimePoint now);

  // For an owner who waits for all its children himself; true if it was this one.
  bool reaped(pid_t pid, int wait_status);

  pid_t pid() const { return pid_; }  // 0: none

 private:
  void start(TimePoint now);
  Status spawn(const UniqueFd& its_end);
  void ended();
  void over(int code, int status);
  void pause(TimePoint now);

  const std::string path_;
  const std::string what_;
  const Doors doors_;
  pid_t pid_ = 0;
  UniqueFd pidfd_;
  TimePoint started_at_{};
  bool wanted_ = false;
  TimePoint not_before_{};
  Duration pause_ = kFirstPause;
};

}  // namespace meshnode::io
