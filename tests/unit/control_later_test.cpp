// control/server and control/client: answers that come later, and events for those who watch.
#include "unit/control_fixture.h"

namespace meshnode::control {
namespace {

TEST_F(ControlSocket, OtherMethodsAreAnsweredAtOnceOrRefused) {
  start();
  std::vector<Request> asked;
  other_ = [&](const Request& request, Ticket) -> Reply {
    asked.push_back(request);
    if (request.peer == "beta") return std::string("[7]");
    return Error::usage("whom?");
  };
  EXPECT_EQ(*ask_here({Method::peer, "beta"}), "[7]");
  const auto refused = ask_here(Method::peer);
  EXPECT_EQ(refused.error().message, "whom?");
  EXPECT_EQ(refused.error().exit_code(), 2);
  EXPECT_EQ(asked, (std::vector<Request>{{Method::peer, "beta"}, Method::peer}));
  EXPECT_EQ(*ask_here(Method::methods), methods_json());
}

// An answer that comes later; what is asked meanwhile waits.
TEST_F(ControlSocket, AnAnswerMayComeLater) {
  start();
  std::vector<Ticket> tickets;
  other_ = [&](const Request&, Ticket ticket) {
    tickets.push_back(ticket);
    return Later{};
  };
  RawClient first(path_), second(path_);
  first.say("{\"version\":1,\"method\":\"ping\",\"peer\":\"b\"}\n" + kId);
  second.say("{\"version\":1,\"method\":\"ping\"}\n");
  second.finish();  // half an end is none
  loop_.until_quiet();
  ASSERT_EQ(tickets.size(), 2U);
  EXPECT_NE(tickets[0], tickets[1]);
  EXPECT_EQ(first.heard() + second.heard(), "");
  server_->answer(tickets[1], std::string("2"));
  server_->answer(tickets[0], Error::world("away"));
  server_->answer(tickets[0], std::string("twice"));
  server_->answer(999, std::string("nobody asked"));
  loop_.until_quiet();
  EXPECT_EQ(first.heard(), error_line("away") + ok_line("\"" + NodeId{}.to_string() + "\""));
  EXPECT_EQ(second.heard(), ok_line("2"));
}

TEST_F(ControlSocket, AnOlderDaemonIsSaidToBeOne) {
  start();
  other_ = [](const Request&, Ticket) -> Reply {
    return Error::world("the methods are status, id and join-line");
  };
  EXPECT_EQ(ask_here({Method::trace, "beta"}).error().message,
            "this meshnode is older than meshctl and cannot do trace: restart it");
}

TEST_F(ControlSocket, AnAnswerMayComeFromWithinTheCall) {
  start();
  other_ = [&](const Request&, Ticket ticket) {
    server_->answer(ticket, std::string("3"));
    return Later{};
  };
  EXPECT_EQ(*ask_here(Method::ping), "3");
}

TEST_F(ControlSocket, WhoLeavesBeforeItsAnswerIsForgotten) {
  start();
  Ticket last = 0;
  other_ = [&](const Request&, Ticket ticket) {
    last = ticket;
    return Later{};
  };
  RawClient client(path_);
  client.say("{\"version\":1,\"method\":\"ping\"}\n");
  loop_.until_quiet();
  EXPECT_EQ(server_->clients(), 1U);
  client.leave();
  loop_.until_quiet();
  EXPECT_EQ(server_->clients(), 0U);
  server_->answer(last, std::string("too late"));
  EXPECT_TRUE(ask_here(Method::id));
}

TEST_F(ControlSocket, AnAnswerThatNeverComesEndsAfterItsPatience) {
  start();
  other_ = [](const Request&, Ticket) { return Later{}; };
  server_->tick(at(100));
  RawClient client(path_);
  client.say("{\"version\":1,\"method\":\"ping\"}\n");
  loop_.until_quiet();
  server_->tick(at(111));
  EXPECT_EQ(server_->clients(), 0U);
}

const std::string kWatch = "{\"version\":1,\"method\":\"watch\"}\n";
const std::string kWatching = "{\"ok\":true,\"result\":{\"stream\":\"events\"}}\n";

TEST_F(ControlSocket, EventsGoToThoseWhoWatch) {
  start();
  server_->tick(at(100));
  RawClient watcher(path_), other(path_), half(path_);
  watcher.say(kWatch);
  half.say(kWatch);
  half.finish();
  other.say(kId);
  loop_.until_quiet();
  EXPECT_EQ(server_->watchers(), 2U);
  EXPECT_EQ(watched_, 2);
  const auto before = other.heard();
  server_->publish("{\"n\":1}");
  server_->publish("{\"n\":2}");
  loop_.until_quiet();
  for (RawClient* client : {&watcher, &half})
    EXPECT_EQ(client->heard(), kWatching + "{\"n\":1}\n{\"n\":2}\n");
  EXPECT_EQ(other.heard(), before);
  server_->tick(at(500));
  EXPECT_EQ(server_->clients(), 2U) << "a quiet hour is no reason to end";
  half.leave();
  loop_.until_quiet();
  EXPECT_EQ(server_->watchers(), 1U);
  server_->publish("{\"n\":3}");
  loop_.until_quiet();
  EXPECT_NE(watcher.heard().find("{\"n\":3}\n"), std::string::npos);
}

TEST_F(ControlSocket, ASlowWatcherIsCutOffAndNobodyElse) {
  start();
  RawClient slow(path_), good(path_);
  slow.say(kWatch);
  good.say(kWatch);
  loop_.until_quiet();
  const std::string event = "{\"filler\":\"" + std::string(1000, 'x') + "\"}";
  std::size_t told = 0;
  for (; told < 3000 && server_->watchers() == 2; ++told) {
    server_->publish(event);
    loop_.until_quiet();
    good.heard();
  }
  EXPECT_EQ(server_->watchers(), 1U);
  EXPECT_GE(told * event.size(), Server::kMaxQueued);
  loop_.until_quiet();
  EXPECT_EQ(server_->clients(), 1U);
  EXPECT_EQ(good.heard().size(), kWatching.size() + told * (event.size() + 1));
}

TEST_F(ControlSocket, AWatcherThatTakesNothingIsDropped) {
  start();
  server_->tick(at(100));
  RawClient watcher(path_);
  watcher.say(kWatch);
  loop_.until_quiet();
  const std::string event = "{\"filler\":\"" + std::string(1000, 'x') + "\"}";
  // More than the socket holds, less than the queue takes.
  for (int i = 0; i < 250; ++i) server_->publish(event);
  loop_.until_quiet();
  ASSERT_EQ(server_->watchers(), 1U);
  server_->tick(at(111));
  EXPECT_EQ(server_->clients(), 0U);
}

TEST_F(ControlSocket, TheClientReadsEvents) {
  start();
  std::atomic<bool> done = false;
  std::vector<std::string> heard;
  std::string end;
  std::thread client([&] {
    auto stream = EventStream::open(path_);
    while (stream) {
      const auto line = stream->next();
      if (!line) {
        end = line.error().message;
        break;
      }
      heard.push_back(*line);
    }
    done = true;
  });
  while (server_->watchers() == 0) loop_.turn();
  server_->publish("{\"n\":1}");
  server_->publish("{\"n\":2}");
  loop_.until_quiet();
  server_.reset();
  client.join();
  EXPECT_TRUE(done);
  EXPECT_EQ(heard, (std::vector<std::string>{"{\"n\":1}", "{\"n\":2}"}));
  EXPECT_EQ(end, "meshnode ended the stream on " + path_ +
                     ": it stopped, or its events were taken too slowly");
}

}  // namespace
}  // namespace meshnode::control
