#include <algorithm>
#include <memory>

#include <CLI/CLI.hpp>

#include "base/suggest.h"
#include "control/printable.h"
#include "node/config_example.h"
#include "node/config_inputs.h"

namespace meshnode::node {
namespace {

// Options first by group, in the order of the table; then the example.
void describe(CLI::App& app) {
  app.name("meshnode");
  app.get_formatter()->column_width(36);
  app.get_formatter()->label("OPTIONS", "OPTION…");
  app.set_help_flag("-h,--help", "print this and exit");
  app.set_version_flag("--version", "meshnode " MESHNODE_VERSION, "print the version and exit");
  app.allow_extras();
  app.footer(
      "Examples: sudo meshnode --lan-only                      one LAN\n"
      "          sudo meshnode --bootstrap HUB:3731            behind NATs; meshhub runs on HUB\n"
      "On the other machines the same, with --key @- and the key that the first one shows.");
}

using Texts = std::map<std::string, std::vector<std::string>>;

void add_option(CLI::App& app, const OptionSpec& spec, Texts& texts) {
  const std::string dashed = std::string("--") + spec.name;
  std::vector<std::string>& target = texts[spec.name];
  CLI::Option* option = nullptr;
  if (spec.shape == Shape::flag) {
    option = app.add_flag_callback(
        dashed, [&target] { target = {"true"}; }, spec.help);
  } else {
    // A vector option would swallow whatever follows it.
    option = app.add_option(dashed, target, spec.help)->expected(1)->allow_extra_args(false);
    option->multi_option_policy(spec.shape == Shape::list ? CLI::MultiOptionPolicy::TakeAll
                                                          : CLI::MultiOptionPolicy::Throw);
    option->type_name(spec.placeholder)->default_str(spec.standard);
  }
  option->group(spec.group);
}

// A mistyped --key would leave its secret among the things that we do not know.
std::string shown(const std::string& argument) {
  if (argument.starts_with("--")) return control::printable(argument.substr(0, argument.find('=')));
  if (argument.starts_with("mesh1") && argument.size() > 15) return "mesh1… (a join token)";
  return control::printable(argument);
}

std::string_view name_of(std::string_view argument) {
  if (!argument.starts_with("--")) return {};
  return argument.substr(2, argument.find('=') - 2);
}

Problems complaints(const std::vector<std::string>& unknown) {
  Problems out;
  for (const std::string& argument : unknown)
    out.push_back(shown(argument) + ": meshnode knows no such " +
                  (argument.starts_with("-") ? "option" : "argument") +
                  did_you_mean(name_of(argument), "--") + " (see meshnode --help)");
  return out;
}

Inputs inputs_of(const Texts& texts) {
  Inputs out;
  for (const auto& [name, values] : texts)
    for (const std::string& value : values) out[name].push_back({value, "--" + name});
  return out;
}

// The library's words, where ours are clearer.
std::string sentence(const std::string& wrong) {
  const auto twice = wrong.find(": At Most 1 required");
  if (twice != wrong.npos) return wrong.substr(0, twice) + " is given more than once";
  const auto valueless = wrong.find(": 1 required ");
  if (valueless != wrong.npos) return wrong.substr(0, valueless) + " needs a value";
  return control::printable(wrong);
}

}  // namespace

std::string did_you_mean(std::string_view mistyped, std::string_view dashes) {
  std::array<std::string_view, kOptions.size()> names;
  std::transform(kOptions.begin(), kOptions.end(), names.begin(),
                 [](const OptionSpec& spec) { return spec.name; });
  const std::string meant = nearest_word(mistyped, names);
  return meant.empty() ? "" : "; did you mean " + std::string(dashes) + meant + "?";
}

std::variant<CommandLine, Printed, Error> read_command_line(std::vector<std::string> arguments) {
  CLI::App app(
      "Joins this machine to a private mesh network: every member is one encrypted hop away.");
  describe(app);
  Texts texts;
  CommandLine out;
  for (const OptionSpec& spec : kOptions) add_option(app, spec, texts);
  app.add_option("--config", out.config_file,
                 "read options from a TOML file; keys are the long option names")
      ->type_name("FILE")
      ->group("Files and log");
  app.add_flag("--check-config", out.check_only,
               "say what is wrong with the options and the file, start nothing")
      ->group("Files and log");
  bool example = false;
  app.add_flag("--example-config", example, "print a configuration file with every option")
      ->group("Files and log");
  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
  try {
    app.parse(arguments);
  } catch (const CLI::CallForHelp&) {
    return Printed{app.help()};
  } catch (const CLI::CallForVersion& version) {
    return Printed{version.what() + std::string("\n")};
  } catch (const CLI::ParseError& wrong) {
    return Error::usage(sentence(wrong.what()) + " (see meshnode --help)");
  }
  if (example) return Printed{example_config()};
  out.inputs = inputs_of(texts);
  out.problems = complaints(app.remaining());
  return out;
}

}  // namespace meshnode::node
