// A control socket with a loop that is turned by hand, and a client that does what it is told.
#pragma once

#include <atomic>
#include <map>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/client.h"
#include "control/server.h"
#include "control/snapshot_json.h"
#include "support/temp_dir.h"

namespace meshnode::control {

// Runs watched descriptors by hand: a loop that stops whenever the test wants.
class HandLoop {
 public:
  io::LoopDoor door() {
    return {[this](int fd, std::function<void()> fn) { watched_[fd] = std::move(fn); },
            [this](int fd) { watched_.erase(fd); }};
  }
  // One turn; waits at most 5 ms for something to do. True if there was.
  bool turn() {
    std::vector<pollfd> fds;
    for (const auto& [fd, fn] : watched_) fds.push_back({fd, POLLIN, 0});
    if (::poll(fds.data(), fds.size(), 5) <= 0) return false;
    for (const pollfd& fd : fds)
      if (fd.revents != 0 && watched_.contains(fd.fd)) watched_[fd.fd]();
    return true;
  }
  void until_quiet() {
    for (int turns = 0; turns < 10000 && turn(); ++turns) continue;
  }
  std::size_t watched() const { return watched_.size(); }

 private:
  std::map<int, std::function<void()>> watched_;
};

inline std::size_t read_by_now(int fd, std::string& to) {
  char chunk[65536];
  const ssize_t got = ::recv(fd, chunk, sizeof chunk, MSG_DONTWAIT);
  if (got > 0) to.append(chunk, static_cast<std::size_t>(got));
  return got > 0 ? static_cast<std::size_t>(got) : 0;
}

// A client that does exactly what it is told.
class RawClient {
 public:
  explicit RawClient(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  RawClient(RawClient&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  RawClient& operator=(RawClient&&) = delete;
  ~RawClient() { leave(); }

  bool connected() const { return connected_; }
  void leave() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  ssize_t say(const std::string& text) {
    return ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  std::string heard() {
    while (read_by_now(fd_, heard_) > 0) continue;
    return heard_;
  }
  void finish() { ::shutdown(fd_, SHUT_WR); }
  // The server closed: end of file, or a reset because it had not read all.
  bool closed() {
    heard();
    char byte = 0;
    const ssize_t got = ::recv(fd_, &byte, 1, MSG_DONTWAIT | MSG_PEEK);
    return got == 0 || (got < 0 && errno != EAGAIN);
  }

 private:
  int fd_ = -1;
  bool connected_ = false;
  std::string heard_;
};

class ControlSocket : public testing::Test {
 public:
  ControlSocket() { path_ = folder_ + "/run/mesh0.sock"; }

 protected:
  Result<std::unique_ptr<Server>> open() { return Server::open(path_, loop_.door(), answers()); }
  void start() {
    auto opened = open();
    ASSERT_TRUE(opened) << opened.error().message;
    server_ = std::move(*opened);
  }
  Answers answers() {
    return {[this] { return snapshot_; }, [] { return NodeId{}; },
            [] {
              return JoinLine{"sudo meshnode --key @-", "mesh1abc"};
            },
            [this](const Request& request, Ticket ticket) { return other_(request, ticket); },
            [this] { ++watched_; }};
  }
  // ask() blocks, so it runs beside the loop.
  Result<std::string> ask_here(const Request& method, milliseconds patience = milliseconds(5000)) {
    std::atomic<bool> done = false;
    Result<std::string> answer = Error::world("not asked");
    std::thread client([&] {
      answer = ask(path_, method, patience);
      done = true;
    });
    while (!done) loop_.turn();
    client.join();
    return answer;
  }
  mode_t mode_of(const std::string& path) {
    struct stat about {};
    EXPECT_EQ(::lstat(path.c_str(), &about), 0);
    return about.st_mode & 07777;
  }
  static TimePoint at(int second) { return TimePoint(seconds(second)); }

  test::TempDir temp_;
  const std::string folder_ = temp_.path();
  std::string path_;
  HandLoop loop_;
  Snapshot snapshot_;
  std::function<Reply(const Request&, Ticket)> other_ = [](const Request&, Ticket) {
    return Error::world("not now");
  };
  int watched_ = 0;
  std::unique_ptr<Server> server_;
};

inline const std::string kStatus = "{\"version\":1,\"method\":\"status\"}\n";
inline const std::string kId = "{\"version\":1,\"method\":\"id\"}\n";

}  // namespace meshnode::control
