#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "monitor/hosts_file.h"
#include "monitor/names.h"
#include "tests/support/temp_dir.h"

namespace meshnode::monitor {
namespace {

constexpr const char* kLines = "fd00::2 beta.mesh\n";
const std::string kBlock =
    "# BEGIN meshnode mesh0: kept by meshnode, what is changed in here is lost\n"
    "fd00::2 beta.mesh\n"
    "# END meshnode mesh0\n";
const std::string kOther = "127.0.0.1\tlocalhost \r\n# a comment\n\n::1 localhost\n";

TEST(HostsBlock, StandsAtTheEndAndGoesWithoutATrace) {
  for (const std::string& before : {kOther, std::string(), std::string("\n")}) {
    const auto with = with_block(before, "mesh0", kLines);
    ASSERT_TRUE(with);
    EXPECT_EQ(*with, before + kBlock);
    EXPECT_EQ(*with_block(*with, "mesh0", ""), before);
  }
}

TEST(HostsBlock, StandsInFrontOfALineWithoutAnEnd) {
  const auto with = with_block("::1 localhost", "mesh0", kLines);
  EXPECT_EQ(*with, kBlock + "::1 localhost");
  EXPECT_EQ(*with_block(*with, "mesh0", ""), "::1 localhost");
}

TEST(HostsBlock, IsReplacedWhereItIs) {
  EXPECT_EQ(*with_block("a\n" + kBlock + "b", "mesh0", "fd00::3 c.mesh\n"),
            "a\n# BEGIN meshnode mesh0: kept by meshnode, what is changed in here is lost\n"
            "fd00::3 c.mesh\n# END meshnode mesh0\nb");
  EXPECT_EQ(*with_block("a\n" + kBlock + "b", "mesh0", kLines), "a\n" + kBlock + "b");
  EXPECT_EQ(*with_block(kOther, "mesh0", ""), kOther);
}

TEST(HostsBlock, OfAnotherInterfaceIsNotOurs) {
  std::string others = kBlock;
  for (std::size_t at = others.find("mesh0"); at != others.npos; at = others.find("mesh0", at + 6))
    others.replace(at, 5, "mesh01");
  EXPECT_EQ(*with_block(others, "mesh0", kLines), others + kBlock);
  EXPECT_EQ(*with_block(others + kBlock, "mesh0", ""), others);
  const std::string mentioned = "x # BEGIN meshnode mesh0: \n";
  EXPECT_EQ(*with_block(mentioned, "mesh0", kLines), mentioned + kBlock) << "not a line of its own";
}

TEST(HostsBlock, ThatIsBrokenIsLeftAlone) {
  const std::string begin = "# BEGIN meshnode mesh0: x\n", end = "# END meshnode mesh0\n";
  for (const std::string& file : {begin, end, end + begin, begin + begin + end, begin + end + end})
    for (const char* lines : {kLines, ""}) EXPECT_FALSE(with_block(file, "mesh0", lines)) << file;
}

class HostsFile : public testing::Test {
 protected:
  void write(const std::string& content) const { std::ofstream(path_) << content; }
  std::string content() const {
    std::ostringstream out;
    out << std::ifstream(path_).rdbuf();
    return out.str();
  }
  test::TempDir folder_;
  std::string path_ = folder_.path() + "/hosts";
};

TEST_F(HostsFile, KeepsModeAndLeavesNothingElse) {
  write(kOther);
  chmod(path_.c_str(), 0640);
  ASSERT_TRUE(write_hosts(path_, "mesh0", kLines));
  EXPECT_EQ(content(), kOther + kBlock);
  struct stat about {};
  ASSERT_EQ(stat(path_.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 07777U, 0640U);
  EXPECT_NE(access((path_ + ".meshnode-mesh0").c_str(), F_OK), 0);
  const auto inode = about.st_ino;
  ASSERT_TRUE(write_hosts(path_, "mesh0", kLines));
  stat(path_.c_str(), &about);
  EXPECT_EQ(about.st_ino, inode) << "what is right is not written again";
  ASSERT_TRUE(write_hosts(path_, "mesh0", ""));
  EXPECT_EQ(content(), kOther);
}

TEST_F(HostsFile, IsAnOrdinaryFileOrLeftAlone) {
  EXPECT_FALSE(write_hosts(path_, "mesh0", kLines)) << "there is none";
  EXPECT_NE(access(path_.c_str(), F_OK), 0);
  const std::string target = folder_.path() + "/target";
  std::ofstream(target) << kOther;
  ASSERT_EQ(symlink(target.c_str(), path_.c_str()), 0);
  EXPECT_FALSE(write_hosts(path_, "mesh0", kLines)) << "a link";
  EXPECT_EQ(content(), kOther);
  unlink(path_.c_str());
  write(std::string(kMaxHostsFile + 1, '\n'));
  EXPECT_FALSE(write_hosts(path_, "mesh0", kLines)) << "too large";
  EXPECT_EQ(content().size(), kMaxHostsFile + 1);
}

TEST(HostsLine, IsANameOfTheMeshAndAnAddressInIt) {
  const Cidr prefix{*IpAddress::parse("fd12:3456:789a::"), 48};
  for (const char* good : {"fd12:3456:789a::2 beta.mesh", "10.77.0.2 beta.mesh aaaaaaaa.id.mesh"})
    EXPECT_TRUE(is_hosts_line(good, prefix)) << good;
  for (const char* bad :
       {"", "fd12:3456:789a::2", "fd12:3456:789a::2 ", "fd12:3456:789b::2 beta.mesh",
        "::1 beta.mesh", "127.0.0.1 beta.mesh", "0.0.0.0 a.mesh", "255.255.255.255 a.mesh",
        "10.77.0.2 example.org", "10.77.0.2 beta.mesh example.org", "10.77.0.2 beta.mesh ",
        "10.77.0.2  beta.mesh", "10.77.0.2\tbeta.mesh", "10.77.0.2 beta.mesh#", "# a",
        "10.77.0.2 Beta.mesh", "beta.mesh 10.77.0.2"})
    EXPECT_FALSE(is_hosts_line(bad, prefix)) << bad;
  EXPECT_FALSE(is_hosts_line("10.77.0.2 " + std::string(300, 'a') + ".mesh", prefix));
}

}  // namespace
}  // namespace meshnode::monitor
