// io/service_manager against a socket like systemd's.
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/service_manager.h"
#include "support/temp_dir.h"

namespace meshnode::io {
namespace {

class ServiceManagerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) unsetenv(name);
  }
  void TearDown() override { SetUp(); }
  // Listens where NOTIFY_SOCKET says; '@' for an abstract name.
  void listen_at(const std::string& name) {
    listener_ = UniqueFd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    ASSERT_EQ(bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
    setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  std::string heard() {
    char buffer[256];
    const ssize_t n = recv(listener_.get(), buffer, sizeof buffer, 0);
    return n < 0 ? "" : std::string(buffer, static_cast<std::size_t>(n));
  }

  test::TempDir folder_;
  UniqueFd listener_;
};

TEST_F(ServiceManagerTest, TellsAtAPathAndAtAnAbstractName) {
  for (const std::string& name :
       {folder_.path() + "/notify", "@meshnode-test-" + std::to_string(getpid())}) {
    listen_at(name);
    ServiceManager manager;
    EXPECT_EQ(std::getenv("NOTIFY_SOCKET"), nullptr) << "children inherit nothing";
    manager.ready("mesh0 is up");
    EXPECT_EQ(heard(), "READY=1\nSTATUS=mesh0 is up\n");
    manager.stopping();
    EXPECT_EQ(heard(), "STOPPING=1\n");
  }
}

TEST_F(ServiceManagerTest, AStatusSaysNothingElse) {
  listen_at(folder_.path() + "/notify");
  ServiceManager manager;
  manager.ready("up\nMAINPID=1\n");
  EXPECT_EQ(heard(), "READY=1\nSTATUS=up MAINPID=1 \n");
}

// Longer than a socket's name can be, too: nothing is written past it, which asan would see.
TEST_F(ServiceManagerTest, NobodyListensAndNothingHappens) {
  for (const char* name : {"", "relative", "/nowhere/at/all"}) {
    setenv("NOTIFY_SOCKET", name, 1);
    ServiceManager manager;
    manager.ready("x");
  }
  setenv("NOTIFY_SOCKET", std::string(200, '/').c_str(), 1);
  ServiceManager().ready("x");
}

TEST_F(ServiceManagerTest, TheWatchdogHearsInHalfItsTime) {
  listen_at(folder_.path() + "/notify");
  setenv("WATCHDOG_USEC", "30000000", 1);
  setenv("WATCHDOG_PID", std::to_string(getpid()).c_str(), 1);
  ServiceManager manager;
  TimePoint last{};
  unsigned signs = 0;
  for (TimePoint now{seconds(1000)}; now < TimePoint{seconds(1300)}; now += seconds(1)) {
    manager.alive(now);
    if (heard() != "WATCHDOG=1\n") continue;
    if (signs > 0) {
      EXPECT_LE(now - last, seconds(15));
    }
    ++signs;
    last = now;
  }
  EXPECT_GE(signs, 300U / 15);
  EXPECT_LE(signs, 300U / 13);
}

TEST_F(ServiceManagerTest, AWatchdogOfAnotherProcessIsNotOurs) {
  for (const auto& [time, whom] : {std::pair("30000000", "1"), {"", ""}, {"x", ""}, {"0", ""}}) {
    listen_at("@meshnode-test-" + std::to_string(getpid()) + "-other");
    setenv("WATCHDOG_USEC", time, 1);
    setenv("WATCHDOG_PID", whom, 1);
    ServiceManager manager;
    manager.alive(TimePoint{seconds(1000)});
    EXPECT_EQ(heard(), "") << time;
    listener_.reset();
  }
}

}  // namespace
}  // namespace meshnode::io
