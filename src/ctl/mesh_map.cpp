#include "ctl/mesh_map.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include <nlohmann/json.hpp>

#include "control/printable.h"
#include "ctl/units.h"

namespace meshnode::ctl {
namespace {

using control::EdgesReport;
using control::PathKind;
using control::printable;
using Answer = MapNode::Answer;
using Json = nlohmann::ordered_json;

bool has_told(const MapNode& node) {
  return node.answer == Answer::here || node.answer == Answer::told;
}

const char* word(Answer answer) {
  switch (answer) {
    case Answer::here:
      return "here";
    case Answer::told:
      return "told";
    case Answer::refused:
      return "refused";
    case Answer::silent:
      return "silent";
    case Answer::not_asked:
      break;
  }
  return "not-asked";
}

const char* word(PathKind kind) {
  return kind == PathKind::lan ? "lan" : "direct";
}

std::string shown(const MapNode& node) {
  return node.name.empty() ? node.id.short_string() : printable(node.name);
}

EdgesReport own_report(const control::Snapshot& here) {
  EdgesReport out{here.node.id, here.node.name, true, true, {}, {}};
  for (const control::PeerStatus& peer : here.peers)
    if (peer.path)
      out.edges.push_back({peer.id, peer.name.value_or(""), peer.path->kind, peer.path->rtt_ms});
  return out;
}

class Maker {
 public:
  explicit Maker(const control::Snapshot& here) {
    note({here.node.id, here.node.name, Answer::here});
    for (const control::PeerStatus& peer : here.peers)
      note({peer.id, peer.name.value_or(""), Answer::not_asked});
  }

  void note(const MapNode& node) {
    MapNode& known = nodes_.emplace(node.id, node).first->second;
    if (known.name.empty()) known.name = node.name;
    if (known.answer == Answer::not_asked) known.answer = node.answer;
    known.told_all = known.told_all || node.told_all;
  }
  void note(const EdgesReport& report) {
    const Answer answer = !report.shares   ? Answer::silent
                          : *report.shares ? Answer::told
                                           : Answer::refused;
    note({report.id, report.name, answer, report.shares == true && report.complete});
    for (const auto& edge : report.edges) note({edge.id, edge.name, Answer::not_asked});
    if (report.shares == true && !report.complete) complete_ = false;
  }

  MeshMap finish(const std::vector<EdgesReport>& reports) {
    MeshMap out;
    out.complete = complete_;
    for (const auto& [id, node] : nodes_) out.nodes.push_back(node);
    const auto order = [](const MapNode& node) {
      return std::tuple(node.answer != Answer::here, shown(node), node.id);
    };
    std::sort(out.nodes.begin(), out.nodes.end(),
              [&](const MapNode& a, const MapNode& b) { return order(a) < order(b); });
    std::map<NodeId, std::size_t> place;
    for (std::size_t i = 0; i < out.nodes.size(); ++i) place[out.nodes[i].id] = i;
    std::map<std::pair<std::size_t, std::size_t>, MapEdge> edges;
    for (const EdgesReport& report : reports)
      for (const auto& edge : report.edges) add(edges, place[report.id], place[edge.id], edge);
    for (const auto& [pair, edge] : edges) out.edges.push_back(edge);
    find_gaps(out, edges);
    return out;
  }

 private:
  using Edges = std::map<std::pair<std::size_t, std::size_t>, MapEdge>;

  static void add(Edges& edges, std::size_t teller, std::size_t other,
                  const control::EdgeOfMember& told) {
    if (teller == other) return;
    const auto pair = std::minmax(teller, other);
    MapEdge& edge = edges[pair];
    const bool first = !edge.told_by_a && !edge.told_by_b;
    edge.a = pair.first;
    edge.b = pair.second;
    (teller == edge.a ? edge.told_by_a : edge.told_by_b) = true;
    // Two that disagree are telling of different moments; a LAN is the closer one.
    if (first || told.kind == PathKind::lan) edge.kind = told.kind;
    if (told.rtt_ms && (!edge.rtt_ms || *told.rtt_ms < *edge.rtt_ms)) edge.rtt_ms = told.rtt_ms;
  }

  static void find_gaps(MeshMap& map, const Edges& edges) {
    if (map.nodes.size() > MeshMap::kMostForGaps) return;
    for (std::size_t a = 0; a < map.nodes.size(); ++a)
      for (std::size_t b = a + 1; b < map.nodes.size(); ++b)
        if ((map.nodes[a].told_all || map.nodes[b].told_all) && !edges.contains({a, b}))
          map.gaps.emplace_back(a, b);
  }

  std::map<NodeId, MapNode> nodes_;
  bool complete_ = true;
};

std::string remark(Answer answer) {
  switch (answer) {
    case Answer::here:
      return "this node";
    case Answer::refused:
      return "does not share its map";
    case Answer::silent:
      return "did not answer";
    case Answer::not_asked:
      return "not asked: no edge to it from here";
    case Answer::told:
      break;
  }
  return "";
}

// In quotes, fit for Graphviz: a quote and a backslash are all that is special there.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string count_of(std::size_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

}  // namespace

bool MeshMap::disputed(const MapEdge& edge) const {
  return (!edge.told_by_a && nodes[edge.a].told_all) || (!edge.told_by_b && nodes[edge.b].told_all);
}

MeshMap make_map(const control::Snapshot& here, const std::vector<EdgesReport>& told) {
  Maker maker(here);
  std::vector<EdgesReport> reports{own_report(here)};
  reports.insert(reports.end(), told.begin(), told.end());
  for (const EdgesReport& report : reports) maker.note(report);
  return maker.finish(reports);
}

std::string render_map(const MeshMap& map, const Look& look) {
  std::vector<Row> rows;
  for (std::size_t i = 0; i < map.nodes.size(); ++i) {
    std::string first = shown(map.nodes[i]);
    std::string note = remark(map.nodes[i].answer);
    for (const MapEdge& edge : map.edges) {
      if (edge.a != i && edge.b != i) continue;
      const bool disputed = map.disputed(edge);
      rows.push_back({{first, kBold},
                      {shown(map.nodes[edge.a == i ? edge.b : edge.a])},
                      {edge.rtt_ms ? human_ms(*edge.rtt_ms) : kUnknown},
                      {word(edge.kind)},
                      {disputed ? "one side only" : note, disputed ? kYellow : kDim}});
      first.clear();
      note.clear();
    }
    if (!first.empty())
      rows.push_back({{first, kBold}, {kUnknown}, {kUnknown}, {kUnknown}, {note, kDim}});
  }
  std::string out = table({{"NODE"}, {"EDGE TO"}, {"RTT", true}, {"PATH"}, {""}}, rows, look) +
                    "\n" + count_of(map.nodes.size(), "node") + ", " +
                    count_of(map.edges.size(), "edge") + "\n";
  constexpr std::size_t kMostGaps = 20;
  for (std::size_t i = 0; i < std::min(map.gaps.size(), kMostGaps); ++i)
    out += "no edge: " + shown(map.nodes[map.gaps[i].first]) + " and " +
           shown(map.nodes[map.gaps[i].second]) + "\n";
  if (map.gaps.size() > kMostGaps)
    out += "and " + std::to_string(map.gaps.size() - kMostGaps) + " more pairs without an edge\n";
  if (!map.complete) out += "some told only a part in time\n";
  return out;
}

std::string map_dot(const MeshMap& map) {
  std::string out = "graph mesh {\n";
  for (const MapNode& node : map.nodes) {
    out += "  " + quoted(node.id.to_string()) + " [label=" + quoted(shown(node));
    if (node.answer == Answer::here) out += " penwidth=2";
    if (!has_told(node)) out += " style=dashed";
    out += "];\n";
  }
  for (const MapEdge& edge : map.edges) {
    out += "  " + quoted(map.nodes[edge.a].id.to_string()) + " -- " +
           quoted(map.nodes[edge.b].id.to_string()) +
           " [label=" + quoted(edge.rtt_ms ? human_ms(*edge.rtt_ms) : "");
    if (edge.kind == PathKind::lan) out += " penwidth=2";
    if (map.disputed(edge)) out += " style=dashed";
    out += "];\n";
  }
  return out + "}\n";
}

std::string map_json(const MeshMap& map) {
  const auto id = [&](std::size_t i) { return map.nodes[i].id.to_string(); };
  Json nodes = Json::array();
  for (const MapNode& node : map.nodes)
    nodes.push_back(
        {{"id", node.id.to_string()}, {"name", node.name}, {"answer", word(node.answer)}});
  Json edges = Json::array();
  for (const MapEdge& edge : map.edges) {
    Json told = Json::array();
    if (edge.told_by_a) told.push_back(id(edge.a));
    if (edge.told_by_b) told.push_back(id(edge.b));
    edges.push_back(
        {{"a", id(edge.a)},
         {"b", id(edge.b)},
         {"path_kind", word(edge.kind)},
         {"rtt_ms", edge.rtt_ms ? Json(std::round(*edge.rtt_ms * 1000) / 1000) : Json(nullptr)},
         {"told_by", told},
         {"disputed", map.disputed(edge)}});
  }
  Json gaps = Json::array();
  for (const auto& [a, b] : map.gaps) gaps.push_back({{"a", id(a)}, {"b", id(b)}});
  const Json out = {{"nodes", nodes}, {"edges", edges}, {"gaps", gaps}, {"complete", map.complete}};
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace meshnode::ctl
