// The child's life: reads what its host says, until the host is gone.
#pragma once

namespace meshnode::dht_child {

// `link` is a connected, blocking SOCK_SEQPACKET socket; stays the caller's. 0: the host is gone;
// 1: something it said makes no sense here, which is written to stderr.
int serve(int link);

}  // namespace meshnode::dht_child
