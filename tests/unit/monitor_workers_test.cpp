// How a program ends with its worker: real processes, without an upgrade (tests/netns/monitor.sh).
#include <csignal>
#include <thread>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/log.h"
#include "monitor/monitor.h"

namespace meshnode::monitor {
namespace {

// What a program with this worker ends with; nobody can take over.
int ends_with(std::function<int(Channel)> work, Duration patience = seconds(60),
              const std::string& dht_program = "") {
  const std::string path = "/bin/false";
  Program program;
  program.dht_program = dht_program;
  program.patience = patience;
  program.path = path;
  program.arguments = {path};
  program.first_work = std::move(work);
  program.forget_secrets = [] {};
  program.read_settings = [] { return std::nullopt; };
  io::set_log_levels(LogLevels(LogLevel::off));
  return Monitor(std::move(program)).run();
}

// Of an upgrade that cannot be.
std::string refusal(const Link& link) {
  link.ask_for_upgrade();
  std::optional<std::string> out;
  while (!out)
    link.read({.leave = [&] { out = "leave"; },
               .refused = [&](const std::string& why) { out = why; },
               .gone = [&] { out = "gone"; }});
  return *out;
}

TEST(MonitorWorkers, TheirExitCodeIsTheProgrammes) {
  EXPECT_EQ(ends_with([](Channel) { return 0; }), 0);
  EXPECT_EQ(ends_with([](Channel) { return 2; }), 2);
}

TEST(MonitorWorkers, ACrashWithNobodyToTakeOverIsTheEnd) {
  EXPECT_EQ(ends_with([](Channel) -> int {
              std::signal(SIGABRT, SIG_DFL);
              std::abort();
            }),
            1);
}

// A signal without a name.
TEST(MonitorWorkers, OneThatARealTimeSignalEndsHasCrashed) {
  EXPECT_EQ(ends_with([](Channel) { return raise(SIGRTMIN); }), 1);
}

// It asks and asks and takes no answer: whoever waited for room in its socket would wait for ever.
TEST(MonitorWorkers, OneThatDoesNotListenIsKilled) {
  EXPECT_EQ(ends_with([](Channel channel) {
              while (channel.send({.kind = Kind::upgrade})) {
              }
              return 7;
            }),
            1);
}

TEST(MonitorWorkers, OneThatTalksAllTheTimeHoldsUpNoSignalAndNoTimer) {
  EXPECT_EQ(ends_with(
                [](Channel channel) {
                  std::signal(SIGTERM, SIG_IGN);
                  refusal(Link(Channel(io::UniqueFd(dup(channel.fd())))));
                  for (int i = 0; i < 3; ++i)
                    std::thread([&] {
                      while (channel.send({.kind = Kind::alive})) {
                      }
                    }).detach();
                  kill(getppid(), SIGTERM);
                  for (;;) pause();
                  return 0;
                },
                milliseconds(50)),
            128 + SIGKILL);
}

TEST(MonitorWorkers, ARefusedUpgradeReachesTheWorkerWhichGoesOn) {
  EXPECT_EQ(ends_with([](Channel channel) {
              const Link link(std::move(channel));
              return refusal(link).find("/bin/false cannot take over") == 0 ? 7 : 1;
            }),
            7);
}

// Any program does: what counts is that the worker gets the other end of its socket.
TEST(MonitorWorkers, AskForADhtProcessAndGetItsSocketAgainAndAgain) {
  EXPECT_EQ(ends_with(
                [](Channel channel) {
                  const Link link(std::move(channel));
                  int sockets = 0;
                  while (sockets < 2) {
                    const int before = sockets;
                    link.want_dht();
                    while (sockets == before)
                      link.read({.leave = [] {},
                                 .refused = [](const std::string&) {},
                                 .dht = [&](const io::UniqueFd& fd) { sockets += fd ? 1 : 0; },
                                 .gone = [] { std::_Exit(9); }});
                  }
                  return 3;
                },
                seconds(60), "/bin/cat"),
            3);
}

TEST(MonitorWorkers, SigtermReachesTheWorker) {
  EXPECT_EQ(ends_with([](Channel channel) {
              refusal(Link(std::move(channel)));  // the monitor listens to signals by now
              sigset_t wanted;
              sigemptyset(&wanted);
              sigaddset(&wanted, SIGTERM);
              sigprocmask(SIG_BLOCK, &wanted, nullptr);
              kill(getppid(), SIGTERM);
              int number = 0;
              sigwait(&wanted, &number);
              return number == SIGTERM ? 7 : 1;
            }),
            7);
}

TEST(MonitorWorkers, OneThatDoesNotEndIsKilled) {
  EXPECT_EQ(ends_with(
                [](Channel channel) {
                  std::signal(SIGTERM, SIG_IGN);
                  refusal(Link(std::move(channel)));
                  kill(getppid(), SIGTERM);
                  for (;;) pause();
                  return 0;
                },
                milliseconds(50)),
            128 + SIGKILL);
}

TEST(MonitorWorkers, NoVariableOfOursIsTakenForAChannelThatIsNone) {
  setenv(kChannelVariable, "0", 1);
  EXPECT_FALSE(Link::inherited());
  EXPECT_EQ(std::getenv(kChannelVariable), nullptr) << "nobody inherits it";
  setenv(kChannelVariable, "rubbish", 1);
  EXPECT_FALSE(Link::inherited());
}

}  // namespace
}  // namespace meshnode::monitor
