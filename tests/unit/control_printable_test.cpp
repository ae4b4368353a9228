// control/printable: what strangers may put on our terminal.
#include <gtest/gtest.h>

#include "control/printable.h"

namespace meshnode::control {
namespace {

TEST(Printable, LetsNamesThrough) {
  for (const char* name : {"beta", "büro-2", "日本", "a b", "😀", ""}) {
    EXPECT_TRUE(is_printable(name)) << name;
    EXPECT_EQ(printable(name), name);
  }
}

TEST(Printable, StopsWhatATerminalWouldObey) {
  EXPECT_EQ(printable("a\033[31mb"), "a?[31mb");
  EXPECT_EQ(printable("a\r\nb\tc\x7f"), "a??b?c?");
  EXPECT_EQ(printable("a\xc2\x9b"
                      "31m"),
            "a?31m")
      << "C1 control sequence introducer";
  EXPECT_EQ(printable("a\xe2\x80\xae"
                      "b"),
            "a?b")
      << "right-to-left override";
  EXPECT_EQ(printable("a\xe2\x81\xa6"
                      "b"),
            "a?b")
      << "direction isolate";
  EXPECT_EQ(printable("a\xe2\x80\x8b"
                      "b"),
            "a?b")
      << "zero-width space";
  EXPECT_EQ(printable("a\xe2\x80\xa8"
                      "b"),
            "a?b")
      << "line separator";
  EXPECT_EQ(printable("\xef\xbb\xbf"
                      "b"),
            "?b")
      << "byte order mark";
  EXPECT_EQ(printable("\xf3\xa0\x81\x81"), "?") << "tag character";
  EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a?b");
}

TEST(Printable, StopsInvalidUtf8) {
  EXPECT_EQ(printable("\xff\xfe"), "??");
  EXPECT_EQ(printable("a\xc3"), "a?") << "cut in the middle";
  EXPECT_EQ(printable("\xc0\xaf"), "??") << "overlong";
  EXPECT_EQ(printable("\xe0\x80\xaf"), "???") << "overlong";
  EXPECT_EQ(printable("\xed\xa0\x80"), "???") << "surrogate";
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "????") << "beyond Unicode";
}

TEST(Printable, AnyTwoBytesBecomePrintable) {
  for (int first = 0; first < 256; ++first)
    for (int second = 0; second < 256; ++second) {
      const std::string text{static_cast<char>(first), static_cast<char>(second)};
      EXPECT_TRUE(is_printable(printable(text)));
    }
}

TEST(Printable, WidthCountsCharacters) {
  EXPECT_EQ(width("büro"), 4U);
  EXPECT_EQ(width(""), 0U);
}

}  // namespace
}  // namespace meshnode::control
