// Probe, 64 bytes, request and answer alike (an answer is never larger than its request):
//
//    0  0x43 | kind (0 request, 1 answer, 2 goodbye) | zero (2)
//    4  tag (8)       which pair, in this epoch, in this direction
//   12  number (8)    request, goodbye: the sender's, fresh; answer: the request's
//   20  boot id (8)   of the sender of this message
//   28  (20)          request: nonce (8) | zero (12); answer: where the request came from, as an
//                     endpoint; goodbye: zero
//   48  mac (16)      keyed per pair and direction, over all before it and, in an answer, the
//                     nonce of its request, which is not sent back
//
// Numbers can be guessed, nonces cannot: who answers has received the request, where it was sent. A
// probe confirms a path and keeps it alive. It moves no session state. Goodbye is for edges
// without a session: the sender stops now. It is not answered.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "base/endpoint.h"
#include "base/ids.h"
#include "wire/types.h"

namespace meshnode::wire {

inline constexpr std::size_t kProbeSize = 64;
inline constexpr std::size_t kProbeMacOffset = 48;
using ProbeTag = std::uint64_t;
using ProbeNonce = Block<8>;

struct Probe {
  enum class Kind : std::uint8_t { request = 0, answer = 1, goodbye = 2 };
  Kind kind = Kind::request;
  ProbeTag tag = 0;
  std::uint64_t number = 0;
  BootId boot{};
  ProbeNonce nonce{};  // request: as sent; answer: the request's, not sent; goodbye: none
  Endpoint observed;   // answer
  Mac mac{};
};

// All but the mac, kProbeMacOffset bytes.
Bytes probe_body(const Probe& probe);
// An answer's nonce is left zero: its receiver knows which one belongs to the number.
std::optional<Probe> parse_probe(ByteView datagram);

}  // namespace meshnode::wire
