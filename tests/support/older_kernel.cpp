#include "support/older_kernel.h"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include <linux/filter.h>
#include <linux/if_tun.h>
#include <linux/seccomp.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

namespace meshnode::test {
namespace {

constexpr int kAnyArgument = -1;
// CSUM, TSO4, TSO6, USO4, USO6.
constexpr std::uint32_t kWithUso = 0x67;

// A system call, with this value as the argument of this number, fails with this errno.
struct Refusal {
  std::uint32_t call;
  int argument;
  std::uint32_t value;
  std::uint32_t error;
};

const std::map<std::string, std::vector<Refusal>>& known() {
  static const std::map<std::string, std::vector<Refusal>> all{
      {"batches",
       {{SYS_sendmmsg, kAnyArgument, 0, ENOSYS}, {SYS_recvmmsg, kAnyArgument, 0, ENOSYS}}},
      {"udp-segment", {{SYS_getsockopt, 2, UDP_SEGMENT, ENOPROTOOPT}}},
      {"udp-gro", {{SYS_setsockopt, 2, UDP_GRO, ENOPROTOOPT}}},
      {"vnet-header", {{SYS_ioctl, 1, static_cast<std::uint32_t>(TUNSETVNETHDRSZ), EINVAL}}},
      {"tun-offload", {{SYS_ioctl, 1, static_cast<std::uint32_t>(TUNSETOFFLOAD), EINVAL}}},
      {"uso", {{SYS_ioctl, 2, kWithUso, EINVAL}}},
  };
  return all;
}

sock_filter load(std::size_t offset) {
  return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
}

// Goes on with the next statement if the loaded word is `value`, else passes over `skip` of them.
sock_filter unless_equal(std::uint32_t value, std::uint8_t skip) {
  return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip);
}

void append(std::vector<sock_filter>& program, const Refusal& refusal) {
  const bool any = refusal.argument == kAnyArgument;
  program.push_back(load(offsetof(seccomp_data, nr)));
  program.push_back(unless_equal(refusal.call, any ? 1 : 3));
  if (!any) {
    // The low half: first on little-endian machines.
    const auto argument = static_cast<std::size_t>(refusal.argument);
    program.push_back(load(offsetof(seccomp_data, args) + argument * sizeof(std::uint64_t)));
    program.push_back(unless_equal(refusal.value, 1));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | refusal.error));
}

}  // namespace

bool take_away(const std::string& what) {
  const auto found = known().find(what);
  if (found == known().end()) return false;
  std::vector<sock_filter> program;
  for (const Refusal& refusal : found->second) append(program, refusal);
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

}  // namespace meshnode::test
