#include <csignal>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/ids.h"
#include "monitor/hooks.h"
#include "tests/support/temp_dir.h"

namespace meshnode::monitor {
namespace {

const HookFacts kPeer{HookEvent::peer_up,
                      {{"INTERFACE", "mesh0"}, {"PEER_NAME", "b; rm -rf $(x) `y` =z"}}};

TEST(HookText, SaysAllAndIsReadBack) {
  EXPECT_EQ(to_text(kPeer), "peer-up\nINTERFACE=mesh0\nPEER_NAME=b; rm -rf $(x) `y` =z");
  const auto read = hook_from_text(to_text(kPeer));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->event, kPeer.event);
  EXPECT_EQ(read->fields, kPeer.fields);
}

TEST(HookText, WhatIsNoneIsNothing) {
  for (const char* text : {"", "boot", "peer-up\nmtu=1", "peer-up\n=x", "peer-up\nMTU",
                           "peer-up\nPEER_NAME=a\tb", "peer-up\nLD_PRELOAD=x", "peer-up\n\n"})
    EXPECT_FALSE(hook_from_text(text)) << text;
}

TEST(HookText, HasTheDocumentedVariablesOnlyAndEachOnce) {
  EXPECT_TRUE(hook_from_text("peer-up\nMTU=1420"));
  for (const char* text : {"peer-up\nEVENT=peer-down", "peer-up\nMONITOR_FD=3",
                           "peer-up\nMTU=1420\nMTU=1420", "peer-up\nMTU=1420\nNAME=x"})
    EXPECT_FALSE(hook_from_text(text)) << text;
}

TEST(HookText, AValueIsWhatItsVariableIsSaidToBe) {
  const std::string of_id = "PEER_ID=" + NodeId{}.to_string();
  for (const std::string& good : std::vector<std::string>{
           "INTERFACE=mesh0", "INTERFACE=a_b.c-d", "INTERFACE=vpn@1+", "ADDRESS=fd00::1",
           "MTU=1420", "PEER_NAME=", "PEER_ADDRESS=fd00::2", of_id, "PEER_NAME=../Zo\xc3\xab $(x)"})
    EXPECT_TRUE(hook_from_text("peer-up\n" + good)) << good;
  for (const std::string& bad : std::vector<std::string>{
           "INTERFACE=", "INTERFACE=../mesh0", "INTERFACE=..", "INTERFACE=-a", "INTERFACE=a b",
           "INTERFACE=sixteen-letters0", "ADDRESS=", "ADDRESS=fd00::1/48", "ADDRESS=x",
           "MTU=", "MTU=-1", "MTU=1 2", "MTU=123456", "PEER_ID=", "PEER_ID=../../etc/passwd",
           of_id + "a", "PEER_ADDRESS=fd00::2 -j", "PEER_NAME=a\x7f"})
    EXPECT_FALSE(hook_from_text("peer-up\n" + bad)) << bad;
}

class HooksTest : public testing::Test {
 protected:
  void program(HookEvent event, const std::string& text) {
    const std::string path = folder_.path() + "/" + std::string(name(event));
    std::ofstream(path) << "#!/bin/sh\n" << text;
    chmod(path.c_str(), 0700);
    programs_[static_cast<std::size_t>(event)] = path;
    hooks_.set_programs(programs_);
  }
  // Until all of them have ended.
  void finish() {
    while (!hooks_.idle()) {
      int status = 0;
      const pid_t pid = waitpid(-1, &status, 0);
      ASSERT_GT(pid, 0);
      EXPECT_TRUE(hooks_.ended(now_, pid, status));
    }
  }
  std::string written() const {
    std::ostringstream out;
    out << std::ifstream(folder_.path() + "/out").rdbuf();
    return out.str();
  }

  TimePoint now_{seconds(100)};
  test::TempDir folder_;
  HookPrograms programs_;
  Hooks hooks_;
};

TEST_F(HooksTest, RunInOrderWithFactsInTheirEnvironmentAndNoShellBetween) {
  program(HookEvent::interface_up, "sleep 0.1; echo up >>" + folder_.path() + "/out");
  program(HookEvent::peer_up,
          "echo \"$MESHNODE_EVENT $MESHNODE_PEER_NAME\" >>" + folder_.path() + "/out");
  hooks_.happened(now_, {HookEvent::interface_up, {}});
  hooks_.happened(now_, kPeer);
  finish();
  EXPECT_EQ(written(), "up\npeer-up b; rm -rf $(x) `y` =z\n");
}

TEST_F(HooksTest, WithoutAProgramNothingRuns) {
  hooks_.happened(now_, kPeer);
  EXPECT_TRUE(hooks_.idle());
}

TEST_F(HooksTest, OneThatCannotRunIsNoObstacle) {
  program(HookEvent::peer_up, "echo here >>" + folder_.path() + "/out");
  programs_[static_cast<std::size_t>(HookEvent::interface_up)] = "/nowhere/at/all";
  hooks_.set_programs(programs_);
  hooks_.happened(now_, {HookEvent::interface_up, {}});
  hooks_.happened(now_, kPeer);
  finish();
  EXPECT_EQ(written(), "here\n");
}

TEST_F(HooksTest, OneThatHangsIsKilledWithAllThatItStarted) {
  program(HookEvent::peer_up, "sleep 1000 & sleep 1000");
  hooks_.happened(now_, kPeer);
  ASSERT_EQ(hooks_.next_deadline(), now_ + Hooks::kPatience);
  hooks_.timeout(now_ + Hooks::kPatience - milliseconds(1));
  ASSERT_TRUE(hooks_.next_deadline());
  hooks_.timeout(now_ + Hooks::kPatience);
  EXPECT_FALSE(hooks_.next_deadline());
  finish();
}

TEST_F(HooksTest, OneThatEndsByASignalWithoutANameIsNoHarm) {
  program(HookEvent::peer_up, "kill -" + std::to_string(SIGRTMIN + 1) + " $$");
  hooks_.happened(now_, kPeer);
  finish();
}

TEST_F(HooksTest, WhatWaitsIsBounded) {
  program(HookEvent::peer_up, "echo x >>" + folder_.path() + "/out");
  for (std::size_t i = 0; i < 2 * Hooks::kMostWaiting; ++i) hooks_.happened(now_, kPeer);
  finish();
  EXPECT_EQ(written().size(), 2 * (Hooks::kMostWaiting + 1)) << "one ran, the others waited";
}

TEST_F(HooksTest, InterfaceDownIsNeverLeftOut) {
  program(HookEvent::peer_up, "exit 0");
  program(HookEvent::interface_down, "echo down >>" + folder_.path() + "/out");
  for (std::size_t i = 0; i < 2 * Hooks::kMostWaiting; ++i) hooks_.happened(now_, kPeer);
  hooks_.happened(now_, {HookEvent::interface_down, {}});
  finish();
  EXPECT_EQ(written(), "down\n");
}

}  // namespace
}  // namespace meshnode::monitor
