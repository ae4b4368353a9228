// control/server and control/client over real sockets: good clients, hostile ones, and the socket's
// place in the file system.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <grp.h>
#include <sys/wait.h>

#include "unit/control_fixture.h"

namespace meshnode::control {
namespace {

TEST_F(ControlSocket, AnswersEachMethod) {
  start();
  snapshot_.node.name = "alpha";
  EXPECT_EQ(*ask_here(Method::status), to_json(snapshot_));
  EXPECT_EQ(*ask_here(Method::id), "\"" + NodeId{}.to_string() + "\"");
  EXPECT_EQ(*ask_here(Method::join_line), to_json(answers().join_line()));
}

TEST_F(ControlSocket, ALargeAnswerArrivesWhole) {
  start();
  snapshot_.peers.resize(4096);
  for (auto& peer : snapshot_.peers) peer.name = std::string(32, 'n');
  const auto answer = ask_here(Method::status);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_GT(answer->size(), 1000000U) << "larger than any socket buffer";
  EXPECT_EQ(*answer, to_json(snapshot_));
}

TEST_F(ControlSocket, IsOpenToTheGroupWhereThereIsOne) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to give a file to a group";
  const auto opened = Server::open(path_, loop_.door(), answers(), "daemon");
  ASSERT_TRUE(opened);
  struct stat about {};
  ASSERT_EQ(::lstat(path_.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 07777U, 0660U);
  EXPECT_EQ(about.st_gid, ::getgrnam("daemon")->gr_gid);
}

TEST_F(ControlSocket, IsPrivateWhereThereIsNoGroup) {
  const auto opened = Server::open(path_, loop_.door(), answers(), "no such group");
  ASSERT_TRUE(opened);
  EXPECT_EQ(mode_of(path_), 0600U);
  EXPECT_EQ(mode_of(folder_ + "/run"), 0755U);
}

TEST_F(ControlSocket, ModeDoesNotHangOnTheUmask) {
  for (const mode_t mask : {0U, 0777U}) {
    const mode_t before = ::umask(mask);
    const auto opened = Server::open(path_, loop_.door(), answers(), "no such group");
    ::umask(before);
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(mode_of(path_) & ~0600U, 0U) << mask;
    EXPECT_EQ(mode_of(folder_ + "/run"), 0755U);
  }
}

TEST_F(ControlSocket, StaleSocketIsReplaced) {
  start();
  const std::string moved = path_ + ".moved";
  std::filesystem::rename(path_, moved);  // so that the server's end does not remove it
  server_.reset();
  std::filesystem::rename(moved, path_);
  start();
  EXPECT_TRUE(ask_here(Method::id));
}

TEST_F(ControlSocket, LiveSocketIsNotReplaced) {
  start();
  const auto second = open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, Error::Kind::world);
  EXPECT_EQ(second.error().message,
            "another meshnode answers on " + path_ +
                ": stop it, or run a second network beside it with another --interface");
  loop_.until_quiet();
  EXPECT_TRUE(ask_here(Method::id)) << "the first one goes on";
}

TEST_F(ControlSocket, ForeignFileIsNotReplaced) {
  std::filesystem::create_directory(folder_ + "/run");
  std::ofstream(path_) << "precious";
  const auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, Error::Kind::usage);
  EXPECT_EQ(opened.error().message,
            path_ + " exists and is no socket: choose another path with --control");
}

TEST_F(ControlSocket, ImpossiblePathsAreSentences) {
  path_ = folder_ + "/" + std::string(120, 'x');
  EXPECT_EQ(open().error().message, "a control socket's path has 1 to 107 bytes: " + path_);
  path_ = folder_ + "/missing/run/mesh0.sock";
  EXPECT_EQ(open().error().message, "cannot make the folder " + folder_ +
                                        "/missing/run for the control socket: No such file or "
                                        "directory");
}

TEST_F(ControlSocket, OnlyOurOwnSocketIsRemoved) {
  start();
  server_.reset();
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_EQ(loop_.watched(), 0U);

  start();
  std::filesystem::remove(path_);
  auto successor = open();
  ASSERT_TRUE(successor);
  server_.reset();
  EXPECT_TRUE(std::filesystem::exists(path_)) << "it is the successor's";
}

TEST_F(ControlSocket, RubbishGetsAnErrorAndAClose) {
  start();
  RawClient client(path_);
  client.say("GET / HTTP/1.1\r\n" + kId);
  loop_.until_quiet();
  EXPECT_EQ(client.heard(),
            "{\"ok\":false,\"error\":\"a request is one JSON object on one line\"}\n");
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(server_->clients(), 0U);
}

TEST_F(ControlSocket, AMegabyteWithoutNewlineIsCutOff) {
  start();
  RawClient client(path_);
  const std::string flood(1024 * 1024, '{');
  std::size_t sent = 0;
  for (int rounds = 0; rounds < 100; ++rounds) {
    const ssize_t now = client.say(flood.substr(sent));
    if (now > 0) sent += static_cast<std::size_t>(now);
    loop_.until_quiet();
    if (server_->clients() == 0) break;
  }
  EXPECT_EQ(server_->clients(), 0U);
  EXPECT_EQ(client.heard(), "{\"ok\":false,\"error\":\"a request has at most 4096 bytes\"}\n");
}

TEST_F(ControlSocket, ARequestInPiecesIsOne) {
  start();
  RawClient client(path_);
  for (const char c : kId) {
    client.say(std::string(1, c));
    loop_.until_quiet();
  }
  EXPECT_EQ(client.heard(), ok_line("\"" + NodeId{}.to_string() + "\""));
  EXPECT_FALSE(client.closed()) << "it may ask again";
}

TEST_F(ControlSocket, ManyRequestsInOnePieceAreAnsweredInOrder) {
  start();
  RawClient client(path_);
  std::string all, expected;
  for (int i = 0; i < 200; ++i) {
    all += i % 2 == 0 ? kId : kStatus;
    expected += ok_line(i % 2 == 0 ? "\"" + NodeId{}.to_string() + "\"" : to_json(snapshot_));
  }
  client.say(all);
  while (client.heard().size() < expected.size() && loop_.turn()) continue;
  EXPECT_EQ(client.heard(), expected);
}

TEST_F(ControlSocket, WhoHalfClosesStillGetsTheAnswer) {
  start();
  RawClient client(path_);
  client.say(kId);
  client.finish();  // what `echo … | socat - UNIX:…` does
  loop_.until_quiet();
  EXPECT_EQ(client.heard(), ok_line("\"" + NodeId{}.to_string() + "\""));
  EXPECT_EQ(server_->clients(), 0U);
}

TEST_F(ControlSocket, WhoLeavesEarlyHurtsNobody) {
  start();
  snapshot_.peers.resize(4096);
  for (int i = 0; i < 12; ++i) {
    RawClient client(path_);
    client.say(kStatus);
    if (i % 2 == 0) loop_.turn();  // some leave before, some in the middle of the answer
    client.leave();
    loop_.until_quiet();
  }
  EXPECT_EQ(server_->clients(), 0U) << "and SIGPIPE has not ended this test";
}

TEST_F(ControlSocket, SilentClientsAreDropped) {
  start();
  server_->tick(at(100));
  RawClient silent(path_);
  loop_.until_quiet();
  EXPECT_EQ(server_->clients(), 1U);
  server_->tick(at(110));
  EXPECT_EQ(server_->clients(), 1U);
  server_->tick(at(111));
  EXPECT_EQ(server_->clients(), 0U);
  EXPECT_TRUE(silent.closed());
}

TEST_F(ControlSocket, WhoNeverReadsIsDropped) {
  start();
  snapshot_.peers.resize(4096);
  server_->tick(at(100));
  RawClient client(path_);
  client.say(kStatus + kStatus);
  loop_.until_quiet();
  server_->tick(at(111));
  EXPECT_EQ(server_->clients(), 0U);
}

TEST_F(ControlSocket, WhoDripsBytesIsDropped) {
  start();
  RawClient client(path_);
  loop_.until_quiet();
  for (int second = 100; second <= 111; ++second) {
    client.say("{");
    loop_.until_quiet();
    server_->tick(at(second));
  }
  EXPECT_EQ(server_->clients(), 0U);
}

TEST_F(ControlSocket, WhoAsksNowAndThenStays) {
  start();
  server_->tick(at(100));
  RawClient client(path_);
  for (int second = 101; second < 160; second += 5) {
    client.say(kId);
    loop_.until_quiet();
    server_->tick(at(second));
  }
  EXPECT_EQ(server_->clients(), 1U);
}

TEST_F(ControlSocket, AHundredConnectionsLeaveRoomAfterwards) {
  start();
  server_->tick(at(100));
  std::vector<RawClient> crowd;
  for (int i = 0; i < 100; ++i) {
    crowd.emplace_back(path_);
    loop_.until_quiet();
  }
  EXPECT_EQ(server_->clients(), Server::kMaxClients);
  EXPECT_EQ(crowd.back().heard(),
            "{\"ok\":false,\"error\":\"too many meshctl at once: try again in a moment\"}\n");
  EXPECT_EQ(ask_here(Method::id).error().message,
            "too many meshctl at once: try again in a moment");
  server_->tick(at(111));
  EXPECT_EQ(server_->clients(), 0U);
  EXPECT_TRUE(ask_here(Method::id));
}

TEST_F(ControlSocket, TheClientNamesWhatIsWrong) {
  EXPECT_EQ(ask(path_, Method::id).error().message,
            "no meshnode runs here: there is no socket " + path_);
  start();
  const std::string moved = path_ + ".moved";
  std::filesystem::rename(path_, moved);
  EXPECT_EQ(ask(moved, Method::id, milliseconds(50)).error().message,
            "meshnode does not answer on " + moved + " (is it stopped or overloaded?)");
  server_.reset();
  EXPECT_EQ(ask(moved, Method::id).error().message,
            "meshnode is not running any more: nobody answers on " + moved);
  EXPECT_EQ(ask(std::string(200, 'x'), Method::id).error().exit_code(), 2);
}

TEST_F(ControlSocket, ARefusedUserIsToldWhatToDo) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to become somebody else";
  start();
  ::chmod(folder_.c_str(), 0755);
  const pid_t child = ::fork();
  if (child == 0) {
    const bool other = ::setgroups(0, nullptr) == 0 && ::setgid(65534) == 0 && ::setuid(65534) == 0;
    const auto answer = ask(path_, Method::id);
    const bool told = other && !answer &&
                      answer.error().message ==
                          path_ +
                              " needs root or membership in group meshnode: run sudo meshctl, "
                              "or sudo usermod -aG meshnode $USER and log in again";
    ::_exit(told ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace meshnode::control
