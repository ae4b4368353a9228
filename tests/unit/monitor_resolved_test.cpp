// monitor/resolved and a bus that goes away; tests/netns/names.sh has one that answers.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "io/clock.h"
#include "io/unique_fd.h"
#include "monitor/names.h"
#include "monitor/resolved.h"
#include "tests/support/temp_dir.h"

namespace meshnode::monitor {
namespace {

io::UniqueFd listen_at(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  io::UniqueFd out(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(bind(out.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(listen(out.get(), 1), 0);
  return out;
}

TEST(Resolved, ABusThatGoesAwayIsAskedForAgain) {
  const test::TempDir folder;
  const std::string path = folder.path() + "/bus";
  const io::UniqueFd bus = listen_at(path);
  setenv("DBUS_SYSTEM_BUS_ADDRESS", ("unix:path=" + path).c_str(), 1);
  io::EventLoop loop;
  Resolved resolved(loop);
  const TimePoint start = io::read_clocks().mono;
  constexpr Duration kTooLate = seconds(10);
  loop.on_deadline([&] { loop.stop(); });
  loop.set_deadline(start + kTooLate);
  resolved.set(start, Resolved::Link{1, *IpAddress::parse("fd00::1"), 53, {"mesh"}});
  io::UniqueFd(accept(bus.get(), nullptr, nullptr)).reset();
  loop.run();
  EXPECT_LT(io::read_clocks().mono - start, kTooLate) << "nobody would have asked it again";
  const auto next = resolved.next_deadline();
  ASSERT_TRUE(next);
  EXPECT_GE(*next, start + Resolved::kReconnectEvery);
}

TEST(MonitorNames, TellsOfAnotherPortNowAndThenOnly) {
  io::EventLoop loop;
  Names names(loop);
  const TimePoint start = io::read_clocks().mono;
  names.server(start, "53");
  EXPECT_FALSE(names.next_deadline()) << "the first one is told at once";
  for (const char* port : {"54", "53", "55"}) {
    names.server(start + milliseconds(1), port);
    EXPECT_EQ(names.next_deadline(), start + Names::kServerEvery);
  }
  names.timeout(start + Names::kServerEvery);
  EXPECT_FALSE(names.next_deadline());
  names.server(start + 2 * Names::kServerEvery, "");
  EXPECT_FALSE(names.next_deadline());
}

}  // namespace
}  // namespace meshnode::monitor
