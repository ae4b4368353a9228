// Stories that a mesh has to survive: turbulence drawn from the seed, then calm, then everything
// has to be well again.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/calm.h"
#include "sim/town.h"
#include "sim/world.h"

namespace meshnode::sim {

struct RunOptions {
  std::string scenario = "turbulence";
  std::size_t nodes = 10;
  std::uint64_t seed = 1;
  bool cheap = true;
  std::optional<Duration> rest{};  // "start": how long, before it is measured and again meanwhile
  std::function<void(const std::string& line)> progress{};
  std::function<void()> at_end{};  // the world still stands
};

// What came of one run.
struct Outcome {
  RunOptions options;
  std::vector<Violation> violations;
  std::uint64_t hash = 0;
  std::uint64_t events = 0;
  Duration lasted{};     // virtual time
  Duration converged{};  // from the start, or from the calm's beginning, until all were connected
  std::size_t started = 0;
  double datagrams_per_node = 0;  // until then
  double bytes_per_node = 0;
  double idle_bytes_per_node_day = 0;  // after that, with IP and UDP headers, both ways
  double peers_per_node = 0;
  Calm::Exchange exchange;
  std::uint64_t most_to_stranger = 0;
  FrameWatch::Said said;
  bool ok() const { return violations.empty(); }
};

// A run under way: what scenarios are made of.
class Run {
 public:
  Run(const RunOptions& options, const TownRules& town_rules);

  World world;
  Town town;
  Calm calm{world};
  Outcome outcome;
  std::size_t nodes() const { return options_.nodes; }
  const RunOptions& options() const { return options_; }
  // Few enough that everybody has an edge with everybody.
  bool full() const { return world.size() <= 64; }
  std::uint64_t draw(std::uint64_t bound) { return world.random.below(bound); }
  Host& any_host() { return world.host(static_cast<std::size_t>(draw(world.size()))); }
  bool chance(unsigned percent) { return draw(100) < percent; }

  void populate(std::size_t count);
  // Each at a moment of its own within `span`.
  void start_all(Duration span);
  // Until all who can meet do; complains if that takes longer than `limit`.
  void expect_connected(Duration limit);
  // Packets, paths and bounds; an hour's rest if asked for.
  void expect_well();
  void weather(unsigned loss, unsigned duplicate, unsigned reorder, Duration jitter);
  void rest(Duration span);
  HostStats sum_stats() const;
  void say_difference(const HostStats& before, const HostStats& after, Duration span);
  void say(const std::string& line);
  Outcome finish();

 private:
  bool connected() const;
  RunOptions options_;
};

struct Scenario {
  std::string_view name;
  std::string_view what;
  void (*play)(Run&);
  TownRules town{};
};

const std::vector<Scenario>& scenarios();
const Scenario* find_scenario(std::string_view name);
Outcome play(const RunOptions& options);
// What a person needs to see, and to do it again.
std::string report(const Outcome& outcome);
std::string replay_command(const RunOptions& options);

}  // namespace meshnode::sim
