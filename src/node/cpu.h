// What the CPU of this machine can do.
#pragma once

namespace meshnode::node {

// Instructions for AES and for the carry-less multiplication of GCM. Without both, AES-256-GCM is
// slow, and its tables tell other users of the machine about the key.
bool cpu_has_aes();

}  // namespace meshnode::node
