#include <algorithm>

#include <toml++/toml.h>

#include "control/printable.h"
#include "node/config_inputs.h"
#include "node/config_text.h"

namespace meshnode::node {
namespace {

constexpr std::size_t kMaxConfigFile = 64 * 1024;

const OptionSpec* spec_of(std::string_view name) {
  const auto found = std::find_if(kOptions.begin(), kOptions.end(),
                                  [&](const OptionSpec& spec) { return name == spec.name; });
  return found == kOptions.end() ? nullptr : &*found;
}

bool is_section(const std::string& name) {
  return std::any_of(kOptions.begin(), kOptions.end(), [&](const OptionSpec& spec) {
    return std::string_view(spec.name).starts_with(name + ".");
  });
}

std::string all_keys() {
  std::string out;
  for (const OptionSpec& spec : kOptions) out += (out.empty() ? "" : ", ") + std::string(spec.name);
  return out;
}

std::string no_such(const std::string& key) {
  const std::string meant = did_you_mean(key, "");
  return meant.empty() ? "; the keys are " + all_keys() : meant;
}

const char* wanted(Shape shape) {
  switch (shape) {
    case Shape::text:
      return "a text in quotes";
    case Shape::number:
      return "a whole number, without quotes";
    case Shape::flag:
    case Shape::toggle:
      return "true or false";
    case Shape::count:
      return "a whole number or a text in quotes";
    case Shape::list:
      return "a list of texts, like [\"a\", \"b\"]";
  }
  return "something else";
}

class FileReader {
 public:
  FileReader(const std::string& path, Inputs& inputs, Problems& problems)
      : path_(control::printable(path)), inputs_(inputs), problems_(problems) {}

  void read(const toml::table& table) {
    for (const auto& [key, value] : table) entry(std::string(key.str()), value);
  }

  std::string at(const toml::source_position& where) const {
    return path_ + ":" + std::to_string(where.line) + ": ";
  }

 private:
  void entry(const std::string& key, const toml::node& value) {
    if (const toml::table* section = value.as_table(); section != nullptr && is_section(key)) {
      for (const auto& [name, inner] : *section) entry(key + "." + std::string(name.str()), inner);
      return;
    }
    const std::string place = at(value.source().begin) + control::printable(key);
    const OptionSpec* spec = spec_of(key);
    if (spec == nullptr)
      problems_.push_back(place + ": no such key" + no_such(key));
    else if (!take(*spec, place, value))
      problems_.push_back(place + ": needs " + wanted(spec->shape));
  }

  // False when the type is not the key's.
  bool take(const OptionSpec& spec, const std::string& place, const toml::node& value) {
    const auto add = [&](std::string text) {
      inputs_[spec.name].push_back({std::move(text), place, true});
    };
    switch (spec.shape) {
      case Shape::text:
        if (!value.is_string()) return false;
        add(value.as_string()->get());
        return true;
      case Shape::number:
        if (!value.is_integer()) return false;
        add(std::to_string(value.as_integer()->get()));
        return true;
      case Shape::flag:
        if (!value.is_boolean()) return false;
        if (value.as_boolean()->get()) add("true");  // false is what not saying it means
        return true;
      case Shape::toggle:
        if (!value.is_boolean()) return false;
        add(value.as_boolean()->get() ? "on" : "off");
        return true;
      case Shape::count:
        if (value.is_integer())
          add(std::to_string(value.as_integer()->get()));
        else if (value.is_string())
          add(value.as_string()->get());
        else
          return false;
        return true;
      case Shape::list:
        return take_list(spec, value);
    }
    return false;
  }

  // Each element has its own line.
  bool take_list(const OptionSpec& spec, const toml::node& value) {
    const toml::array* list = value.as_array();
    if (list == nullptr) return false;
    for (const toml::node& element : *list) {
      if (!element.is_string()) return false;
      inputs_[spec.name].push_back(
          {element.as_string()->get(), at(element.source().begin) + spec.name, true});
    }
    return true;
  }

  std::string path_;
  Inputs& inputs_;
  Problems& problems_;
};

bool holds_secret(const Inputs& inputs) {
  const auto in_file = [](const std::vector<Given>& values) {
    return std::any_of(values.begin(), values.end(), [](const Given& given) {
      return given.from_file && !given.text.starts_with('@');
    });
  };
  const auto key = inputs.find("key");
  const auto seed = inputs.find("seed");
  return (key != inputs.end() && in_file(key->second)) ||
         (seed != inputs.end() && in_file(seed->second));
}

}  // namespace

void read_config_file(const std::string& path, Inputs& inputs, Problems& problems,
                      std::vector<std::string>& notices) {
  const auto file = read_text(path, kMaxConfigFile);
  if (!file) {
    problems.push_back("--config " + control::printable(path) + ": " + file.error().message);
    return;
  }
  FileReader reader(path, inputs, problems);
  try {
    reader.read(toml::parse(file->text, path));
  } catch (const toml::parse_error& wrong) {
    problems.push_back(reader.at(wrong.source().begin) + control::printable(wrong.description()));
  }
  if (file->others_can_read && holds_secret(inputs)) notices.push_back(others_can_read(path));
}

std::string others_can_read(const std::string& path) {
  const std::string shown = control::printable(path);
  return "other users of this machine can read the secret in " + shown + ": chmod 600 " + shown;
}

}  // namespace meshnode::node
