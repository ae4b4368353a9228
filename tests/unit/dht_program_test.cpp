// meshnode-dht itself.
#include <array>
#include <csignal>
#include <fstream>

#include <dirent.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dht_child/sandbox.h"
#include "discovery/dht/messages.h"
#include "io/child_program.h"
#include "io/clock.h"
#include "io/event_loop.h"
#include "sandbox/system_call_filter.h"

namespace meshnode::dht {
namespace {

class Program : public testing::Test {
 protected:
  Program()
      : program_(
            MESHNODE_DHT_PROGRAM, "the test's DHT",
            {[this](int fd, std::function<void()> f) { loop_.watch_readable(fd, std::move(f)); },
             [this](int fd) { loop_.unwatch(fd); },
             [this](io::UniqueFd fd) { link_ = std::move(fd); }}) {}

  void start() {
    const TimePoint now = io::read_clocks().mono;
    program_.want(now);
    program_.timeout(now);
    ASSERT_TRUE(link_);
  }
  void say(const ToChild& message) {
    Bytes packet;
    append_to_packet(packet, encode(message));
    ::send(link_.get(), packet.data(), packet.size(), MSG_NOSIGNAL);
  }
  // Nothing when it hangs up, or is silent for long.
  std::optional<FromChild> hear() {
    pollfd wait{link_.get(), POLLIN, 0};
    if (::poll(&wait, 1, 20'000) != 1) return std::nullopt;
    Bytes packet(kMaxMessage);
    const ssize_t got = ::recv(link_.get(), packet.data(), packet.size(), 0);
    if (got <= 0) return std::nullopt;
    return parse_from_child(ByteView(packet).first(static_cast<std::size_t>(got)));
  }
  // How it ends, without waiting for the one who would reap it.
  siginfo_t end() {
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(program_.pid()), &info, WEXITED | WNOWAIT);
    return info;
  }
  std::string status_of(const std::string& name) {
    std::ifstream in("/proc/" + std::to_string(program_.pid()) + "/status");
    for (std::string line; std::getline(in, line);)
      if (line.starts_with(name + ":"))
        return line.substr(line.find_first_not_of(" \t", name.size() + 1));
    return "";
  }

  io::EventLoop loop_;
  io::UniqueFd link_;
  io::ChildProgram program_;
};

TEST(DhtProgramByHand, SaysWhatItIs) {
  std::FILE* const out = ::popen(MESHNODE_DHT_PROGRAM " 2>&1 </dev/null", "r");
  std::array<char, 512> text{};
  std::string said = std::fgets(text.data(), text.size(), out);
  EXPECT_EQ(WEXITSTATUS(::pclose(out)), 2);
  EXPECT_NE(said.find("they start it by themselves"), said.npos) << said;
}

TEST_F(Program, OpensAndIsConfined) {
  start();
  say(Open{});
  EXPECT_EQ(hear(), FromChild{Opened{}});
  say(Look{});
  const auto answer = hear();
  ASSERT_TRUE(answer && std::holds_alternative<Picture>(*answer));
  EXPECT_EQ(status_of("NoNewPrivs"), "1");
  EXPECT_EQ(status_of("CapEff"), "0000000000000000");
  EXPECT_EQ(status_of("CapPrm"), "0000000000000000");
  EXPECT_EQ(status_of("Seccomp"), sandbox::kSanitized ? "0" : "2");
}

TEST_F(Program, InheritsNothingButItsLinkAndTheStandardThree) {
  const std::array<io::UniqueFd, 2> careless{io::UniqueFd(::dup(0)), io::UniqueFd(::dup(0))};
  start();
  say(Open{});
  EXPECT_TRUE(hear());
  const std::string folder = "/proc/" + std::to_string(program_.pid()) + "/fd";
  DIR* const all = ::opendir(folder.c_str());
  if (!all) GTEST_SKIP() << "only root may look";
  int highest = 0;
  while (const dirent* entry = ::readdir(all))
    if (entry->d_name[0] != '.') highest = std::max(highest, std::atoi(entry->d_name));
  ::closedir(all);
  EXPECT_EQ(highest, 3);
}

TEST_F(Program, EndsWithItsHostAndNotByTheTerminal) {
  start();
  say(Open{});
  EXPECT_TRUE(hear());
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) ::kill(program_.pid(), signal);
  say(Look{});
  EXPECT_TRUE(hear()) << "still there";
  link_.reset();
  const siginfo_t info = end();
  EXPECT_EQ(info.si_code, CLD_EXITED);
  EXPECT_EQ(info.si_status, 0);
}

TEST_F(Program, EndsAtAnotherVersionAndTellsItsOwn) {
  start();
  Open other;
  other.version = kLinkVersion + 1;
  say(other);
  EXPECT_EQ(hear(), FromChild{Opened{kLinkVersion}});
  EXPECT_EQ(end().si_status, 1);
}

TEST_F(Program, EndsAtNonsense) {
  start();
  const std::array<std::uint8_t, 3> nonsense{9, 0, 0xff};
  ::send(link_.get(), nonsense.data(), nonsense.size(), MSG_NOSIGNAL);
  EXPECT_EQ(end().si_status, 1);
}

TEST_F(Program, StartsAgainAfterGrowingPauses) {
  start();
  Duration pause = io::ChildProgram::kFirstPause;
  for (int round = 0; round < 2; ++round) {
    const pid_t old = program_.pid();
    ::kill(old, SIGSEGV);
    end();
    program_.want(io::read_clocks().mono);
    loop_.on_deadline([this] { loop_.stop(); });
    while (program_.pid() != 0) {
      loop_.set_deadline(io::read_clocks().mono + milliseconds(5));
      loop_.run();
    }
    const TimePoint due = program_.next_deadline().value_or(TimePoint{});
    const TimePoint now = io::read_clocks().mono;
    EXPECT_GT(due, now);
    EXPECT_LE(due, now + pause);
    program_.timeout(due - milliseconds(1));
    EXPECT_EQ(program_.pid(), 0);
    program_.timeout(due);
    EXPECT_NE(program_.pid(), 0);
    EXPECT_NE(program_.pid(), old);
    pause *= 2;
  }
}

TEST(HowItEnded, IsReadable) {
  EXPECT_EQ(io::how_it_ended(CLD_EXITED, 1), "exit code 1");
  EXPECT_EQ(io::how_it_ended(CLD_KILLED, SIGKILL), "killed by SIGKILL");
  EXPECT_EQ(io::how_it_ended(CLD_DUMPED, SIGSEGV), "killed by SIGSEGV");
  EXPECT_EQ(io::how_it_ended(CLD_KILLED, SIGRTMIN + 3),
            "killed by signal " + std::to_string(SIGRTMIN + 3));
}

TEST(FindProgram, LooksBesideItselfFirstAndComplainsClearly) {
  const auto found = io::find_program("unit_dht_child", "/nowhere");
  ASSERT_TRUE(found.ok());
  EXPECT_TRUE(found->ends_with("/unit_dht_child"));
  EXPECT_EQ(io::find_program("sh", "/bin").value(), "/bin/sh");
  EXPECT_EQ(io::find_program("unit_dht_child", "../bin").value(), *found);
  const auto missing = io::find_program("no-such-program", "/usr/libexec/meshnode");
  ASSERT_FALSE(missing.ok());
  EXPECT_NE(missing.error().message.find("/usr/libexec/meshnode"), std::string::npos);
}

}  // namespace
}  // namespace meshnode::dht
