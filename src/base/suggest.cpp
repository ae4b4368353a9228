#include "base/suggest.h"

#include <algorithm>
#include <vector>

namespace meshnode {
namespace {

constexpr std::size_t kLongest = 64;
constexpr std::size_t kMost = 3;

std::string with_dashes(std::string_view word) {
  std::string out(word);
  std::replace(out.begin(), out.end(), '_', '-');
  return out;
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> steps(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        steps[i][j] = i + j;
        continue;
      }
      const std::size_t differ = a[i - 1] == b[j - 1] ? 0 : 1;
      steps[i][j] =
          std::min({steps[i - 1][j] + 1, steps[i][j - 1] + 1, steps[i - 1][j - 1] + differ});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        steps[i][j] = std::min(steps[i][j], steps[i - 2][j - 2] + 1);
    }
  }
  return steps[a.size()][b.size()];
}

std::string nearest_word(std::string_view mistyped, std::span<const std::string_view> known) {
  if (mistyped.size() > kLongest) return {};
  const std::string wrong = with_dashes(mistyped);
  std::string_view best;
  std::size_t best_distance = kMost + 1;
  for (const std::string_view word : known) {
    if (word.size() > kLongest) continue;
    const std::size_t distance = edit_distance(wrong, with_dashes(word));
    if (distance >= best_distance || 3 * distance > std::max(word.size(), wrong.size())) continue;
    best = word;
    best_distance = distance;
  }
  return std::string(best);
}

}  // namespace meshnode
