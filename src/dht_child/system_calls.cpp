// The list of system calls: what glibc's threads, memory and clocks use, and one socket.
#include <cerrno>

#include <sys/mman.h>
#include <unistd.h>

#include "dht_child/sandbox.h"
#include "sandbox/system_call_filter.h"

namespace meshnode::dht_child {
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

}  // namespace

// `exec` and `fork` are not on any list. Where only the thread that sinned can be killed, its host
// misses the signs of life.
Status confine() {
  sandbox::SystemCallFilter filter(sandbox::SystemCallFilter::Otherwise::death);
  filter.allow(kAllowed);
  filter.refuse(kRefused, EACCES);
  filter.allow_threads();
  // Memory is never executable.
  for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)})
    filter.allow(call, {2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0});
  // abort(): signals to itself only.
  filter.allow(SCMP_SYS(tgkill), {0, SCMP_CMP_EQ, static_cast<scmp_datum_t>(::getpid()), 0});
  return filter.load();
}

}  // namespace meshnode::dht_child
