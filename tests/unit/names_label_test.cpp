#include <gtest/gtest.h>

#include "names/label.h"

namespace meshnode::names {
namespace {

TEST(NameLabel, LowerCaseLettersDigitsAndSingleDashes) {
  EXPECT_EQ(label_of("Beta"), "beta");
  EXPECT_EQ(label_of("my_laptop 2"), "my-laptop-2");
  EXPECT_EQ(label_of("a.b.c"), "a-b-c");
  EXPECT_EQ(label_of("Zo\xc3\xab \xe2\x9c\x93"), "zo");
  EXPECT_EQ(label_of("\xc3\xa9tude"), "tude");
  EXPECT_EQ(label_of("a\xc3\xa9\xc3\xa9z"), "a-z");
  EXPECT_EQ(label_of("-.-x-.-"), "x");
  EXPECT_EQ(label_of("xn--bcher-kva"), "xn-bcher-kva") << "nobody may look like other letters";
}

TEST(NameLabel, NothingWhereNothingIsLeft) {
  EXPECT_EQ(label_of(""), "");
  EXPECT_EQ(label_of("\xe2\x9c\x93 --"), "");
}

TEST(NameLabel, IsShortEnoughForDns) {
  EXPECT_EQ(label_of(std::string(200, 'x')).size(), kMaxLabel);
  EXPECT_EQ(label_of(std::string(62, 'x') + "-y").size(), 62U);
}

TEST(NameLabel, IsItsOwnLabel) {
  for (const char* name : {"Beta", "my_laptop 2", "xn--bcher-kva", "9"}) {
    EXPECT_TRUE(is_label(label_of(name))) << name;
  }
  for (const char* text : {"", "Beta", "a--b", "-a", "a-", "a b", "a.b", "a\nb", "\xc3\xab"})
    EXPECT_FALSE(is_label(text)) << text;
}

TEST(NameLabel, NamesAreOfTheZoneOnly) {
  NodeId id;
  EXPECT_EQ(member_name("beta"), "beta.mesh");
  EXPECT_EQ(id_name(id), "aaaaaaaa.id.mesh");
  for (const char* good : {"beta.mesh", "id.mesh", "aaaaaaaa.id.mesh", "ck3vq7xa2.id.mesh"})
    EXPECT_TRUE(is_name(good)) << good;
  for (const char* bad : {"", "mesh", ".mesh", "beta", "beta.mesh.", "google.com", "a.b.mesh",
                          "aaaaaaa.id.mesh", "aaaaaaa1.id.mesh", "AAAAAAAA.id.mesh", ".id.mesh",
                          "beta.mesh localhost", "beta\n.mesh", "beta.mesh\n"})
    EXPECT_FALSE(is_name(bad)) << bad;
}

}  // namespace
}  // namespace meshnode::names
