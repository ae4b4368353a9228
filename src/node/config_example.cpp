#include "node/config_example.h"

#include <algorithm>

#include "node/config_inputs.h"

namespace meshnode::node {
namespace {

struct Example {
  std::string_view name;
  std::string_view value;
};

// For options without a default that could be shown.
constexpr Example kExamples[] = {
    {"key", "\"@/etc/meshnode/key\""},           {"seed", "\"any text\""},
    {"bootstrap", "[\"hub.example.org:3731\"]"}, {"name", "\"alpha\""},
    {"address", "[\"10.77.0.1/24\"]"},           {"port", "3731"},
    {"stun", "[\"stun.example.org:3478\"]"},     {"metrics.listen", "\"127.0.0.1:9731\""},
};

std::string value_of(const OptionSpec& spec) {
  const auto* const found =
      std::find_if(std::begin(kExamples), std::end(kExamples),
                   [&](const Example& each) { return each.name == spec.name; });
  if (found != std::end(kExamples)) return std::string(found->value);
  switch (spec.shape) {
    case Shape::flag:
      return "false";
    case Shape::toggle:
      return std::string_view(spec.standard) == "on" ? "true" : "false";
    case Shape::number:
      return spec.standard;
    case Shape::text:
    case Shape::count:
    case Shape::list:
      break;
  }
  return '"' + std::string(spec.standard) + '"';
}

}  // namespace

std::string example_config() {
  std::string out =
      "# meshnode's configuration (TOML). Every line is optional; what is here in comments is the\n"
      "# default or, where there is none, an example. Options on the command line come first.\n"
      "# meshnode.conf(5) tells more; check with: meshnode --config FILE --check-config\n";
  std::string_view group;
  std::string section;
  for (const OptionSpec& spec : kOptions) {
    const std::string_view name = spec.name;
    const std::size_t dot = name.find('.');
    if (group != spec.group) out += "\n# ---- " + std::string(group = spec.group) + "\n";
    if (dot != name.npos && section != name.substr(0, dot)) {
      section = name.substr(0, dot);
      out += "\n[" + section + "]\n";
    }
    const std::string_view key = dot == name.npos ? name : name.substr(dot + 1);
    out +=
        "\n# " + std::string(spec.help) + "\n#" + std::string(key) + " = " + value_of(spec) + "\n";
  }
  return out;
}

}  // namespace meshnode::node
