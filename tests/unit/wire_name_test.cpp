// Names that other people chose, before they come near a terminal.
#include <gtest/gtest.h>

#include "wire/handshake_payload.h"

namespace meshnode::wire {
namespace {

std::string utf8(char32_t c) {
  const auto byte = [](char32_t bits) {
    return static_cast<char>(static_cast<unsigned char>(bits));
  };
  if (c < 0x80) return {byte(c)};
  if (c < 0x800) return {byte(0xc0 | c >> 6), byte(0x80 | (c & 63))};
  if (c < 0x10000) return {byte(0xe0 | c >> 12), byte(0x80 | (c >> 6 & 63)), byte(0x80 | (c & 63))};
  return {byte(0xf0 | c >> 18), byte(0x80 | (c >> 12 & 63)), byte(0x80 | (c >> 6 & 63)),
          byte(0x80 | (c & 63))};
}

bool valid_inside_a_name(char32_t c) {
  return is_valid_name("a" + utf8(c) + "b");
}

TEST(Name, OrdinaryNamesPass) {
  for (const char* name : {"a", "alpha-1", "Küche", "Ωmega", "café au lait", "東京", "🦔", "~"})
    EXPECT_TRUE(is_valid_name(name)) << name;
}

TEST(Name, OneTo32Bytes) {
  EXPECT_FALSE(is_valid_name(""));
  EXPECT_TRUE(is_valid_name(std::string(32, 'a')));
  EXPECT_FALSE(is_valid_name(std::string(33, 'a')));
  EXPECT_FALSE(is_valid_name(std::string(31, 'a') + "\xc3\xbc")) << "bytes, not characters";
}

TEST(Name, EveryControlCharacterIsRefused) {
  for (char32_t c = 0; c <= 0xff; ++c)
    EXPECT_EQ(valid_inside_a_name(c), (c >= 0x20 && c < 0x7f) || c >= 0xa0)
        << static_cast<unsigned>(c);
}

TEST(Name, ControlsAreFoundWhereverTheyStand) {
  for (const std::string& name : {std::string("\x1b[2Jx"), std::string("x\x1b"), std::string("x\n"),
                                  std::string("\0x", 2), std::string("\xc2\x9b") + "31m"})
    EXPECT_FALSE(is_valid_name(name));
}

// RFC 3629 §4, at the borders of each row of its table.
TEST(Name, WellFormedBorders) {
  for (const char* sequence :
       {"\xc2\xa0", "\xdf\xbf", "\xe0\xa0\x80", "\xe0\xbf\xbf", "\xe1\x80\x80", "\xec\xbf\xbf",
        "\xed\x80\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbd", "\xf0\x90\x80\x80",
        "\xf0\xbf\xbf\xbf", "\xf1\x80\x80\x80", "\xf3\xbf\xbf\xbd", "\xf4\x80\x80\x80",
        "\xf4\x8f\xbf\xbd"})
    EXPECT_TRUE(is_valid_name(sequence));
}

TEST(Name, OverlongFormsAreRefused) {
  for (const char* sequence : {"\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf", "\xe0\x9f\xbf",
                               "\xf0\x80\x80\xaf", "\xf0\x8f\xbf\xbf"})
    EXPECT_FALSE(is_valid_name(sequence));
}

TEST(Name, SurrogatesAndBeyondUnicodeAreRefused) {
  for (const char* sequence : {"\xed\xa0\x80", "\xed\xbf\xbf", "\xf4\x90\x80\x80",
                               "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80", "\xfe", "\xff"})
    EXPECT_FALSE(is_valid_name(sequence));
}

TEST(Name, BrokenSequencesAreRefused) {
  for (const char* sequence :
       {"\x80", "\xbf", "\xc3", "\xc3(", "\xe2\x82", "\xe2(\xa1", "\xe2\x82(", "\xf0\x9f\xa6",
        "\xf0(\x8c\xbc", "\xf0\x90(\xbc", "\xf0\x9f\xa6("})
    EXPECT_FALSE(is_valid_name(sequence)) << "bytes that do not belong together";
}

TEST(Name, EverySingleByteFollowedByText) {
  for (unsigned first = 0x80; first < 256; ++first)
    EXPECT_FALSE(is_valid_name(std::string(1, static_cast<char>(first)) + "a")) << first;
}

TEST(Name, DirectionMarksAndInvisibleSpacesAreRefused) {
  for (const char32_t c :
       {0x200bU, 0x200cU, 0x200dU, 0x200eU, 0x200fU, 0x2028U, 0x2029U, 0x202aU, 0x202bU, 0x202cU,
        0x202dU, 0x202eU, 0x2060U, 0x2066U, 0x2067U, 0x2068U, 0x2069U, 0x206fU})
    EXPECT_FALSE(valid_inside_a_name(c)) << std::hex << static_cast<unsigned>(c);
}

// Unicode's property Bidi_Control has one member outside the block of general punctuation.
TEST(Name, ArabicLetterMarkIsADirectionMarkToo) {
  EXPECT_FALSE(valid_inside_a_name(0x061c));
}

// Other characters that draw nothing: two names that look the same must not be two.
TEST(Name, InvisibleCharactersOutsideGeneralPunctuationAreRefused) {
  for (const char32_t c : {0x034fU, 0x115fU, 0x180eU, 0x3164U, 0xfeffU, 0xfff9U, 0xe0041U})
    EXPECT_FALSE(valid_inside_a_name(c)) << std::hex << static_cast<unsigned>(c);
}

}  // namespace
}  // namespace meshnode::wire
