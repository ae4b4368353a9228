#include <map>

#include <gtest/gtest.h>

#include "overlay/edge_choice.h"
#include "support/seeded_random.h"

namespace meshnode::overlay {
namespace {

struct EdgeChoiceTest : ::testing::Test {
  NodeId some_id() { return {random.block<32>()}; }
  std::vector<Known> members(std::size_t count) {
    std::vector<Known> out;
    for (std::size_t i = 0; i < count; ++i) out.push_back({some_id(), Known::State::untried});
    return out;
  }
  std::set<NodeId> choose(const std::vector<Known>& known, const std::set<NodeId>& before = {}) {
    return choose_edges(self, known, before, random);
  }

  test::SeededRandom random{5};
  NodeId self = some_id();
};

TEST_F(EdgeChoiceTest, Distance) {
  NodeId a, b;
  a.bytes[0] = 0xf0;
  b.bytes[0] = 0xf1;
  EXPECT_EQ(common_bits(a, b), 7U);
  EXPECT_EQ(common_bits(a, a), 256U);
  EXPECT_EQ(distance(a, b).bytes[0], 1);
  b = a;
  b.bytes[31] = 1;
  EXPECT_EQ(common_bits(a, b), 255U);
}

TEST_F(EdgeChoiceTest, SomeInEachBucketTheNearestAndSomeOthers) {
  const auto known = members(1000);
  const auto chosen = choose(known);
  std::map<unsigned, std::size_t> all, taken;
  for (const Known& member : known) ++all[common_bits(self, member.id)];
  for (const NodeId& id : chosen) ++taken[common_bits(self, id)];
  for (const auto& [bits, count] : all) EXPECT_GE(taken[bits], std::min(count, kPerBucket)) << bits;
  auto sorted = known;
  std::sort(sorted.begin(), sorted.end(), [&](const Known& a, const Known& b) {
    return distance(self, a.id) < distance(self, b.id);
  });
  for (std::size_t i = 0; i < kNearest; ++i) EXPECT_TRUE(chosen.contains(sorted[i].id)) << i;
  EXPECT_LE(chosen.size(), kPerBucket * all.size() + kNearest + kRandom);
  EXPECT_GE(chosen.size(), 36U);
}

TEST_F(EdgeChoiceTest, FewAreAllChosen) {
  const auto known = members(5);
  EXPECT_EQ(choose(known).size(), 5U);
  EXPECT_TRUE(choose({}).empty());
}

TEST_F(EdgeChoiceTest, StaysAsItIsWhileItLives) {
  auto known = members(1000);
  const auto first = choose(known);
  for (Known& member : known)
    if (first.contains(member.id)) member.state = Known::State::connected;
  auto chosen = first;
  for (int i = 0; i < 5; ++i) chosen = choose(known, chosen);
  EXPECT_EQ(chosen, first);
}

// An attacker makes ids and edges to us; who is there keeps its place.
TEST_F(EdgeChoiceTest, NewcomersPushNobodyOut) {
  auto known = members(500);
  const auto first = choose(known);
  for (Known& member : known)
    if (first.contains(member.id)) member.state = Known::State::connected;
  for (const Known& member : members(2000)) known.push_back({member.id, Known::State::connected});
  const auto chosen = choose(known, first);
  std::size_t kept = 0;
  for (const NodeId& id : first) kept += chosen.count(id);
  // But for the nearest, which are whoever is nearest.
  EXPECT_GE(kept + kNearest, first.size());
}

TEST_F(EdgeChoiceTest, TheFailingMakeRoomAndTheGoneAreNotChosen) {
  auto known = members(1000);
  auto first = choose(known);
  std::set<NodeId> failing, gone;
  bool odd = false;
  for (Known& member : known) {
    if (!first.contains(member.id)) continue;
    member.state = odd ? Known::State::failing : Known::State::gone;
    (odd ? failing : gone).insert(member.id);
    odd = !odd;
  }
  const auto chosen = choose(known, first);
  std::size_t still_failing = 0;
  for (const NodeId& id : chosen) {
    EXPECT_FALSE(gone.contains(id));
    still_failing += failing.count(id);
  }
  EXPECT_LE(still_failing, 6U) << "only where nobody else is in the bucket";
  EXPECT_GE(chosen.size(), 30U);
}

}  // namespace
}  // namespace meshnode::overlay
