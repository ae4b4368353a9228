// node/atomic_file: old or new, never half.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/atomic_file.h"
#include "support/temp_dir.h"

namespace meshnode::node {
namespace {

class AtomicFile : public testing::Test {
 public:
  AtomicFile() { path_ = folder_ + "/file"; }

 protected:
  static std::string content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(folder_))
      out.push_back(entry.path().filename());
    std::sort(out.begin(), out.end());
    return out;
  }

  test::TempDir temp_;
  const std::string folder_ = temp_.path();
  std::string path_;
};

using Names = std::vector<std::string>;

TEST_F(AtomicFile, WritesPrivatelyAndLeavesNothingBeside) {
  const mode_t before = ::umask(0);
  ASSERT_TRUE(write_file(path_, "one"));
  ::umask(before);
  ASSERT_TRUE(write_file(path_, "two, longer"));
  EXPECT_EQ(content(path_), "two, longer");
  EXPECT_EQ(names(), Names{"file"});
  struct stat about {};
  ::stat(path_.c_str(), &about);
  EXPECT_EQ(about.st_mode & 07777U, 0600U);
}

TEST_F(AtomicFile, WhatACrashLeftBehindDoesNotMatter) {
  std::ofstream(path_ + ".new") << "half of somethi";
  ::chmod((path_ + ".new").c_str(), 0644);
  ASSERT_TRUE(write_file(path_, "whole"));
  EXPECT_EQ(content(path_), "whole");
  EXPECT_EQ(names(), Names{"file"});
}

TEST_F(AtomicFile, ASymlinkInTheWayIsNotFollowed) {
  const std::string victim = folder_ + "/victim";
  std::ofstream(victim) << "precious";
  std::filesystem::create_symlink(victim, path_ + ".new");
  ASSERT_TRUE(write_file(path_, "ours"));
  EXPECT_EQ(content(victim), "precious");
  EXPECT_EQ(content(path_), "ours");
}

TEST_F(AtomicFile, AnErrorLeavesTheOldContent) {
  ASSERT_TRUE(write_file(path_, "old"));
  std::filesystem::create_directories(path_ + ".new/full");  // cannot be unlinked or written
  const auto written = write_file(path_, "new");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().kind, Error::Kind::world);
  EXPECT_EQ(written.error().message.substr(0, 13), "cannot write ");
  EXPECT_EQ(content(path_), "old");
}

TEST_F(AtomicFile, AFailedRenameTakesTheTemporaryAway) {
  std::filesystem::create_directory(path_);
  ASSERT_FALSE(write_file(path_, "new"));
  EXPECT_EQ(names(), Names{"file"});
}

TEST_F(AtomicFile, ReadsWithinItsBound) {
  EXPECT_EQ(*read_file(path_, 10), std::nullopt);
  std::ofstream(path_) << "0123456789";
  EXPECT_EQ(*read_file(path_, 10), "0123456789");
  EXPECT_EQ(read_file(path_, 9).error().message, path_ + " is larger than 9 bytes");
  std::ofstream(path_) << "";
  EXPECT_EQ(*read_file(path_, 10), "");
  EXPECT_EQ(read_file(folder_, 10).error().message, folder_ + " is no ordinary file");
  ::mkfifo((folder_ + "/pipe").c_str(), 0600);
  EXPECT_FALSE(read_file(folder_ + "/pipe", 10)) << "and does not wait for a writer";
}

TEST_F(AtomicFile, KeepsAsideUnderTheFirstFreeName) {
  std::ofstream(folder_ + "/file.damaged-2") << "from before";
  for (const char* text : {"a", "b"}) {
    std::ofstream(path_) << text;
    ASSERT_TRUE(keep_aside(path_));
    EXPECT_FALSE(std::filesystem::exists(path_));
  }
  EXPECT_EQ(names(), (Names{"file.damaged-1", "file.damaged-2", "file.damaged-3"}));
  EXPECT_EQ(content(path_ + ".damaged-1"), "a");
  EXPECT_EQ(content(path_ + ".damaged-2"), "from before");
  EXPECT_EQ(content(path_ + ".damaged-3"), "b");
  EXPECT_FALSE(keep_aside(path_)) << "nothing there to keep";
}

TEST_F(AtomicFile, ACopyKeptAsideStaysInPlaceToo) {
  std::ofstream(path_) << "a";
  EXPECT_EQ(*keep_copy_aside(path_, "replaced"), path_ + ".replaced-1");
  ASSERT_TRUE(write_file(path_, "b"));
  EXPECT_EQ(content(path_), "b");
  EXPECT_EQ(content(path_ + ".replaced-1"), "a");
}

}  // namespace
}  // namespace meshnode::node
