// What one side of an edge believes of it, for the people at the other end.
//
//   control type 10  trace ask:     number (4)
//   control type 11  trace answer:  number (4) and what follows here
//
// Bounded so that an answer is never cut into pieces.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/endpoint.h"

namespace meshnode::wire {

struct Trace {
  static constexpr std::size_t kMaxChanges = 8;
  static constexpr std::size_t kMaxCandidates = 12;
  enum class PathKind : std::uint8_t { none = 0, lan = 1, direct = 2 };
  enum class CandidateState : std::uint8_t { sought = 0, spare = 1, carries = 2 };

  struct Change {
    std::uint32_t age_s = 0;
    std::uint8_t cause = 0;  // 0 first … 6 goodbye (docs/protocol.md)
    Endpoint to{};           // none: no path any more
    bool operator==(const Change&) const = default;
  };
  struct Candidate {
    Endpoint endpoint{};
    CandidateState state = CandidateState::sought;
    std::uint32_t probes = 0;
    std::uint32_t answers = 0;
    std::uint32_t rtt_us = 0;  // 0: not known
    bool operator==(const Candidate&) const = default;
  };

  std::uint32_t number = 0;
  PathKind kind = PathKind::none;
  bool mtu_settled = false;
  std::uint16_t cipher = 0;    // as in the handshake; 0: no keys
  std::uint16_t datagram = 0;  // bytes that it may send to us at once
  std::uint32_t rtt_us = 0;
  std::uint32_t jitter_us = 0;
  std::uint8_t probes_asked = 0;
  std::uint8_t probes_lost = 0;
  std::uint32_t keep_alive_s = 0;
  std::uint32_t path_changes = 0;
  Endpoint local{};                     // its own
  Endpoint remote{};                    // ours, as it sends to it
  std::vector<Change> changes{};        // oldest first
  std::vector<Candidate> candidates{};  // of ours
  bool operator==(const Trace&) const = default;
};

Bytes encode_trace_ask(std::uint32_t number);
Bytes encode_trace_answer(const Trace& trace);  // both whole control messages
std::optional<std::uint32_t> parse_trace_ask(ByteView body);
// Nothing if it is malformed or exceeds a bound; what a later version appends is skipped.
std::optional<Trace> parse_trace_answer(ByteView body);

}  // namespace meshnode::wire
