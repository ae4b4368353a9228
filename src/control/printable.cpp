#include "control/printable.h"

#include <cstdint>

namespace meshnode::control {
namespace {

struct Character {
  char32_t code = 0;
  std::size_t size = 0;  // bytes; 0: no valid UTF-8 here (RFC 3629 §3)
};

std::size_t announced_size(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first < 0xe0) return 2;
  if (first >= 0xe0 && first < 0xf0) return 3;
  return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

// Each value has one encoding, and surrogates have none.
bool shortest_form(const Character& character) {
  if (character.size == 3)
    return character.code >= 0x800 && (character.code < 0xd800 || character.code > 0xdfff);
  if (character.size == 4) return character.code >= 0x10000 && character.code <= 0x10ffff;
  return true;
}

Character front(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const std::size_t size = announced_size(first);
  if (size == 0 || size > text.size()) return {};
  if (size == 1) return {first, 1};
  Character out{static_cast<char32_t>(first & (0xffU >> (size + 1))), size};
  for (std::size_t i = 1; i < size; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xc0U) != 0x80U) return {};
    out.code = (out.code << 6) | (byte & 0x3fU);
  }
  return shortest_form(out) ? out : Character{};
}

struct Range {
  char32_t first, last;
};

// What a terminal obeys instead of showing, and what it shows as nothing.
constexpr Range kHidden[] = {
    {0x00, 0x1f},       {0x7f, 0x9f},      // C0, DEL, C1
    {0xad, 0xad},                          // soft hyphen
    {0x61c, 0x61c},                        // Arabic letter mark
    {0x180e, 0x180e},                      // Mongolian vowel separator
    {0x2000, 0x206f},                      // odd spaces, joiners, line and direction marks
    {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},  // variation selectors, byte order mark
    {0xfff0, 0xfffb},                      // interlinear marks
    {0xe0000, 0xe0fff},                    // tags
};

bool hidden(char32_t code) {
  for (const Range& range : kHidden)
    if (code >= range.first && code <= range.last) return true;
  return false;
}

}  // namespace

bool is_printable(std::string_view text) {
  while (!text.empty()) {
    const Character character = front(text);
    if (character.size == 0 || hidden(character.code)) return false;
    text.remove_prefix(character.size);
  }
  return true;
}

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Character character = front(text);
    const std::size_t size = character.size == 0 ? 1 : character.size;
    if (character.size == 0 || hidden(character.code))
      out += '?';
    else
      out += text.substr(0, size);
    text.remove_prefix(size);
  }
  return out;
}

std::size_t width(std::string_view text) {
  std::size_t characters = 0;
  for (const char byte : text)
    if ((static_cast<unsigned char>(byte) & 0xc0U) != 0x80U) ++characters;
  return characters;
}

}  // namespace meshnode::control
