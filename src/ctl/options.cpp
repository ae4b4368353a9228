#include "ctl/options.h"

#include <array>

#include <CLI/CLI.hpp>

#include "control/printable.h"

namespace meshnode::ctl {
namespace {

struct Subcommand {
  Command command;
  const char* name;
  const char* help;
  bool json = true;
};

constexpr std::size_t kMaxServers = 32;

constexpr std::array<Subcommand, 15> kSubcommands{{
    {Command::status, "status", "what is going on: this node, its network, all peers"},
    {Command::peers, "peers", "all peers: state, path, round trip, loss, MTU, traffic"},
    {Command::peer, "peer", "one peer in full: path, figures, candidates, path history"},
    {Command::ping, "ping", "ask a peer through the tunnel, and tell round trip and path"},
    {Command::trace, "trace", "what each side believes of the edge to a peer"},
    {Command::why, "why", "why there is no edge, or not the best one, and what would help"},
    {Command::watch, "watch", "what happens from now on, line by line"},
    {Command::top, "top", "traffic of each edge, live on a terminal"},
    {Command::map, "map", "the whole mesh: who has an edge to whom, as the members tell"},
    {Command::netcheck, "netcheck",
     "what this machine's network does to UDP (works without a running meshnode, too)"},
    {Command::log_level, "log-level",
     "ask for the log levels, or change them until the next start"},
    {Command::reload, "reload", "read the configuration again, and apply what can be applied"},
    {Command::id, "id", "this node's id", false},
    {Command::genkey, "genkey", "make the key of a new network (needs no running meshnode)", false},
    {Command::join_line, "join-line", "how another machine joins this network (a secret)", false},
}};

void describe_netcheck(CLI::App& to, Options& options) {
  to.add_option_function<std::vector<std::string>>(
        "--bootstrap",
        [&options](const std::vector<std::string>& texts) {
          for (const std::string& text : texts) {
            const auto server = HostPort::parse(text);
            if (!server)
              throw CLI::ValidationError("--bootstrap " + control::printable(text),
                                         "needs HOST:PORT, like hub.example.org:3731");
            options.servers.push_back(*server);
          }
        },
        "ask this hub or STUN server; may be given again (default: those of the running meshnode)")
      ->type_name("HOST:PORT")
      ->take_all()
      ->trigger_on_parse(false)
      ->expected(1, static_cast<int>(kMaxServers));
  to.add_option("--port", options.port, "test the filter of this local UDP port (default: any)")
      ->type_name("N")
      ->check(CLI::Range(1, 65535));
  to.add_option("--lifetime", options.lifetime_s,
                "measure how long a mapping lasts, up to SEC (5 to 3600); takes as long")
      ->type_name("SEC")
      ->check(CLI::Range(5, 3600));
}

void describe_arguments(CLI::App& to, Command command, Options& options) {
  const auto peer = [&] {
    to.add_option("peer", options.peer, "its name, its address, or the beginning of its id")
        ->type_name("PEER")
        ->required();
  };
  const auto interval = [&](const char* help) {
    to.add_option("-i,--interval", options.interval_s, help)
        ->type_name("SEC")
        ->check(CLI::Range(0.1, 3600.0));
  };
  switch (command) {
    case Command::peer:
    case Command::trace:
      return peer();
    case Command::why:
      to.add_option("peer", options.peer, "one peer only; by default all")->type_name("PEER");
      return;
    case Command::ping:
      peer();
      to.add_option("-c,--count", options.count, "so many pings; 0: until interrupted (default: 5)")
          ->type_name("N")
          ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{1'000'000}));
      return interval("seconds between pings, 0.1 to 3600 (default: 1)");
    case Command::top:
      return interval("seconds between looks, 0.1 to 3600 (default: 1)");
    case Command::map:
      to.add_flag("--dot", options.dot, "for Graphviz: meshctl map --dot | dot -Tsvg");
      return;
    case Command::netcheck:
      return describe_netcheck(to, options);
    case Command::log_level:
      to.add_option("level", options.level,
                    "trace, debug, info, warn, error or off; of one module: dht=debug")
          ->type_name("LEVELS");
      return;
    case Command::reload:
      to.add_flag("--exec", options.exec,
                  "begin anew with the program that is installed now; connections stay");
      return;
    default:
      return;
  }
}

void describe(CLI::App& app, Options& options) {
  app.name("meshctl");
  app.get_formatter()->column_width(28);
  app.set_help_flag("-h,--help", "print this and exit");
  app.set_version_flag("--version", "meshctl " MESHNODE_VERSION, "print the version and exit");
  app.add_option("--interface", options.interface,
                 "talk to the meshnode of this interface (default: the only one)")
      ->type_name("NAME");
  app.add_option("--control", options.control, "talk to the meshnode of this socket")
      ->type_name("PATH");
  app.fallthrough();
  for (const Subcommand& known : kSubcommands) {
    auto* added = app.add_subcommand(known.name, known.help);
    added->callback([&options, known] { options.command = known.command; });
    if (known.json) added->add_flag("--json", options.json, "for programs: JSON");
    describe_arguments(*added, known.command, options);
  }
  app.require_subcommand(0, 1);
  app.footer(
      "Exit code: 0 done, 1 the world is in the way (nobody answers), 2 typing something else "
      "helps; of why also 3, 4, 5: something is wrong that can be mended here, there, nowhere.\n"
      "Example: meshctl status");
}

std::string command_list() {
  std::string out;
  for (const Subcommand& known : kSubcommands)
    out += (out.empty() ? "" : ", ") + std::string(known.name);
  return out;
}

// An empty value would silently mean another daemon than the one that was asked for.
std::optional<Error> check(const CLI::App& app, const Options& options) {
  if (app.get_subcommands().empty())
    return Error::usage("say what to do: " + command_list() + " (see meshctl --help)");
  if (options.control && options.interface)
    return Error::usage("--interface and --control both name a meshnode: give one of them");
  if (options.control && options.control->empty())
    return Error::usage("--control: needs the path of a socket");
  if (options.dot && options.json) return Error::usage("--dot and --json: give one of them");
  const bool named = options.interface.has_value();
  if (named && (options.interface->empty() || options.interface->find('/') != std::string::npos))
    return Error::usage("--interface: needs an interface's name, like mesh0");
  return std::nullopt;
}

}  // namespace

std::variant<Options, Printed, Error> parse(int argc, const char* const* argv) {
  Options options;
  CLI::App app("Shows and steers a running meshnode.");
  describe(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    const auto chosen = app.get_subcommands();
    return Printed{chosen.empty() ? app.help() : chosen.front()->help("meshctl")};
  } catch (const CLI::CallForVersion& version) {
    return Printed{version.what() + std::string("\n")};
  } catch (const CLI::ParseError& wrong) {
    return Error::usage(std::string(wrong.what()) + " (see meshctl --help)");
  }
  if (auto wrong = check(app, options)) return *wrong;
  return options;
}

}  // namespace meshnode::ctl
