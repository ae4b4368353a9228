// simulate: long runs of the scenarios, over many seeds. Results on stdout, progress on stderr;
// exit code 1 if anything was wrong, 2 for wrong usage.
#include <charconv>
#include <chrono>
#include <cstdio>
#include <optional>
#include <string>

#include <unistd.h>

#include "sim/scenario.h"

namespace {

using namespace meshnode;
using namespace meshnode::sim;

struct Options {
  RunOptions run;
  std::uint64_t first = 1;
  std::uint64_t last = 1;
  bool json = false;
  bool quiet = false;
};

int usage(const std::string& problem) {
  std::fprintf(stderr,
               "%s\nusage: scripts/simulate [--nodes N] [--seeds A..B] [--scenario NAME|all]\n"
               "                        [--suite cheap|real] [--rest MINUTES] [--json] "
               "[--quiet]\nscenarios:\n",
               problem.c_str());
  for (const Scenario& scenario : scenarios())
    std::fprintf(stderr, "  %-18s %s\n", std::string(scenario.name).c_str(),
                 std::string(scenario.what).c_str());
  return 2;
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

bool parse_seeds(std::string_view text, Options& options) {
  const auto dots = text.find("..");
  const auto first = number(text.substr(0, dots));
  const auto last = dots == std::string_view::npos ? first : number(text.substr(dots + 2));
  if (!first || !last || *last < *first) return false;
  options.first = *first;
  options.last = *last;
  return true;
}

// What is wrong with the command line, if anything.
std::optional<std::string> parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--json") {
      options.json = true;
      continue;
    }
    if (name == "--quiet") {
      options.quiet = true;
      continue;
    }
    if (name == "--help" || name == "-h") return "";
    if (i + 1 >= argc) return "'" + std::string(name) + "' is unknown or wants a value";
    const std::string_view value = argv[++i];
    const std::string wrong =
        "'" + std::string(value) + "' makes no sense for " + std::string(name);
    if (name == "--nodes") {
      const auto count = number(value);
      if (!count || *count < 2 || *count > 20'000) return wrong;
      options.run.nodes = static_cast<std::size_t>(*count);
    } else if (name == "--seeds") {
      if (!parse_seeds(value, options)) return wrong;
    } else if (name == "--scenario") {
      if (value != "all" && find_scenario(value) == nullptr) return wrong;
      options.run.scenario = value;
    } else if (name == "--rest") {
      const auto count = number(value);
      if (!count || *count < 1 || *count > 10'000) return wrong;
      options.run.rest = minutes(static_cast<std::int64_t>(*count));
    } else if (name == "--suite") {
      if (value != "cheap" && value != "real") return wrong;
      options.run.cheap = value == "cheap";
    } else {
      return "unknown option '" + std::string(name) + "'";
    }
  }
  return std::nullopt;
}

std::size_t resident_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  unsigned long total = 0;
  unsigned long resident = 0;
  const int read = std::fscanf(file, "%lu %lu", &total, &resident);
  std::fclose(file);
  return read == 2 ? resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) : 0;
}

double in_seconds(Duration span) {
  return std::chrono::duration<double>(span).count();
}

struct Cost {
  double wall = 0;
  double kib_per_node = 0;
};

void print(const Outcome& outcome, const Cost& cost, bool json) {
  const char* plain =
      "%-18s n=%-5zu seed=%-6llu %-4s connected after %6.1f s, %8.0f datagrams and %8.1f KB per "
      "node, %6.1f peers, %5.2f MB/day idle, %6.0f KiB per node, %llu events, %.1f s, hash "
      "%016llx\n";
  const char* as_json =
      "{\"scenario\":\"%s\",\"nodes\":%zu,\"seed\":%llu,\"ok\":%s,\"connected_s\":%.1f,"
      "\"datagrams_per_node\":%.0f,\"kb_per_node\":%.1f,\"peers_per_node\":%.1f,"
      "\"idle_mb_per_day\":%.2f,\"kib_per_node\":%.0f,\"events\":%llu,\"wall_s\":%.1f,"
      "\"hash\":\"%016llx\"}\n";
  const char* ok = json ? (outcome.ok() ? "true" : "false") : (outcome.ok() ? "ok" : "BAD");
  std::printf(json ? as_json : plain, outcome.options.scenario.c_str(), outcome.options.nodes,
              static_cast<unsigned long long>(outcome.options.seed), ok,
              in_seconds(outcome.converged), outcome.datagrams_per_node,
              outcome.bytes_per_node / 1000, outcome.peers_per_node,
              outcome.idle_bytes_per_node_day / 1e6, cost.kib_per_node,
              static_cast<unsigned long long>(outcome.events), cost.wall,
              static_cast<unsigned long long>(outcome.hash));
  std::fflush(stdout);
  if (!outcome.ok()) std::fprintf(stderr, "%s", report(outcome).c_str());
}

bool run_one(const Options& options, RunOptions run) {
  const auto began = std::chrono::steady_clock::now();
  const std::size_t before = resident_bytes();
  if (!options.quiet)
    run.progress = [&](const std::string& line) {
      std::fprintf(stderr, "%s seed %llu: %s\n", run.scenario.c_str(),
                   static_cast<unsigned long long>(run.seed), line.c_str());
    };
  std::size_t after = before;
  run.at_end = [&] { after = std::max(before, resident_bytes()); };
  const Outcome outcome = play(run);
  const Cost cost{std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count(),
                  static_cast<double>(after - before) / 1024 / static_cast<double>(run.nodes)};
  print(outcome, cost, options.json);
  return outcome.ok();
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (const auto problem = parse(argc, argv, options)) return usage(*problem);
  bool ok = true;
  for (std::uint64_t seed = options.first; seed <= options.last; ++seed)
    for (const Scenario& scenario : scenarios()) {
      if (options.run.scenario != "all" && options.run.scenario != scenario.name) continue;
      RunOptions run = options.run;
      run.scenario = scenario.name;
      run.seed = seed;
      ok = run_one(options, run) && ok;
    }
  return ok ? 0 : 1;
}
