// What a process gives up before it meets the first byte from outside.
#pragma once

#include "base/result.h"

namespace meshnode::dht_child {

// Signals of terminals and service managers are for the parent, whose end is this process's end:
// SIGKILL comes if its parent dies. Not dumpable, no_new_privs, no capability in any set, no core
// file, few descriptors, kMostMemory. Whatever cannot be given up is an error.
Status give_up_rights();

// Kills the process at the first system call that it has no use for; files cannot be opened
// (EACCES: libraries try). All threads to come inherit it. Does nothing in sanitized builds
// (sandbox::kSanitized), and on kernels without seccomp.
Status confine();

// OpenDHT with a full store of 32 MiB takes about 150 MiB; thread stacks and arenas are reserved
// address space, not memory.
inline constexpr unsigned long kMostMemory = 2048UL << 20;
inline constexpr unsigned long kMostDescriptors = 16;

}  // namespace meshnode::dht_child
