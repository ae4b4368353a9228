// The whole mesh as its members tell it: who has an edge to whom. Pure functions.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "control/reports.h"
#include "ctl/table.h"

namespace meshnode::ctl {

struct MapNode {
  enum class Answer : std::uint8_t { here, told, refused, silent, not_asked };
  NodeId id;
  std::string name;  // untrusted; empty where nobody knows
  Answer answer = Answer::not_asked;
  bool told_all = false;  // of its edges: one that is missing is not there
};

struct MapEdge {
  std::size_t a = 0;  // indices of nodes, a < b
  std::size_t b = 0;
  control::PathKind kind = control::PathKind::direct;
  std::optional<double> rtt_ms;  // the lesser, where both tell one
  bool told_by_a = false;
  bool told_by_b = false;
};

struct MeshMap {
  // Past so many nodes members have edges by choice, and a missing one is no news.
  static constexpr std::size_t kMostForGaps = 64;

  std::vector<MapNode> nodes;  // this one first, then by name and id
  std::vector<MapEdge> edges;  // by a, then b
  bool complete = true;        // nobody who answered kept something back for lack of time
  // Pairs that have none, as one of them says and neither denies; empty past kMostForGaps nodes.
  std::vector<std::pair<std::size_t, std::size_t>> gaps;

  // One end says so, and the other end, which told all, does not: it is being made or ending, or
  // its way back is broken.
  bool disputed(const MapEdge& edge) const;
};

// What this node says of itself, and what others answered.
MeshMap make_map(const control::Snapshot& here, const std::vector<control::EdgesReport>& told);

std::string render_map(const MeshMap& map, const Look& look);
std::string map_dot(const MeshMap& map);   // Graphviz, an undirected graph
std::string map_json(const MeshMap& map);  // docs/control.md has the fields

}  // namespace meshnode::ctl
