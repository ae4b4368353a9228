#include "metrics/exposition.h"

#include <array>
#include <charconv>
#include <cmath>

#include "base/text.h"

namespace meshnode::metrics {
namespace {

constexpr std::array<std::string_view, 3> kTypes{"gauge", "counter", "info"};
constexpr std::array<std::string_view, 3> kSuffixes{"", "_total", "_info"};

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : valid_utf8(text)) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

void Exposition::family(Type type, std::string_view name, std::string_view help,
                        std::string_view unit) {
  const auto index = static_cast<std::size_t>(type);
  const std::string of(name);
  out_ += "# TYPE " + of + " " + std::string(kTypes[index]) + "\n";
  if (!unit.empty()) out_ += "# UNIT " + of + " " + std::string(unit) + "\n";
  out_ += "# HELP " + of + " " + std::string(help) + "\n";
  name_ = of + std::string(kSuffixes[index]);
}

void Exposition::sample(const Labels& labels, double value) {
  if (!std::isfinite(value)) return write(labels, "NaN");
  std::array<char, 64> text;
  const auto [end, wrong] = std::to_chars(text.data(), text.data() + text.size(), value);
  write(labels, wrong == std::errc() ? std::string(text.data(), end) : "NaN");
}

void Exposition::write(const Labels& labels, const std::string& value) {
  out_ += name_;
  for (std::size_t i = 0; i < labels.size(); ++i)
    out_ += (i == 0 ? "{" : ",") + std::string(labels[i].first) + "=\"" +
            escaped(labels[i].second) + "\"";
  out_ += (labels.empty() ? " " : "} ") + value + "\n";
}

std::string Exposition::finish() && {
  return std::move(out_) + "# EOF\n";
}

}  // namespace meshnode::metrics
