// A DHT ping of our own making, for what OpenDHT cannot ask: whether a node answers who never spoke
// to it. It says that it comes from a client, so that nobody remembers the sender.
#pragma once

#include "base/bytes.h"

namespace meshnode::wire {

Bytes dht_ping(const Block<20>& id, std::uint32_t transaction, std::uint32_t network);
// Whether the datagram is a node's answer to the ping with this transaction.
[[nodiscard]] bool answers_ping(ByteView datagram, std::uint32_t transaction,
                                std::uint32_t network);

}  // namespace meshnode::wire
