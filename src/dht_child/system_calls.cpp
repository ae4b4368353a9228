// The list of system calls: what glibc's threads, memory and clocks use, and one socket.
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "dht_child/sandbox.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MESH_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer) || __has_feature(undefined_behavior_sanitizer)
#define MESH_SANITIZED 1
#endif
#endif

namespace meshnode::dht_child {

#ifdef MESH_SANITIZED

bool seccomp_built_in() {
  return false;
}
Status confine() {
  return success();
}

#else

namespace {

// Whatever their arguments.
constexpr int kAllowed[] = {
    // the link; stderr
    SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(write),
    SCMP_SYS(writev), SCMP_SYS(close), SCMP_SYS(shutdown),
    // memory
    SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
    // threads, locks, waiting
    SCMP_SYS(futex), SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),
    SCMP_SYS(restart_syscall), SCMP_SYS(set_tid_address),
    // clocks, where the vDSO has none; randomness
    SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday), SCMP_SYS(time),
    SCMP_SYS(getrandom),
    // signals, abort() and the end
    SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack),
    SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(exit), SCMP_SYS(exit_group)};

// Answered by "no" rather than by death: libraries try, and do without.
constexpr int kRefused[] = {SCMP_SYS(open),       SCMP_SYS(openat), SCMP_SYS(stat),
                            SCMP_SYS(newfstatat), SCMP_SYS(access), SCMP_SYS(readlink),
                            SCMP_SYS(fstat),      SCMP_SYS(statx),  SCMP_SYS(prctl)};

// libseccomp answers with a negative errno.
class Filter {
 public:
  // Where seccomp() is forbidden the library cannot ask for the death of all threads: then only the
  // one that sinned dies, and its host misses the signs of life.
  Filter() : context_(seccomp_init(SCMP_ACT_KILL_PROCESS)) {
    if (!context_) context_ = seccomp_init(SCMP_ACT_KILL_THREAD);
  }
  ~Filter() {
    if (context_) seccomp_release(context_);
  }
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;

  void rule(std::uint32_t action, int call) {
    note(context_ ? seccomp_rule_add(context_, action, call, 0) : -ENOMEM);
  }
  void rule(std::uint32_t action, int call, const scmp_arg_cmp& condition) {
    note(context_ ? seccomp_rule_add_array(context_, action, call, 1, &condition) : -ENOMEM);
  }
  // There is one thread yet. Where seccomp() itself is forbidden, the library takes prctl().
  int load() {
    if (error_ == 0) note(seccomp_load(context_));
    return -error_;
  }

 private:
  void note(int result) {
    if (error_ == 0 && result < 0) error_ = result;
  }
  scmp_filter_ctx context_;
  int error_ = 0;
};

// Threads of ours, and never with a namespace of their own. `exec` and `fork` are not on any list.
void allow_threads(Filter& filter) {
  constexpr std::uint64_t kLooked = CLONE_THREAD | CLONE_VM | CLONE_SIGHAND | CLONE_NEWNS |
                                    CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                                    CLONE_NEWPID | CLONE_NEWNET;
  filter.rule(SCMP_ACT_ALLOW, SCMP_SYS(clone),
              {0, SCMP_CMP_MASKED_EQ, kLooked, CLONE_THREAD | CLONE_VM | CLONE_SIGHAND});
  // Its flags lie in memory, where a filter cannot look: glibc then takes clone.
  filter.rule(SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3));
}

}  // namespace

bool seccomp_built_in() {
  return true;
}

Status confine() {
  Filter filter;
  for (const int call : kAllowed) filter.rule(SCMP_ACT_ALLOW, call);
  for (const int call : kRefused) filter.rule(SCMP_ACT_ERRNO(EACCES), call);
  allow_threads(filter);
  // Memory is never executable.
  for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)})
    filter.rule(SCMP_ACT_ALLOW, call, {2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0});
  // abort(): signals to itself only.
  filter.rule(SCMP_ACT_ALLOW, SCMP_SYS(tgkill),
              {0, SCMP_CMP_EQ, static_cast<scmp_datum_t>(::getpid()), 0});
  // A kernel without seccomp: the other fences stand all the same.
  const int error = filter.load();
  if (error != 0 && error != EINVAL && error != ENOSYS)
    return Error::world(std::string("cannot limit the system calls: ") + std::strerror(error));
  return success();
}

#endif

}  // namespace meshnode::dht_child
