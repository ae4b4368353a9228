// One datagram straight to the kernel: for who sends few, or from another thread.
#pragma once

#include "base/bytes.h"
#include "base/endpoint.h"

namespace meshnode::io {

// From path.local if set, through interface path.scope if set. 0 or an errno; never waits.
// Thread-safe: nothing is shared but the descriptor.
int send_datagram(int fd, const Path& path, ByteView datagram, std::uint8_t tos = 0);

// The same over IPv4 with a time to live: how many routers it may pass, and one more.
int send_short_lived(int fd, const Path& path, ByteView datagram, int time_to_live);

}  // namespace meshnode::io
