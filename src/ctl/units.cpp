#include "ctl/units.h"

#include <array>
#include <cstdio>

namespace meshnode::ctl {
namespace {

// One decimal below ten (of which rounding may make "10"), none above.
std::string short_number(double value) {
  char text[32];
  const int written = std::snprintf(text, sizeof text, value < 9.95 ? "%.1f" : "%.0f", value);
  return {text, static_cast<std::size_t>(written)};
}

struct Unit {
  std::uint64_t seconds;
  const char* name;
};

}  // namespace

std::string human_bytes(std::uint64_t bytes) {
  if (bytes < 1000) return std::to_string(bytes) + " B";
  constexpr std::array<const char*, 6> kUnits{" kB", " MB", " GB", " TB", " PB", " EB"};
  double value = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  for (; value >= 999.5 && unit + 1 < kUnits.size(); ++unit) value /= 1000;
  return short_number(value) + kUnits[unit];
}

std::string human_seconds(std::uint64_t seconds) {
  constexpr std::array<Unit, 4> kUnits{{{86400, " d"}, {3600, " h"}, {60, " min"}, {1, " s"}}};
  for (std::size_t i = 0; i + 1 < kUnits.size(); ++i) {
    if (seconds < kUnits[i].seconds) continue;
    const Unit& finer = kUnits[i + 1];
    const std::uint64_t rest = seconds % kUnits[i].seconds / finer.seconds;
    std::string out = std::to_string(seconds / kUnits[i].seconds) + kUnits[i].name;
    if (rest != 0) out += " " + std::to_string(rest) + finer.name;
    return out;
  }
  return std::to_string(seconds) + " s";
}

std::string human_ms(double ms) {
  return short_number(ms) + " ms";
}

}  // namespace meshnode::ctl
