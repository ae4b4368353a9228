// What the control socket tells of one peer, one question or one moment, as plain values. The names
// are the names in the JSON (docs/control.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/snapshot.h"

namespace meshnode::control {

enum class CandidateState : std::uint8_t { carries, spare, sought };

struct CandidateStatus {
  Endpoint endpoint;
  CandidateState state = CandidateState::sought;
  std::uint32_t probes = 0;
  std::uint32_t answers = 0;
  std::optional<double> rtt_ms;
  bool operator==(const CandidateStatus&) const = default;
};

struct ChangeStatus {
  std::uint64_t ago_s = 0;
  std::optional<Endpoint> to;  // nothing: no path any more
  std::string cause;           // a word of docs/control.md
  bool operator==(const ChangeStatus&) const = default;
};

// One side's view of an edge.
struct EdgeView {
  std::optional<PathStatus> path;
  std::optional<EdgeStatus> edge;
  std::vector<CandidateStatus> candidates;
  std::vector<ChangeStatus> path_history;  // oldest first
};

struct PeerDetails {
  PeerStatus peer;  // with path and edge
  std::vector<CandidateStatus> candidates;
  std::vector<ChangeStatus> path_history;    // oldest first
  std::optional<std::uint64_t> seeking_s{};  // without a path: for how long
  std::uint32_t failed_handshakes = 0;       // in a row
};

// Why a member did not answer: a code and a sentence.
struct Failure {
  std::string code;
  std::string text;
  bool operator==(const Failure&) const = default;
};

struct PingReport {
  NodeId id;
  std::string name;
  std::optional<double> rtt_ms;
  std::optional<PathStatus> path;
  std::optional<Failure> failure;  // instead of the two above
};

struct TraceReport {
  PeerDetails here;
  std::optional<EdgeView> there;
  std::optional<Failure> failure;  // instead
};

// An edge of another member, as that one tells it.
struct EdgeOfMember {
  NodeId id{};
  std::string name{};  // empty where we do not know the member
  PathKind kind = PathKind::direct;
  std::optional<double> rtt_ms{};
  bool operator==(const EdgeOfMember&) const = default;
};

struct EdgesReport {
  NodeId id;
  std::string name;
  std::optional<bool> shares;  // nothing: it did not answer
  bool complete = false;       // these are all
  std::vector<EdgeOfMember> edges;
  std::optional<Failure> failure;
};

// Something happened. Fields that an event has no use for are empty.
struct Event {
  std::string event;  // "peer-up", …: docs/control.md has the list
  std::int64_t unix_ms = 0;
  std::optional<NodeId> id{};
  std::string name{};
  std::optional<PathKind> path_kind{};
  std::optional<Endpoint> remote{};
  std::optional<double> rtt_ms{};
  std::string detail{};
};

}  // namespace meshnode::control
