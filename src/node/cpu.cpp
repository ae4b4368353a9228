#include "node/cpu.h"

#include <memory>

#include <sched.h>

#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace meshnode::node {

bool cpu_has_aes() {
#if defined(__x86_64__) || defined(__i386__)
  return __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul");
#elif defined(__aarch64__)
  constexpr unsigned long kBoth = HWCAP_AES | HWCAP_PMULL;
  return (getauxval(AT_HWCAP) & kBoth) == kBoth;
#else
  return false;
#endif
}

unsigned usable_cpus() {
  constexpr int kMost = 1 << 14;
  struct Free {
    void operator()(cpu_set_t* set) const { CPU_FREE(set); }
  };
  const std::size_t size = CPU_ALLOC_SIZE(kMost);
  const std::unique_ptr<cpu_set_t, Free> set(CPU_ALLOC(kMost));
  if (!set || sched_getaffinity(0, size, set.get()) != 0) return 1;
  return static_cast<unsigned>(CPU_COUNT_S(size, set.get()));
}

}  // namespace meshnode::node
