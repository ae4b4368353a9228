// The stories, with few nodes and few seeds: an ordinary test run. scripts/simulate is for more.
#include "sim/scenario.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace meshnode::sim {
namespace {

Outcome run(const std::string& scenario, std::size_t nodes, std::uint64_t seed, bool cheap = true) {
  RunOptions options;
  options.scenario = scenario;
  options.nodes = nodes;
  options.seed = seed;
  options.cheap = cheap;
  return play(options);
}

class SimStory : public ::testing::TestWithParam<std::string> {};

TEST_P(SimStory, EndsWell) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const Outcome outcome = run(GetParam(), 12, seed);
    EXPECT_TRUE(outcome.ok()) << report(outcome);
  }
}

std::vector<std::string> all_stories() {
  std::vector<std::string> out;
  for (const Scenario& scenario : scenarios()) out.emplace_back(scenario.name);
  return out;
}

INSTANTIATE_TEST_SUITE_P(All, SimStory, ::testing::ValuesIn(all_stories()), [](const auto& story) {
  std::string out = story.param;
  std::replace(out.begin(), out.end(), '-', '_');
  return out;
});

TEST(SimRun, TheSameSeedGivesTheSameEvents) {
  for (const bool cheap : {true, false}) {
    const Outcome first = run("turbulence", 10, 5, cheap);
    const Outcome second = run("turbulence", 10, 5, cheap);
    EXPECT_GT(first.events, 10'000U);
    EXPECT_EQ(first.events, second.events);
    EXPECT_EQ(first.hash, second.hash);
    EXPECT_NE(run("turbulence", 10, 6, cheap).hash, first.hash);
  }
}

TEST(SimRun, PartitionsOfAHundredHeal) {
  const Outcome small = run("partition", 16, 1);
  EXPECT_TRUE(small.ok()) << report(small);
  const Outcome large = run("partition", 200, 1);
  EXPECT_TRUE(large.ok()) << report(large);
}

TEST(SimRun, AHundredWithTheRealSuite) {
  const Outcome outcome = run("hub-death", 100, 1, false);
  EXPECT_TRUE(outcome.ok()) << report(outcome);
}

TEST(SimRun, AFailureSaysHowToSeeItAgain) {
  Outcome outcome;
  outcome.options.scenario = "churn";
  outcome.options.nodes = 7;
  outcome.options.seed = 42;
  outcome.violations.push_back({TimePoint{hours(100)}, "something is wrong", "n1 --> n2\n"});
  const std::string text = report(outcome);
  EXPECT_NE(text.find("something is wrong"), std::string::npos);
  EXPECT_NE(text.find("n1 --> n2"), std::string::npos);
  EXPECT_NE(text.find("scripts/simulate --nodes 7 --seeds 42 --scenario churn --suite cheap"),
            std::string::npos);
}

}  // namespace
}  // namespace meshnode::sim
