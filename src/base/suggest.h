// "Did you mean …?": the word among some that a mistyped one is nearest to.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace meshnode {

// The least number of single characters to insert, remove, replace or swap with their neighbour
// (optimal string alignment). Bytes, not characters. Time and space are a.size() × b.size().
std::size_t edit_distance(std::string_view a, std::string_view b);

// The nearest of `known`, the first of several alike; empty if none is near: at most a third of the
// longer word's bytes may differ, and at most 3. Words above 64 bytes are near nothing. '-' and '_'
// are the same.
std::string nearest_word(std::string_view mistyped, std::span<const std::string_view> known);

}  // namespace meshnode
