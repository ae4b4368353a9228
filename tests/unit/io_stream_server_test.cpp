// io/stream_server over real sockets, with a loop that is turned by hand.
#include <array>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "io/stream_server.h"

namespace meshnode::io {
namespace {

struct Client : StreamClient {
  int steps = 0;
};

// Echoes; "bye" ends a client.
class StreamServerTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kMost = 3;

  StreamServerTest() {
    UniqueFd listener = stream();
    // Linux names it.
    EXPECT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address_), sizeof(sa_family_t)),
              0);
    EXPECT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address_), &size_), 0);
    EXPECT_EQ(::listen(listener.get(), 64), 0);
    StreamServer<Client>::Rules rules;
    rules.most = kMost;
    rules.now = [this] { return now_; };
    rules.serve = [this](Client& client, bool gone) { return serve(client, gone); };
    rules.make_room = [this](const StreamClient& newcomer) { make_room_(newcomer); };
    LoopDoor loop{[this](int fd, std::function<void()> readable) {
                    watched_ = fd;
                    turn_ = std::move(readable);
                  },
                  [this](int fd) {
                    EXPECT_EQ(fd, watched_);
                    watched_ = -1;
                  }};
    server_ = std::make_unique<StreamServer<Client>>(std::move(listener), StreamSet::make(),
                                                     std::move(loop), std::move(rules));
  }

  bool serve(Client& client, bool gone) {
    ++client.steps;
    gone_ = gone;
    if (client.sending()) {
      if (!client.send_some()) return false;
      if (!client.sending()) server_->await(client, Await::input);
      return true;
    }
    std::array<char, 16> memory;
    const auto got = client.receive(memory);
    if (!got || *got == "bye") return false;
    client.out.append(*got);
    if (client.sending()) server_->await(client, await_);
    return true;
  }

  static UniqueFd stream() {
    return UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  }
  UniqueFd connect() {
    UniqueFd out = stream();
    EXPECT_EQ(::connect(out.get(), reinterpret_cast<sockaddr*>(&address_), size_), 0);
    return out;
  }
  UniqueFd come() {
    UniqueFd out = connect();
    turns();
    return out;
  }
  static void say(const UniqueFd& to, std::string_view text) {
    EXPECT_EQ(::send(to.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  // What came by now; "end" if it was the end.
  static std::string heard(const UniqueFd& by) {
    std::array<char, 64> memory;
    const ssize_t got = ::recv(by.get(), memory.data(), memory.size(), 0);
    if (got == 0) return "end";
    return got < 0 ? "" : std::string(memory.data(), static_cast<std::size_t>(got));
  }
  bool ready() const {
    pollfd set{watched_, POLLIN, 0};
    return ::poll(&set, 1, 0) > 0;
  }
  void turns() {
    for (int i = 0; i < 1000 && ready(); ++i) turn_();
    EXPECT_FALSE(ready());
  }

  sockaddr_un address_{AF_UNIX, {}};
  socklen_t size_ = sizeof address_;
  TimePoint now_{seconds(1000)};
  Await await_ = Await::room;
  bool gone_ = false;
  std::function<void(const StreamClient&)> make_room_ = [](const StreamClient&) {};
  int watched_ = -1;
  std::function<void()> turn_;
  std::unique_ptr<StreamServer<Client>> server_;
};

TEST_F(StreamServerTest, ServesUntilTheClientIsDoneWith) {
  const UniqueFd client = come();
  EXPECT_EQ(server_->size(), 1U);
  say(client, "hello");
  turns();
  EXPECT_EQ(heard(client), "hello");
  say(client, "bye");
  turns();
  EXPECT_EQ(heard(client), "end");
  EXPECT_EQ(server_->size(), 0U);
}

TEST_F(StreamServerTest, SaysWhatItKnowsOfAClient) {
  const UniqueFd first = come();
  now_ += seconds(1);
  const UniqueFd second = come();
  std::vector<std::pair<std::uint64_t, TimePoint>> known;
  server_->each([&known](const Client& each) { known.emplace_back(each.number, each.since); });
  EXPECT_EQ(known, (std::vector<std::pair<std::uint64_t, TimePoint>>{
                       {0, TimePoint(seconds(1000))}, {1, TimePoint(seconds(1001))}}));
}

TEST_F(StreamServerTest, TheEndIsAwaitedEvenWhereNothingElseIs) {
  await_ = Await::end;
  UniqueFd client = come();
  say(client, "hello");
  turns();
  say(client, "more");
  EXPECT_FALSE(ready()) << "neither what it says nor room for it is awaited";
  client.reset();
  EXPECT_TRUE(ready());
  turn_();
  EXPECT_TRUE(gone_);
  EXPECT_EQ(server_->size(), 0U) << "what it was to be sent cannot be";
}

TEST_F(StreamServerTest, AFurtherClientIsRefused) {
  make_room_ = [](const StreamClient& newcomer) { ::send(newcomer.socket.get(), "full", 4, 0); };
  std::vector<UniqueFd> clients;
  for (std::size_t i = 0; i < kMost; ++i) clients.push_back(come());
  const UniqueFd further = come();
  EXPECT_EQ(heard(further), "full");
  EXPECT_EQ(heard(further), "end");
  EXPECT_EQ(server_->size(), kMost);
  for (const UniqueFd& client : clients) EXPECT_EQ(heard(client), "");
}

TEST_F(StreamServerTest, OrTakesThePlaceOfTheOldest) {
  make_room_ = [this](const StreamClient&) { server_->drop_oldest(); };
  std::vector<UniqueFd> clients;
  for (std::size_t i = 0; i < kMost + 1; ++i) clients.push_back(come());
  EXPECT_EQ(server_->size(), kMost);
  EXPECT_EQ(heard(clients[0]), "end");
  EXPECT_EQ(heard(clients[1]), "");
  say(clients.back(), "hello");
  turns();
  EXPECT_EQ(heard(clients.back()), "hello");
}

TEST_F(StreamServerTest, WhoEndsMakesRoomForWhoComesInTheSameTurn) {
  std::vector<UniqueFd> clients;
  for (std::size_t i = 0; i < kMost; ++i) clients.push_back(come());
  const UniqueFd further = connect();
  say(clients[0], "bye");
  turn_();
  EXPECT_EQ(server_->size(), kMost);
  say(further, "hello");
  turns();
  EXPECT_EQ(heard(further), "hello");
}

TEST_F(StreamServerTest, ATickEndsThoseThatItIsToldOf) {
  const UniqueFd patient = come();
  now_ += seconds(5);
  const UniqueFd late = come();
  server_->tick([](Client& client) { return client.since == TimePoint(seconds(1000)); });
  EXPECT_EQ(server_->size(), 1U);
  EXPECT_EQ(heard(patient), "end");
  EXPECT_EQ(heard(late), "");
}

TEST_F(StreamServerTest, WithoutADescriptorItRestsUntilTheNextTick) {
  const UniqueFd waiting = connect();
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const UniqueFd lowest_free(::dup(0));
  const rlimit none_left{static_cast<rlim_t>(lowest_free.get()), before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none_left), 0);
  EXPECT_TRUE(ready());
  turn_();
  EXPECT_FALSE(ready()) << "the loop would turn for nothing";
  server_->tick([](Client&) { return false; });
  EXPECT_TRUE(ready()) << "it tries again";
  turn_();
  EXPECT_FALSE(ready());
  EXPECT_EQ(server_->size(), 0U);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  server_->tick([](Client&) { return false; });
  turns();
  EXPECT_EQ(server_->size(), 1U);
}

TEST_F(StreamServerTest, ItsEndEndsItsClientsAndTheWatch) {
  const UniqueFd client = come();
  server_.reset();
  EXPECT_EQ(watched_, -1);
  EXPECT_EQ(heard(client), "end");
}

}  // namespace
}  // namespace meshnode::io
