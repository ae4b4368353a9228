// What the CPU of this machine can do.
#pragma once

namespace meshnode::node {

// Instructions for AES and for the carry-less multiplication of GCM. Without both, AES-256-GCM is
// slow, and its tables tell other users of the machine about the key.
bool cpu_has_aes();

// On how many this process may run (its affinity; a quota of a control group is not looked at).
unsigned usable_cpus();

// How many threads move packets best there: on two CPUs the second thread costs more than it gives.
constexpr unsigned threads_for(unsigned cpus) {
  return cpus > 2 ? 2 : 1;
}

}  // namespace meshnode::node
