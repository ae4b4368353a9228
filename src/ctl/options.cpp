#include "ctl/options.h"

#include <array>

#include <CLI/CLI.hpp>

namespace meshnode::ctl {
namespace {

struct Subcommand {
  Command command;
  const char* name;
  const char* help;
};

constexpr std::array<Subcommand, 4> kSubcommands{{
    {Command::status, "status", "what is going on: this node, its network, all members known"},
    {Command::id, "id", "this node's id"},
    {Command::genkey, "genkey", "make the key of a new network (needs no running meshnode)"},
    {Command::join_line, "join-line", "how another machine joins this network (a secret)"},
}};

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
    if (known.command == Command::status)
      added->add_flag("--json", options.json, "for programs: one JSON document");
  }
  app.require_subcommand(0, 1);
  app.footer("Example: meshctl status");
}

// An empty value would silently mean another daemon than the one that was asked for.
std::optional<Error> check(const CLI::App& app, const Options& options) {
  if (app.get_subcommands().empty())
    return Error::usage("say what to do: status, id, genkey or join-line (see meshctl --help)");
  if (options.control && options.interface)
    return Error::usage("--interface and --control both name a meshnode: give one of them");
  if (options.control && options.control->empty())
    return Error::usage("--control: needs the path of a socket");
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
