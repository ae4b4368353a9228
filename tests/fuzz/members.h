// Two members of one network with fixed keys, and what each can send to the other.
#pragma once

#include "crypto/noise.h"
#include "overlay/handshake.h"

namespace meshnode::fuzz {

overlay::NetworkSecret network();
overlay::HandshakeSelf member(std::uint8_t number, const overlay::NetworkSecret& network);

// A complete first message from `from` to `to` with any payload inside: what a member with a
// program of its own can send. `nonce` makes messages differ.
Bytes init_with_payload(const overlay::HandshakeSelf& from, const overlay::HandshakeSelf& to,
                        SessionIndex index, std::uint8_t nonce, ByteView payload);
// The payload that an honest member would put there.
wire::HandshakePayload honest_payload(const overlay::HandshakeSelf& from, SessionIndex index,
                                      std::uint64_t number);

}  // namespace meshnode::fuzz
