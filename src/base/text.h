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

}  // namespace meshnode
