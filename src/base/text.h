// Bytes as text: hex, and base32 (RFC 4648 §6, lower case, no padding), which survives being read
// aloud and typed.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace meshnode {

std::string to_hex(ByteView bytes);
// Nothing for an odd length or a character that is no hex digit.
std::optional<Bytes> from_hex(std::string_view text);

std::string to_base32(ByteView bytes);
// Accepts both cases. Nothing for foreign characters, impossible lengths, or non-zero spare bits
// (so that each value has exactly one text).
std::optional<Bytes> from_base32(std::string_view text);

// The length of the UTF-8 character (RFC 3629) that a text, not empty, begins with; 0: it is none.
std::size_t utf8_size(std::string_view text);
// What is no UTF-8 becomes '?', byte by byte.
std::string valid_utf8(std::string_view text);

// Does JSON text nest its arrays and objects deeper than `depth`? The JSON library recurses, so a
// hostile text could exhaust the stack; nothing of ours nests deeper than kJsonDepth.
bool nests_deeper_than(std::string_view json, std::size_t depth);
inline constexpr std::size_t kJsonDepth = 32;

}  // namespace meshnode
