// One run: population, weather, and what is expected at its end.
#include <chrono>
#include <cstdio>

#include "sim/scenario.h"

namespace meshnode::sim {
namespace {

constexpr std::size_t kPairs = 50;
constexpr Duration kWatch = minutes(3);

}  // namespace

Run::Run(const RunOptions& options, const TownRules& town_rules)
    : world({.seed = options.seed, .cheap = options.cheap}),
      town(world, town_rules),
      options_(options) {
  outcome.options = options;
  // With thousands this would be most of the memory.
  world.watch.count_tellings = options.nodes <= 256;
}

void Run::say(const std::string& line) {
  if (!options_.progress) return;
  char time[32];
  std::snprintf(time, sizeof(time), "%9.1f s  ",
                std::chrono::duration<double>(world.now() - TimePoint{hours(100)}).count());
  options_.progress(time + line);
}

void Run::populate(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) town.settle();
}

void Run::start_all(Duration span) {
  const auto ms = static_cast<std::uint64_t>(span / milliseconds(1));
  for (std::size_t i = 0; i < world.size(); ++i) {
    Host* host = &world.host(i);
    if (!host->running())
      world.at(world.now() + milliseconds(ms == 0 ? 0 : draw(ms)), [host] { host->start(); });
  }
  world.run_for(span + milliseconds(1));
}

bool Run::connected() const {
  return full() ? calm.missing_edges(1).empty() : calm.missing_records() == 0;
}

void Run::expect_connected(Duration limit) {
  const TimePoint began = world.now();
  const Duration step = full() ? Duration(milliseconds(100)) : Duration(seconds(1));
  Duration told = minutes(1);
  const auto done = [&] {
    if (world.now() - began >= told) {
      told += minutes(1);
      say("not yet: " +
          std::to_string(full() ? calm.missing_edges(10'000).size() : calm.missing_records()) +
          (full() ? " edges" : " records") + " missing");
    }
    return connected();
  };
  if (!world.run_until(done, limit, step)) {
    for (const auto& [a, b] : calm.missing_edges(full() ? 3 : 0))
      world.complain("n" + std::to_string(a) + " and n" + std::to_string(b) +
                         " could be connected and are not; " + calm.why(a, b) + "; " +
                         calm.why(b, a) + "; " + Town::describe(world, world.host(a)) + "; " +
                         Town::describe(world, world.host(b)),
                     {host_owner(a), host_owner(b)});
    if (!full())
      world.complain(std::to_string(calm.missing_records()) + " records have not arrived");
  }
  outcome.converged = world.now() - began;
  outcome.datagrams_per_node =
      static_cast<double>(world.datagrams) / static_cast<double>(world.size());
  outcome.bytes_per_node = static_cast<double>(world.bytes) / static_cast<double>(world.size());
  say("connected");
}

void Run::expect_well() {
  outcome.exchange = calm.exchange(kPairs);
  say("packets exchanged");
  if (world.size() <= 256) calm.watch_paths(kWatch);
  calm.check_bounds();
}

void Run::weather(unsigned loss, unsigned duplicate, unsigned reorder, Duration jitter) {
  world.network.each_line([&](LineRules& rules) {
    rules.loss_per_mille = loss;
    rules.duplicate_per_mille = duplicate;
    rules.reorder_per_mille = reorder;
    rules.jitter = jitter;
  });
}

HostStats Run::sum_stats() const {
  HostStats out;
  for (std::size_t i = 0; i < world.size(); ++i) {
    const HostStats& one = world.host(i).stats();
    out.inits += one.inits;
    out.probes += one.probes;
    out.data += one.data;
    out.other += one.other;
    out.beacons += one.beacons;
  }
  return out;
}

// What a node sends an hour.
void Run::say_difference(const HostStats& before, const HostStats& after, Duration span) {
  const double scale =
      std::chrono::duration<double>(hours(1)) / span / static_cast<double>(world.size());
  const auto rate = [&](std::uint64_t HostStats::*kind) {
    return std::to_string(
        static_cast<std::uint64_t>(static_cast<double>(after.*kind - before.*kind) * scale));
  };
  say("rest, an hour and node: " + rate(&HostStats::inits) + " handshake messages, " +
      rate(&HostStats::probes) + " probes, " + rate(&HostStats::data) + " data frames, " +
      rate(&HostStats::beacons) + " beacons, " + rate(&HostStats::other) + " others");
}

void Run::rest(Duration span) {
  const std::uint64_t before = world.bytes;
  const HostStats sums = sum_stats();
  world.run_for(span);
  say_difference(sums, sum_stats(), span);
  const double days = std::chrono::duration<double>(span).count() / 86'400;
  // Each datagram is sent by one and received by another.
  outcome.idle_bytes_per_node_day =
      2 * static_cast<double>(world.bytes - before) / static_cast<double>(world.size()) / days;
}

Outcome Run::finish() {
  if (options_.at_end) options_.at_end();
  outcome.violations = world.violations();
  outcome.hash = world.trace.hash();
  outcome.events = world.trace.events();
  outcome.lasted = world.now() - TimePoint{hours(100)};
  outcome.most_to_stranger = world.most_to_stranger();
  outcome.said = world.watch.said();
  std::size_t peers = 0;
  for (std::size_t i = 0; i < world.size(); ++i) {
    outcome.started += world.host(i).stats().starts;
    peers += world.host(i).snapshot().peers.size();
  }
  outcome.peers_per_node = static_cast<double>(peers) / static_cast<double>(world.size());
  return outcome;
}

}  // namespace meshnode::sim
