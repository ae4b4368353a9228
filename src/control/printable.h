// Text from strangers on its way to a terminal: control characters could move the cursor, change
// colours or hide what stands beside them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace meshnode::control {

// Valid UTF-8 without control characters, line breaks, invisible and direction-changing characters.
bool is_printable(std::string_view text);
// The text with '?' for each byte or character that is_printable() would refuse.
std::string printable(std::string_view text);
// Characters (code points) of printable text: what a terminal column counts, for most scripts.
std::size_t width(std::string_view text);

}  // namespace meshnode::control
