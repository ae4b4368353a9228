// Probe, 64 bytes, request and answer alike (an answer is never larger than its request):
//
//    0  0x43 | kind (0 request, 1 answer, 2 goodbye) | zero (2)
//    4  tag (8)       which pair, in this epoch, in this direction
//   12  number (8)    request, goodbye: the sender's, fresh; answer: the request's
//   20  boot id (8)   of the sender of this message
//   28  observed (20) answer: where the request came from; else none
//   48  mac (16)      over all before it, keyed per pair and direction
//
// A probe confirms a path and keeps it alive. It moves no session state. Goodbye is for edges
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

struct Probe {
  enum class Kind : std::uint8_t { request = 0, answer = 1, goodbye = 2 };
  Kind kind = Kind::request;
  ProbeTag tag = 0;
  std::uint64_t number = 0;
  BootId boot{};
  Endpoint observed;
  Mac mac{};
};

// All but the mac: what the mac is computed over, kProbeMacOffset bytes.
Bytes probe_body(const Probe& probe);
std::optional<Probe> parse_probe(ByteView datagram);

}  // namespace meshnode::wire
