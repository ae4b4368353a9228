// For tests: makes the kernel refuse this process what older kernels do not have, through seccomp.
// There is no way back, so it is done in a child process (in_child.h) or just before exec.
#pragma once

#include <string>

namespace meshnode::test {

// False if `what` is not known, or if this kernel has no seccomp. Known are: batches (sendmmsg and
// recvmmsg), udp-segment, udp-gro, vnet-header, tun-offload, uso.
bool take_away(const std::string& what);

}  // namespace meshnode::test
