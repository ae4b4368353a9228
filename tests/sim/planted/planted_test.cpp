// The simulator catches what is planted, and only then.
#include "planted.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "sim/attacker.h"
#include "sim/scenario.h"

namespace meshnode::sim {
namespace {

using planted::Bug;

struct Catch {
  Bug bug;
  const char* name;
  const char* complaint;
};

void talk(Run& run, int rounds, Duration pause) {
  for (int i = 0; i < rounds; ++i) {
    for (HostIndex a = 0; a < run.nodes(); ++a) {
      Host& one = run.world.host(a);
      Host& next = run.world.host((a + 1) % run.nodes());
      one.send_packet(next);
      next.send_packet(one);
      run.world.run_for(pause / static_cast<std::int64_t>(run.nodes()));
    }
  }
}

// All to all, at one moment.
void all_at_once(Run& run) {
  for (HostIndex a = 0; a < run.nodes(); ++a)
    for (HostIndex b = 0; b < run.nodes(); ++b)
      if (a != b) run.world.host(a).send_packet(run.world.host(b));
}

// Enough of everything that one of the bugs needs: doubled datagrams, an attacker, talk over the
// time of a rekey, and both sides that begin at once after a rest.
std::vector<Violation> live(Bug bug) {
  planted::present = bug;
  Run run({.nodes = 6, .seed = 3}, {});
  run.populate(run.nodes());
  run.start_all(seconds(1));
  run.world.run_until([&] { return run.calm.missing_edges(1).empty(); }, minutes(1));
  {
    const Attacker attacker(run.world, 100);
    run.weather(0, 100, 50, milliseconds(5));
    talk(run, 150, seconds(1));
  }
  run.weather(0, 0, 0, {});
  for (int i = 0; i < 3; ++i) {
    run.world.run_for(minutes(5));  // the keys are dead then
    all_at_once(run);
    run.calm.exchange(20);
  }
  planted::present = Bug::none;
  return run.world.violations();
}

std::string list(const std::vector<Violation>& violations) {
  std::string out;
  for (const Violation& violation : violations) out += violation.what + "\n";
  return out;
}

TEST(SimPlanted, NothingIsWrongWithoutABug) {
  EXPECT_EQ(list(live(Bug::none)), "");
}

class SimPlantedBug : public ::testing::TestWithParam<Catch> {};

TEST_P(SimPlantedBug, IsCaught) {
  const auto violations = live(GetParam().bug);
  EXPECT_TRUE(std::any_of(violations.begin(), violations.end(), [&](const Violation& violation) {
    return violation.what.find(GetParam().complaint) != std::string::npos;
  })) << list(violations);
}

INSTANTIATE_TEST_SUITE_P(
    Bugs, SimPlantedBug,
    ::testing::Values(Catch{Bug::no_replay_mark, "NoReplayMark", "came out twice"},
                      Catch{Bug::counter_reuse, "CounterReuse", "used twice under one key"},
                      Catch{Bug::roam_before_tag, "RoamBeforeTag", "sends data to a stranger"},
                      Catch{Bug::gossip_echo, "GossipEcho", "the same record again and again"},
                      Catch{Bug::lost_tie_break, "LostTieBreak", "no packet gets from"}),
    [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace meshnode::sim
