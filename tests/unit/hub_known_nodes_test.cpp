#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "hub/known_nodes.h"

namespace meshnode::hub {
namespace {

Memory some() {
  Memory out;
  out.id.fill(0xab);
  out.nodes = {*Endpoint::parse("192.0.2.1:3731"), *Endpoint::parse("[2001:db8::1]:1")};
  return out;
}

TEST(HubMemory, SurvivesTheText) {
  EXPECT_EQ(parse_memory(to_text(some())), some());
}

TEST(HubMemory, IsTakenWholeOrNotAtAll) {
  const std::string text = to_text(some());
  const std::size_t first_node = text.find("node");
  for (std::size_t size = 0; size < text.size(); ++size) {
    if (size == first_node || size == text.rfind("node")) continue;  // whole lines are a file
    EXPECT_FALSE(parse_memory(text.substr(0, size))) << size;
  }
  EXPECT_FALSE(parse_memory(text + "more\n"));
  EXPECT_FALSE(parse_memory(text + "node 192.0.2.1\n"));
  EXPECT_FALSE(parse_memory("meshhub 1\nid " + std::string(40, '0') + "\n"));
  std::string many = to_text(some());
  for (int i = 0; i < 70; ++i) many += "node 192.0.2.1:3731\n";
  EXPECT_FALSE(parse_memory(many));
}

TEST(HubMemory, IsReadBackFromItsDirectory) {
  std::string folder = testing::TempDir() + "/meshhub-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const std::string state = folder + "/state";
  auto first = load_memory(state);
  ASSERT_TRUE(first.ok()) << first.error().message;
  EXPECT_FALSE(first->has_value());
  ASSERT_TRUE(store_memory(state, some()).ok());
  ASSERT_TRUE(store_memory(state, some()).ok());
  auto again = load_memory(state);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(*again, some());
  std::ofstream(state + "/hub") << "garbage";
  EXPECT_FALSE(load_memory(state).ok());
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace meshnode::hub
