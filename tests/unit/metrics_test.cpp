#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/socket_address.h"
#include "io/unique_fd.h"
#include "metrics/exposition.h"
#include "metrics/http_request.h"
#include "metrics/responder.h"

namespace meshnode::metrics {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

// ---- the text

TEST(Exposition, HasFamiliesWithTypeUnitAndHelpAndAnEnd) {
  Exposition out;
  out.family(Exposition::Type::counter, "a_bytes", "Bytes.", "bytes");
  out.sample({{"peer", "b"}, {"id", "c"}}, 18'446'744'073'709'551'615U);
  out.family(Exposition::Type::gauge, "d_seconds", "Time.", "seconds");
  out.sample({}, 0.25);
  EXPECT_EQ(std::move(out).finish(),
            "# TYPE a_bytes counter\n# UNIT a_bytes bytes\n# HELP a_bytes Bytes.\n"
            "a_bytes_total{peer=\"b\",id=\"c\"} 18446744073709551615\n"
            "# TYPE d_seconds gauge\n# UNIT d_seconds seconds\n# HELP d_seconds Time.\n"
            "d_seconds 0.25\n# EOF\n");
}

TEST(Exposition, NoNameEndsItsLabel) {
  Exposition out;
  out.family(Exposition::Type::info, "a", "A.");
  out.sample({{"peer", "x\"} 1\n# EOF\\\xff"}}, 1U);
  EXPECT_THAT(std::move(out).finish(), HasSubstr("a_info{peer=\"x\\\"} 1\\n# EOF\\\\?\"} 1\n"));
}

// ---- requests

int status(std::string_view request, bool names = false) {
  const auto verdict = judge(request, names);
  return verdict ? verdict->status : 0;
}

TEST(HttpRequest, MetricsAreAtOnePlace) {
  EXPECT_EQ(status("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:9731\r\n\r\n"), 200);
  EXPECT_EQ(status("GET /metrics?x=1 HTTP/1.1\nHost: localhost\n\n"), 200);
  EXPECT_EQ(status("GET /metrics HTTP/1.0\r\n\r\n"), 200);
  EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: [::1]:9731\r\n\r\n"), 404);
  EXPECT_EQ(status("GET /metrics/.. HTTP/1.1\r\nHost: [::1]\r\n\r\n"), 404);
  EXPECT_EQ(status("POST /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"), 405);
  const auto head = judge("HEAD /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", false);
  ASSERT_TRUE(head);
  EXPECT_TRUE(head->head && head->status == 200);
}

TEST(HttpRequest, IsAwaitedUntilItIsWholeAndNoLonger) {
  EXPECT_FALSE(judge("", false));
  EXPECT_FALSE(judge("GET /metrics HTTP/1.1\r\nHost: localhost\r\n", false));
  EXPECT_FALSE(judge(std::string(kMaxRequest - 1, 'x'), false));
  EXPECT_EQ(status(std::string(kMaxRequest, 'x')), 431);
  EXPECT_EQ(status(std::string(kMaxRequest, 'x') + "\r\n\r\n"), 431);
}

TEST(HttpRequest, WhatIsNoHttpIsABadOne) {
  for (const char* text :
       {"\r\n\r\n", "GET\r\n\r\n", "GET /metrics\r\n\r\n", "GET /metrics HTTP/1.1\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost : localhost\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\n folded\r\n\r\n",
        "GET /met rics HTTP/1.1\r\nHost: localhost\r\n\r\n", "\x16\x03\x01\n\n"})
    EXPECT_EQ(status(text), 400) << text;
  EXPECT_EQ(status("GET /metrics HTTP/2.0\r\nHost: localhost\r\n\r\n"), 505);
}

TEST(HttpRequest, AWebPageCannotReadWhatIsToldOnThisMachine) {
  const std::string_view rebound = "GET /metrics HTTP/1.1\r\nHost: evil.example:9731\r\n\r\n";
  EXPECT_EQ(status(rebound, false), 421);
  EXPECT_EQ(status(rebound, true), 200);
  EXPECT_EQ(status("GET /metrics HTTP/1.1\r\nHost: localhost.evil.example\r\n\r\n"), 421);
}

TEST(HttpRequest, AnAnswerSaysWhatItIs) {
  const std::string good = answer({200, false}, "text");
  EXPECT_THAT(good, StartsWith("HTTP/1.1 200 OK\r\nContent-Type: application/openmetrics-text; "
                               "version=1.0.0; charset=utf-8\r\nContent-Length: 4\r\n"));
  EXPECT_THAT(good, EndsWith("Connection: close\r\n\r\ntext"));
  EXPECT_THAT(answer({200, true}, "text"), EndsWith("\r\n\r\n"));
  EXPECT_THAT(answer({200, true}, "text"), HasSubstr("Content-Length: 4\r\n"));
  EXPECT_THAT(answer({405, false}, "secret"), Not(HasSubstr("secret")));
}

// ---- the responder, with a loop and a clock that are turned by hand

class ResponderTest : public ::testing::Test {
 protected:
  ResponderTest() {
    Doors doors;
    doors.loop.watch = [this](int fd, std::function<void()> fn) {
      fd_ = fd;
      turn_ = std::move(fn);
    };
    doors.loop.unwatch = [this](int) { fd_ = -1; };
    doors.now = [this] { return now_; };
    doors.text = [this] {
      ++made_;
      return text_;
    };
    auto opened = Responder::open({*IpAddress::parse("127.0.0.1"), 0}, std::move(doors));
    EXPECT_TRUE(opened.ok());
    responder_ = std::move(opened).value();
  }

  void turns() {
    for (int i = 0; i < 10000; ++i) {
      pollfd ready{fd_, POLLIN, 0};
      if (::poll(&ready, 1, 5) <= 0) return;
      turn_();
    }
  }

  io::UniqueFd connect() {
    io::UniqueFd out(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    io::SocketAddress address{};
    const auto size =
        io::to_socket_address({*IpAddress::parse("127.0.0.1"), responder_->port()}, 0, address);
    EXPECT_EQ(::connect(out.get(), &address.any, size), 0);
    turns();
    return out;
  }
  void send(const io::UniqueFd& to, std::string_view text) {
    EXPECT_EQ(::send(to.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
    turns();
  }
  // All that came by now; `ended` if it was the end.
  std::string read(const io::UniqueFd& from, bool* ended = nullptr) {
    std::string out;
    char chunk[65536];
    for (int i = 0; i < 10000; ++i) {
      const ssize_t got = ::recv(from.get(), chunk, sizeof chunk, MSG_DONTWAIT);
      if (ended != nullptr) *ended = got == 0 || (got < 0 && errno == ECONNRESET);
      if (got == 0 || (got < 0 && errno != EAGAIN)) return out;
      if (got < 0) {
        pollfd ready{fd_, POLLIN, 0};
        if (::poll(&ready, 1, 5) <= 0) return out;
        turn_();
        continue;
      }
      out.append(chunk, static_cast<std::size_t>(got));
    }
    return out;
  }

  static constexpr std::string_view kScrape = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
  TimePoint now_{seconds(1000)};
  std::string text_ = "# EOF\n";
  int made_ = 0;
  int fd_ = -1;
  std::function<void()> turn_;
  std::unique_ptr<Responder> responder_;
};

TEST_F(ResponderTest, AnswersAScrapeAndEndsTheConnection) {
  const auto client = connect();
  send(client, kScrape.substr(0, 20));
  EXPECT_EQ(read(client), "");
  send(client, kScrape.substr(20));
  bool ended = false;
  EXPECT_THAT(read(client, &ended), EndsWith("\r\n\r\n# EOF\n"));
  EXPECT_TRUE(ended);
  ::shutdown(client.get(), SHUT_WR);
  turns();
  EXPECT_EQ(responder_->clients(), 0U);
}

TEST_F(ResponderTest, ALargeTextArrivesWhole) {
  text_ = std::string(5'000'000, 'x') + "\n# EOF\n";
  const auto client = connect();
  send(client, kScrape);
  const std::string got = read(client);
  EXPECT_GT(got.size(), text_.size());
  EXPECT_THAT(got.substr(got.size() - 10), EndsWith("x\n# EOF\n"));
}

TEST_F(ResponderTest, ManyScrapesInAMomentCostOne) {
  for (int i = 0; i < 20; ++i) {
    const auto client = connect();
    send(client, kScrape);
    EXPECT_THAT(read(client), StartsWith("HTTP/1.1 200"));
  }
  EXPECT_EQ(made_, 1);
  now_ += Responder::kFresh;
  const auto client = connect();
  send(client, kScrape);
  EXPECT_EQ(made_, 2);
}

TEST_F(ResponderTest, WhoHangsIsDroppedAndKeepsNobodyOut) {
  std::vector<io::UniqueFd> hanging;
  for (std::size_t i = 0; i < 3 * Responder::kMaxClients; ++i) {
    hanging.push_back(connect());
    EXPECT_LE(responder_->clients(), Responder::kMaxClients);
  }
  bool ended = false;
  read(hanging.front(), &ended);
  EXPECT_TRUE(ended) << "the one that waited longest makes room";
  const auto client = connect();
  send(client, kScrape);
  EXPECT_THAT(read(client), StartsWith("HTTP/1.1 200"));
  now_ += Responder::kPatience;
  responder_->tick();
  EXPECT_EQ(responder_->clients(), 0U);
}

TEST_F(ResponderTest, WhoTakesNothingOrNeverEndsIsDropped) {
  text_ = std::string(50'000'000, 'x');
  const auto slow = connect();
  send(slow, kScrape);
  const auto chatty = connect();
  for (int i = 0; i < 10; ++i) {
    now_ += milliseconds(500);
    ::send(chatty.get(), "x", 1, MSG_NOSIGNAL);
    turns();
    responder_->tick();
  }
  EXPECT_EQ(responder_->clients(), 0U) << "a byte now and then buys no time";
}

TEST_F(ResponderTest, RubbishIsAnsweredAndForgotten) {
  const auto client = connect();
  send(client, "\x16\x03\x01\x02\n\n");
  EXPECT_THAT(read(client), StartsWith("HTTP/1.1 400 "));
  send(client, std::string(100'000, 'x'));
  EXPECT_EQ(read(client), "");
}

TEST(Responder, AnAddressThatCannotBeHadIsTold) {
  Doors doors{{[](int, std::function<void()>) {}, [](int) {}},
              [] { return TimePoint(); },
              [] { return std::string(); }};
  const auto nowhere = Responder::open({*IpAddress::parse("192.0.2.1"), 9731}, doors);
  ASSERT_FALSE(nowhere.ok());
  EXPECT_EQ(nowhere.error().kind, Error::Kind::usage);
  EXPECT_THAT(nowhere.error().message, HasSubstr("192.0.2.1 is no address of this machine"));
  const auto first = Responder::open({*IpAddress::parse("127.0.0.1"), 0}, doors);
  ASSERT_TRUE(first.ok());
  const auto second =
      Responder::open({*IpAddress::parse("127.0.0.1"), first.value()->port()}, doors);
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(second.error().message, HasSubstr("in use by another program"));
}

}  // namespace
}  // namespace meshnode::metrics
