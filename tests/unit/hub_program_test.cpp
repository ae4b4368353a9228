// The real meshhub on loopback.
#include <array>
#include <csignal>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/random.h"
#include "io/unique_fd.h"
#include "wire/stun.h"

namespace meshnode {
namespace {

// meshhub on 127.0.0.1 and 127.0.0.2, at a port that was free.
class Program {
 public:
  Program() {
    crypto::SystemRandom random;
    for (int i = 0; i < 20 && !ready_; ++i) {
      port = static_cast<std::uint16_t>(20000 + random.below(10000));
      start();
    }
  }
  ~Program() {
    if (pid_ > 0) stop(SIGKILL);
  }
  bool ready() const { return ready_; }

  // The exit code, or 1000 and the number of the signal that killed it.
  int stop(int signal) {
    ::kill(pid_, signal);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }

  std::uint16_t port = 0;
  std::string line;

 private:
  void start() {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const io::UniqueFd out(ends[0]);
    const std::string port_text = std::to_string(port);
    std::array<const char*, 8> arguments{MESHHUB_PROGRAM, "-a", "127.0.0.1",       "-a",
                                         "127.0.0.2",     "-p", port_text.c_str(), nullptr};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    const int error = ::posix_spawn(&pid_, MESHHUB_PROGRAM, &actions, nullptr,
                                    const_cast<char**>(arguments.data()), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    ASSERT_EQ(error, 0);
    char c = 0;
    line.clear();
    while (::read(out.get(), &c, 1) == 1 && c != '\n') line += c;
    ready_ = !line.empty();
    if (!ready_) stop(SIGTERM);
  }

  pid_t pid_ = 0;
  bool ready_ = false;
};

sockaddr_in address(const char* ip, std::uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  ::inet_pton(AF_INET, ip, &out.sin_addr);
  return out;
}

// Asks on a connected socket, which takes answers from the asked address and port only.
std::optional<wire::StunResponse> ask(const char* ip, std::uint16_t port, Endpoint& own) {
  const io::UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const sockaddr_in to = address(ip, port);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) return {};
  sockaddr_in self{};
  socklen_t size = sizeof self;
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&self), &size);
  Block<4> bytes;
  std::memcpy(bytes.data(), &self.sin_addr, 4);
  own = {IpAddress::v4(bytes), ntohs(self.sin_port)};
  constexpr wire::StunTransaction kTransaction{7};
  const Bytes request = wire::stun_request(kTransaction);
  ::send(fd.get(), request.data(), request.size(), 0);
  pollfd waiting{fd.get(), POLLIN, 0};
  if (::poll(&waiting, 1, 5000) != 1) return {};
  std::array<std::uint8_t, 600> buffer;
  const ssize_t got = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
  if (got <= 0 || static_cast<std::size_t>(got) > 2 * request.size()) return {};
  return wire::parse_stun_response(ByteView(buffer).first(static_cast<std::size_t>(got)),
                                   kTransaction);
}

TEST(HubProgram, AnswersStunAtEveryAddressAndBothPorts) {
  Program hub;
  ASSERT_TRUE(hub.ready());
  const std::string port = std::to_string(hub.port);
  EXPECT_NE(
      hub.line.find(" ready on 127.0.0.1:" + port + ", 127.0.0.2:" + port + " (DHT network 3731)"),
      std::string::npos)
      << hub.line;
  const auto second = static_cast<std::uint16_t>(hub.port + 2);
  for (const auto& [ip, other_ip] :
       {std::pair("127.0.0.1", "127.0.0.2"), std::pair("127.0.0.2", "127.0.0.1")})
    for (const auto& [asked, other] : {std::pair(hub.port, second), std::pair(second, hub.port)}) {
      Endpoint own;
      const auto response = ask(ip, asked, own);
      ASSERT_TRUE(response.has_value()) << ip << ":" << asked;
      EXPECT_EQ(response->mapped, own);
      EXPECT_EQ(response->other, (Endpoint{*IpAddress::parse(other_ip), other}));
      EXPECT_EQ(response->origin, (Endpoint{*IpAddress::parse(ip), asked}));
    }
  EXPECT_EQ(hub.stop(SIGTERM), 0);
}

TEST(HubProgram, EndsWellOnInterrupt) {
  Program hub;
  ASSERT_TRUE(hub.ready());
  EXPECT_EQ(hub.stop(SIGINT), 0);
}

}  // namespace
}  // namespace meshnode
