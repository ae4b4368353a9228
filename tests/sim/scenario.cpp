#include "sim/scenario.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

#include "sim/stories.h"

namespace meshnode::sim {

const std::vector<Scenario>& scenarios() {
  static const TownRules kUsual{};
  static const TownRules kHomesAlike{.open = 0,
                                     .telephones = 0,
                                     .carrier_homes = 0,
                                     .dual_stack = 0,
                                     .per_home = 1,
                                     .vary_routers = false};
  static const std::vector<Scenario> kAll{
      {"start",
       "all start within seconds, then rest: an hour, with more than 128 nodes 20 min, 512 6 min",
       play_start, kUsual},
      {"turbulence", "everything at once, drawn from the seed", play_turbulence, kUsual},
      {"hub-death", "all hubs die under running edges; then one node restarts", play_hub_death,
       kUsual},
      {"cold-restart", "hubs are dead, and all nodes lose power at once", play_cold_restart,
       kUsual},
      {"cold-homes", "the same, all behind port-restricted NATs", play_cold_restart, kHomesAlike},
      {"partition", "two halves without each other for five minutes", play_partition, kUsual},
      {"churn", "20 % of the members restart each minute", play_churn, kUsual},
      {"restart-storm", "all crash and start again within a second", play_restart_storm, kUsual},
      {"roaming-storm", "half of all change their network at once, three times", play_roaming_storm,
       kUsual},
      {"loss", "10 % of all datagrams are lost, always", play_loss, kUsual},
      {"clocks", "clocks wrong by up to ten minutes, and they jump", play_clocks, kUsual},
      {"attacker", "somebody on the way replays and forges", play_attacker, kUsual},
      {"hostile-member", "one member in ten lies: floods, old, oversized and false messages",
       play_hostile_member, kUsual},
      {"hostile-directory", "hubs answer with noise and with old values", play_hostile_directory,
       kUsual},
  };
  return kAll;
}

const Scenario* find_scenario(std::string_view name) {
  const auto& all = scenarios();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Scenario& s) { return s.name == name; });
  return found == all.end() ? nullptr : &*found;
}

Outcome play(const RunOptions& options) {
  const Scenario* scenario = find_scenario(options.scenario);
  Run run(options, scenario->town);
  scenario->play(run);
  return run.finish();
}

std::string replay_command(const RunOptions& options) {
  return "scripts/simulate --nodes " + std::to_string(options.nodes) + " --seeds " +
         std::to_string(options.seed) + " --scenario " + options.scenario + " --suite " +
         (options.cheap ? "cheap" : "real");
}

std::string report(const Outcome& outcome) {
  std::string out;
  for (const Violation& violation : outcome.violations) {
    char time[32];
    std::snprintf(time, sizeof(time), "%.3f s: ",
                  std::chrono::duration<double>(violation.at - TimePoint{hours(100)}).count());
    out += time + violation.what + "\n" + violation.diagram;
  }
  if (!outcome.ok()) out += "again: " + replay_command(outcome.options) + "\n";
  return out;
}

}  // namespace meshnode::sim
