// ctl/mesh_map: what members tell of their edges becomes one map.
#include <algorithm>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "control/reports_json.h"
#include "ctl/mesh_map.h"

namespace meshnode::ctl {
namespace {

using control::EdgesReport;
using control::PathKind;

NodeId id(std::uint8_t fill) {
  NodeId out;
  out.bytes.fill(fill);
  return out;
}

control::PeerStatus peer(std::uint8_t who, const char* name, bool edge) {
  control::PeerStatus out;
  out.id = id(who);
  out.name = name;
  if (edge) out.path = control::PathStatus{PathKind::lan, {}, *Endpoint::parse("10.0.0.2:1"), 1.25};
  return out;
}

// alpha (1) sees beta (2) and not gamma (3); beta tells of both.
struct Map : ::testing::Test {
  Map() {
    here.node.id = id(1);
    here.node.name = "alpha";
    here.peers = {peer(3, "gamma", false), peer(2, "beta", true)};
    told = {{id(2),
             "beta",
             true,
             true,
             {{id(1), "alpha", PathKind::lan, 1.5}, {id(3), "gamma", PathKind::direct, 20}},
             {}}};
  }
  control::Snapshot here;
  std::vector<EdgesReport> told;
};

TEST_F(Map, BothSidesMakeOneEdge) {
  const MeshMap map = make_map(here, told);
  ASSERT_EQ(map.nodes.size(), 3U);
  EXPECT_EQ(map.nodes[0].name, "alpha");
  EXPECT_EQ(map.nodes[2].answer, MapNode::Answer::not_asked);
  ASSERT_EQ(map.edges.size(), 2U);
  EXPECT_TRUE(map.edges[0].told_by_a && map.edges[0].told_by_b);
  EXPECT_EQ(map.edges[0].rtt_ms, 1.25);
  EXPECT_FALSE(map.disputed(map.edges[0]));
  EXPECT_TRUE(map.edges[1].told_by_a);
  EXPECT_FALSE(map.edges[1].told_by_b);
  EXPECT_FALSE(map.disputed(map.edges[1])) << "gamma was not asked";
  EXPECT_EQ(map.gaps, (std::vector<std::pair<std::size_t, std::size_t>>{{0, 2}}));
}

TEST_F(Map, TextIsGolden) {
  EXPECT_EQ(render_map(make_map(here, told), {}),
            "NODE   EDGE TO     RTT  PATH\n"
            "alpha  beta     1.2 ms  lan     this node\n"
            "beta   alpha    1.2 ms  lan\n"
            "       gamma     20 ms  direct\n"
            "gamma  beta      20 ms  direct  not asked: no edge to it from here\n"
            "\n"
            "3 nodes, 2 edges\n"
            "no edge: alpha and gamma\n");
}

TEST_F(Map, DotIsGolden) {
  const auto name = [](std::uint8_t who) { return "\"" + id(who).to_string() + "\""; };
  EXPECT_EQ(map_dot(make_map(here, told)),
            "graph mesh {\n"
            "  " +
                name(1) +
                " [label=\"alpha\" penwidth=2];\n"
                "  " +
                name(2) +
                " [label=\"beta\"];\n"
                "  " +
                name(3) +
                " [label=\"gamma\" style=dashed];\n"
                "  " +
                name(1) + " -- " + name(2) +
                " [label=\"1.2 ms\" penwidth=2];\n"
                "  " +
                name(2) + " -- " + name(3) +
                " [label=\"20 ms\"];\n"
                "}\n");
}

TEST_F(Map, JsonHasWhatIsDocumented) {
  const auto json = nlohmann::json::parse(map_json(make_map(here, told)));
  EXPECT_EQ(json["nodes"][0]["answer"], "here");
  EXPECT_EQ(json["nodes"][1]["answer"], "told");
  EXPECT_EQ(json["nodes"][2]["answer"], "not-asked");
  EXPECT_EQ(json["edges"][0]["a"], id(1).to_string());
  EXPECT_EQ(json["edges"][0]["told_by"].size(), 2U);
  EXPECT_EQ(json["edges"][1]["path_kind"], "direct");
  EXPECT_EQ(json["edges"][1]["disputed"], false);
  EXPECT_EQ(json["gaps"].size(), 1U);
  EXPECT_EQ(json["complete"], true);
}

TEST_F(Map, OneSidedEdgesRefusalsAndSilenceAreSeen) {
  told.push_back({id(3), "gamma", true, true, {}, {}});
  MeshMap map = make_map(here, told);
  EXPECT_TRUE(map.disputed(map.edges[1])) << "gamma tells, and not of beta";
  told.back().shares = false;
  map = make_map(here, told);
  EXPECT_FALSE(map.disputed(map.edges[1]));
  EXPECT_EQ(map.nodes[2].answer, MapNode::Answer::refused);
  told.back().shares.reset();
  map = make_map(here, told);
  EXPECT_EQ(map.nodes[2].answer, MapNode::Answer::silent);
  told.front().complete = false;
  EXPECT_FALSE(make_map(here, told).complete);
}

TEST_F(Map, WhoToldOnlyAPartDeniesNothing) {
  told.push_back({id(3), "gamma", true, false, {}, {}});
  told.push_back({id(4), "delta", true, false, {}, {}});
  const MeshMap map = make_map(here, told);
  ASSERT_EQ(map.edges.size(), 2U);
  EXPECT_FALSE(map.disputed(map.edges[1])) << "gamma may not have come to beta yet";
  EXPECT_EQ(map.nodes[2].answer, MapNode::Answer::told);
  const std::pair<std::size_t, std::size_t> of_both{2, 3};
  EXPECT_EQ(std::count(map.gaps.begin(), map.gaps.end(), of_both), 0) << "neither told all";
  EXPECT_EQ(map.gaps.size(), 3U);
}

TEST_F(Map, NamesOfOthersDoNoHarm) {
  told[0].edges[1].name = "";
  here.peers[0].name = "\"];\x1b[31m\\\n";
  const MeshMap map = make_map(here, told);
  const std::string dot = map_dot(map);
  EXPECT_EQ(dot.find('\x1b'), std::string::npos);
  EXPECT_NE(dot.find("label=\"\\\"];"), std::string::npos);
  EXPECT_EQ(render_map(map, {}).find('\x1b'), std::string::npos);
}

TEST_F(Map, NobodyElse) {
  here.peers.clear();
  const MeshMap map = make_map(here, {});
  EXPECT_EQ(map.nodes.size(), 1U);
  EXPECT_NE(render_map(map, {}).find("1 node, 0 edges"), std::string::npos);
}

TEST_F(Map, ReportsGoThroughJson) {
  for (const auto& shares : {std::optional(true), std::optional(false), std::optional<bool>()}) {
    EdgesReport report = told[0];
    report.shares = shares;
    if (!shares) report.failure = control::Failure{"no-answer", "text"};
    const auto again = control::edges_from_json(control::to_json(report));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->id, report.id);
    EXPECT_EQ(again->shares, report.shares);
    EXPECT_EQ(again->complete, report.complete);
    EXPECT_EQ(again->edges, report.edges);
    EXPECT_EQ(again->failure, report.failure);
  }
  EXPECT_FALSE(control::edges_from_json("{}"));
}

}  // namespace
}  // namespace meshnode::ctl
