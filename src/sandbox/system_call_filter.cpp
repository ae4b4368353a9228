#include "sandbox/system_call_filter.h"

#include <cerrno>
#include <string>
#include <system_error>

#include <sched.h>
#include <sys/prctl.h>

namespace meshnode::sandbox {
namespace {

// Where seccomp() is forbidden the library cannot ask for the death of all threads: then only the
// one that sinned dies.
scmp_filter_ctx deadly() {
  const scmp_filter_ctx context = seccomp_init(SCMP_ACT_KILL_PROCESS);
  return context != nullptr ? context : seccomp_init(SCMP_ACT_KILL_THREAD);
}

// Asked as prctl(2) says: a null filter is a bad address where there are filters at all. The
// library calls all errors of loading by one name.
bool kernel_has_filters() {
  return ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, nullptr) == 0 || errno != EINVAL;
}

Error failed(const char* what, int error) {
  return Error::world(std::string(what) + std::generic_category().message(-error));
}

}  // namespace

SystemCallFilter::SystemCallFilter(Otherwise otherwise)
    : context_(otherwise == Otherwise::death ? deadly() : seccomp_init(SCMP_ACT_ERRNO(EPERM))) {
  if (context_ == nullptr) note(-ENOMEM);
  // A tree instead of a list, for kernels that do not remember what is allowed (before 5.11).
  if (context_ != nullptr) seccomp_attr_set(context_, SCMP_FLTATR_CTL_OPTIMIZE, 2);
}

SystemCallFilter::~SystemCallFilter() {
  if (context_ != nullptr) seccomp_release(context_);
}

void SystemCallFilter::allow(std::span<const int> calls) {
  for (const int call : calls) rule(SCMP_ACT_ALLOW, call);
}

void SystemCallFilter::refuse(std::span<const int> calls, std::uint16_t error) {
  for (const int call : calls) rule(SCMP_ACT_ERRNO(error), call);
}

void SystemCallFilter::kill(std::span<const int> calls) {
  // Where seccomp() is forbidden the library can kill no process: then they meet what the rest
  // does.
  for (const int call : calls)
    if (context_ != nullptr) seccomp_rule_add(context_, SCMP_ACT_KILL_PROCESS, call, 0);
}

void SystemCallFilter::allow(int call, const scmp_arg_cmp& condition) {
  if (context_ != nullptr)
    note(seccomp_rule_add_array(context_, SCMP_ACT_ALLOW, call, 1, &condition));
}

void SystemCallFilter::allow_threads() {
  constexpr std::uint64_t kLooked = CLONE_THREAD | CLONE_VM | CLONE_SIGHAND | CLONE_NEWNS |
                                    CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                                    CLONE_NEWPID | CLONE_NEWNET;
  allow(SCMP_SYS(clone), {0, SCMP_CMP_MASKED_EQ, kLooked, CLONE_THREAD | CLONE_VM | CLONE_SIGHAND});
  // Its flags lie in memory, where a filter does not look: the C library tries clone() next.
  rule(SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3));
}

Status SystemCallFilter::load() {
  if (kSanitized) return success();
  if (error_ != 0) return failed("cannot make a filter for system calls: ", error_);
  if (!kernel_has_filters()) return success();  // the other fences stand all the same
  const int error = seccomp_load(context_);
  return error == 0 ? success() : failed("cannot filter system calls: ", error);
}

void SystemCallFilter::note(int result) {
  if (error_ == 0 && result < 0) error_ = result;
}

void SystemCallFilter::rule(std::uint32_t action, int call) {
  if (context_ == nullptr) return;
  const int result = seccomp_rule_add(context_, action, call, 0);
  if (result != -EDOM) note(result);  // a call that this architecture does not have
}

}  // namespace meshnode::sandbox
