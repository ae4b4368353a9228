// With whom a member has an edge, for the people at another one: a map of the mesh is made of it.
//
//   control type 12  edges ask:     number (4) | NodeId (32): the members behind this one
//   control type 13  edges answer:  number (4) and what follows here
//
//   flags (1): bit 0 there are more, bit 1 this member does not tell
//   n ≤ 24 (1), each: NodeId (32) | path: 1 LAN, 2 direct (1) | round trip in µs, 0 not known (4)
//
// In ascending order of NodeId, so that a page says where the next one begins. Neither endpoints
// nor whether an edge is in use are told. Bounded so that an answer is never cut into pieces.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"

namespace meshnode::wire {

struct EdgeTo {
  enum class PathKind : std::uint8_t { lan = 1, direct = 2 };
  NodeId id{};
  PathKind kind = PathKind::direct;
  std::uint32_t rtt_us = 0;
  bool operator==(const EdgeTo&) const = default;
};

struct EdgePage {
  static constexpr std::size_t kMost = 24;

  std::uint32_t number = 0;
  bool more = false;
  bool refused = false;         // then there is nothing else
  std::vector<EdgeTo> edges{};  // ascending, each once
  bool operator==(const EdgePage&) const = default;
};

struct EdgesAsk {
  std::uint32_t number = 0;
  NodeId after{};  // zero: from the first
  bool operator==(const EdgesAsk&) const = default;
};

Bytes encode_edges_ask(const EdgesAsk& ask);
Bytes encode_edges_answer(const EdgePage& page);  // both whole control messages
// Nothing if it is malformed, out of order or exceeds a bound; what a later version appends is
// skipped.
std::optional<EdgesAsk> parse_edges_ask(ByteView body);
std::optional<EdgePage> parse_edges_answer(ByteView body);

}  // namespace meshnode::wire
