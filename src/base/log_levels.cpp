#include "base/log_levels.h"

#include <algorithm>

#include "base/suggest.h"

namespace meshnode {
namespace {

constexpr std::array<std::string_view, 6> kLevels{"trace", "debug", "info", "warn", "error", "off"};
constexpr std::array<std::string_view, kLogModules> kModules{
    "node", "overlay", "discovery", "dht", "dataplane", "tun", "control", "monitor", "metrics", "hub"};

template <typename Names>
std::optional<std::size_t> index_of(const Names& names, std::string_view word) {
  const auto found = std::find(names.begin(), names.end(), word);
  if (found == names.end()) return std::nullopt;
  return static_cast<std::size_t>(found - names.begin());
}

template <typename Names>
std::string list_of(const Names& names) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i)
    out += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + std::string(names[i]);
  return out;
}

// Bytes that a terminal need not see as they are; what is wrong may be anything.
std::string quoted(std::string_view word) {
  constexpr std::size_t kShown = 40;
  std::string out = "\"";
  for (const char c : word.substr(0, kShown)) out += c >= 0x20 && c < 0x7f ? c : '?';
  return out + "\"";
}

Error no_level(std::string_view word) {
  return Error::usage("no log level " + quoted(word) + ": a log level is " + list_of(kLevels));
}

Error no_module(std::string_view word) {
  const std::string meant = nearest_word(word, kModules);
  return Error::usage(
      "no module " + quoted(word) +
      (meant.empty() ? ": the modules are " + list_of(kModules) : "; did you mean " + meant + "?"));
}

}  // namespace

std::string_view name(LogLevel level) {
  return kLevels[std::min(static_cast<std::size_t>(level), kLevels.size() - 1)];
}

std::string_view name(LogModule module) {
  return kModules[std::min(static_cast<std::size_t>(module), kModules.size() - 1)];
}

std::optional<LogLevel> parse_log_level(std::string_view word) {
  const auto index = index_of(kLevels, word);
  if (!index) return std::nullopt;
  return static_cast<LogLevel>(*index);
}

Result<LogLevels> LogLevels::with(std::string_view text) const {
  if (text.size() > kMaxLogLevelsText) return Error::usage("is too long for a log level");
  LogLevels out = *this;
  for (;;) {
    const auto comma = std::min(text.find(','), text.size());
    const std::string_view part = text.substr(0, comma);
    const auto sign = part.find('=');
    const std::string_view word = sign == part.npos ? part : part.substr(sign + 1);
    const auto level = parse_log_level(word);
    if (!level) return no_level(word);
    if (sign == part.npos) {
      out.levels_.fill(*level);
    } else {
      const auto module = index_of(kModules, part.substr(0, sign));
      if (!module) return no_module(part.substr(0, sign));
      out.levels_[*module] = *level;
    }
    if (comma == text.size()) return out;
    text.remove_prefix(comma + 1);
  }
}

std::string LogLevels::to_string() const {
  std::array<std::size_t, kLevels.size()> times{};
  for (const LogLevel level : levels_) ++times[static_cast<std::size_t>(level)];
  const auto most = std::max_element(times.begin(), times.end()) - times.begin();
  const auto common = static_cast<LogLevel>(most);
  std::string out(name(common));
  for (std::size_t i = 0; i < levels_.size(); ++i)
    if (levels_[i] != common)
      out += "," + std::string(kModules[i]) + "=" + std::string(name(levels_[i]));
  return out;
}

}  // namespace meshnode
