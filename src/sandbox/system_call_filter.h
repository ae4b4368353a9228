// An allow-list of system calls. Who makes one finds the names and conditions of the library
// (SCMP_SYS, SCMP_CMP_...) here.
#pragma once

#include <cstdint>
#include <span>

#include <seccomp.h>

#include "base/result.h"

namespace meshnode::sandbox {

// The run-time library of a sanitizer needs more than any list of ours, /proc and terabytes of
// address space among it: such builds have no filter.
#ifdef MESHNODE_SANITIZED
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

class SystemCallFilter {
 public:
  // What a call meets for which there is no rule: EPERM, or the end of the process.
  enum class Otherwise { refused, death };

  explicit SystemCallFilter(Otherwise otherwise);
  ~SystemCallFilter();
  SystemCallFilter(const SystemCallFilter&) = delete;
  SystemCallFilter& operator=(const SystemCallFilter&) = delete;

  // Those of the calls that this architecture has, whatever their arguments.
  void allow(std::span<const int> calls);
  void refuse(std::span<const int> calls, std::uint16_t error);
  void kill(std::span<const int> calls);
  // Where the argument is so.
  void allow(int call, const scmp_arg_cmp& condition);
  // Threads of ours, and never with a namespace of their own.
  void allow_threads();

  // For good, for this thread and all that it starts: while it is the only one. An error of a rule
  // is told here. Does nothing, and succeeds, in sanitized builds and on kernels that were built
  // without filters.
  Status load();

 private:
  void note(int result);
  void rule(std::uint32_t action, int call);

  scmp_filter_ctx context_;
  int error_ = 0;  // the first one; negative, as the library's are
};

}  // namespace meshnode::sandbox
