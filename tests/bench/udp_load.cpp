// udp_load: small datagrams for scripts/bench, so that the generator is never what is measured.
//   udp_load serve PORT                             counts datagrams, answers pings, until it is
//   ended udp_load flood ADDRESS PORT SECONDS RATE       RATE packets a second, 0: as many as go
//   udp_load ping ADDRESS PORT COUNT INTERVAL-US   interval 0: the next when the last is answered
// Payloads are 64 bytes. flood and ping print one line of JSON.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

namespace {

constexpr std::size_t kPayload = 64;
constexpr std::size_t kBatch = 64;
constexpr int kBuffer = 8 << 20;

enum Kind : std::uint32_t { data = 1, ping = 2, question = 3, answer = 4 };

// What every payload begins with. Both ends are the same program on one machine: host order.
struct Message {
  std::uint32_t kind = 0;
  std::uint32_t run = 0;
  std::uint64_t number = 0;  // ping: which; answer: datagrams received
  std::int64_t spent = 0;    // answer: nanoseconds from the first to the last of them
};
static_assert(sizeof(Message) <= kPayload);

[[noreturn]] void die(const char* what) {
  std::fprintf(stderr, "udp_load: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

std::int64_t now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

void sleep_until(std::int64_t when) {
  const timespec time{when / 1'000'000'000, when % 1'000'000'000};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr) == EINTR) {
  }
}

// Bound when `address` is null, else connected.
int open_socket(const char* address, const char* port) {
  addrinfo hints{};
  hints.ai_family = address ? AF_UNSPEC : AF_INET6;
  hints.ai_socktype = SOCK_DGRAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | (address ? 0 : AI_PASSIVE);
  addrinfo* found = nullptr;
  if (getaddrinfo(address, port, &hints, &found) != 0) die("address");
  const int fd = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  for (const int option : {SO_RCVBUFFORCE, SO_SNDBUFFORCE})
    if (setsockopt(fd, SOL_SOCKET, option, &kBuffer, sizeof kBuffer) != 0) die("buffer");
  const auto attach = address ? connect : bind;
  if (attach(fd, found->ai_addr, found->ai_addrlen) != 0) die(address ? "connect" : "bind");
  freeaddrinfo(found);
  return fd;
}

// Buffers of one batch for sendmmsg and recvmmsg.
struct Batch {
  Batch() {
    for (std::size_t i = 0; i < kBatch; ++i) {
      parts[i] = {payloads[i].data(), kPayload};
      headers[i].msg_hdr.msg_iov = &parts[i];
      headers[i].msg_hdr.msg_iovlen = 1;
    }
  }
  Message message(std::size_t i) const {
    Message out;
    std::memcpy(&out, payloads[i].data(), sizeof out);
    return out;
  }
  void put(std::size_t i, const Message& message) {
    std::memcpy(payloads[i].data(), &message, sizeof message);
  }

  std::array<std::array<char, kPayload>, kBatch> payloads{};
  std::array<iovec, kBatch> parts{};
  std::array<mmsghdr, kBatch> headers{};
};

struct Tally {
  std::uint32_t run = 0;
  std::uint64_t count = 0;
  std::int64_t first = 0, last = 0;

  void add(std::uint32_t of, std::int64_t at) {
    if (of != run) *this = {of, 0, at, at};
    ++count;
    last = at;
  }
};

[[noreturn]] void serve(const char* port) {
  const int fd = open_socket(nullptr, port);
  static Batch batch;
  std::array<sockaddr_in6, kBatch> from{};
  Tally tally;
  std::printf("ready\n");
  std::fflush(stdout);
  for (;;) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      batch.headers[i].msg_hdr.msg_name = &from[i];
      batch.headers[i].msg_hdr.msg_namelen = sizeof from[i];
    }
    const int got = recvmmsg(fd, batch.headers.data(), kBatch, MSG_WAITFORONE, nullptr);
    if (got < 0 && errno != EINTR) die("recvmmsg");
    const std::int64_t at = now();
    for (std::size_t i = 0; i < static_cast<std::size_t>(std::max(got, 0)); ++i) {
      Message message = batch.message(i);
      if (message.kind == data) {
        tally.add(message.run, at);
        continue;
      }
      if (message.kind == question) {
        const bool same = message.run == tally.run;
        message = {answer, message.run, same ? tally.count : 0,
                   same ? tally.last - tally.first : 0};
        batch.put(i, message);
      }
      sendto(fd, batch.payloads[i].data(), kPayload, 0, reinterpret_cast<sockaddr*>(&from[i]),
             sizeof from[i]);
    }
  }
}

// The next message of that kind and run, or false after `patience` nanoseconds.
bool await(int fd, Kind kind, std::uint32_t run, std::int64_t patience, Message& out) {
  const std::int64_t deadline = now() + patience;
  for (std::int64_t left = patience; left > 0; left = deadline - now()) {
    pollfd waiting{fd, POLLIN, 0};
    const timespec time{left / 1'000'000'000, left % 1'000'000'000};
    if (ppoll(&waiting, 1, &time, nullptr) <= 0) continue;
    std::array<char, kPayload> payload{};
    if (recv(fd, payload.data(), payload.size(), MSG_DONTWAIT) < 0) continue;
    std::memcpy(&out, payload.data(), sizeof out);
    if (out.kind == kind && out.run == run) return true;
  }
  return false;
}

// What arrived, once nothing more does.
Message arrived(int fd, std::uint32_t run) {
  Message last{};
  for (int tries = 0; tries < 60; ++tries) {
    Batch out;
    out.put(0, {question, run, 0, 0});
    send(fd, out.payloads[0].data(), kPayload, 0);
    Message reply;
    if (!await(fd, answer, run, 200'000'000, reply)) continue;
    if (tries > 0 && reply.number == last.number) return reply;
    last = reply;
    sleep_until(now() + 30'000'000);
  }
  return last;
}

void flood(int fd, double seconds, double rate) {
  static Batch batch;
  const auto run = static_cast<std::uint32_t>(now() ^ getpid()) | 1U;
  for (std::size_t i = 0; i < kBatch; ++i) batch.put(i, {data, run, 0, 0});
  const std::int64_t begin = now();
  const std::int64_t end = begin + static_cast<std::int64_t>(seconds * 1e9);
  std::uint64_t sent = 0;
  for (std::int64_t at = begin; at < end; at = now()) {
    std::size_t due = kBatch;
    if (rate > 0) {
      const double wanted = rate * static_cast<double>(at - begin) / 1e9;
      due = std::min(kBatch, static_cast<std::size_t>(std::max(0.0, wanted - double(sent))));
      if (due == 0) {
        sleep_until(at + 50'000);
        continue;
      }
    }
    const int gone = sendmmsg(fd, batch.headers.data(), static_cast<unsigned>(due), 0);
    if (gone > 0) sent += static_cast<std::uint64_t>(gone);
    if (gone < 0 && errno != ENOBUFS && errno != EAGAIN && errno != ECONNREFUSED) die("sendmmsg");
  }
  const double spent = static_cast<double>(now() - begin) / 1e9;
  const Message got = arrived(fd, run);
  std::printf("{\"sent\": %" PRIu64 ", \"received\": %" PRIu64
              ", \"sent_per_second\": %.0f, \"received_per_second\": %.0f}\n",
              sent, got.number, static_cast<double>(sent) / spent,
              got.spent > 0 ? static_cast<double>(got.number) * 1e9 / double(got.spent) : 0.0);
}

double nth(const std::vector<std::int64_t>& sorted, double share) {
  if (sorted.empty()) return -1;
  const auto last = static_cast<double>(sorted.size() - 1);
  return static_cast<double>(sorted[static_cast<std::size_t>(share * last + 0.5)]) / 1e3;
}

void ping_pong(int fd, int count, std::int64_t interval) {
  std::vector<std::int64_t> times;
  int lost = 0;
  const std::int64_t begin = now();
  for (int i = 0; i < count; ++i) {
    if (interval > 0) sleep_until(std::max(begin + i * interval, now()));
    Batch out;
    const auto run = static_cast<std::uint32_t>(i) + 1;
    out.put(0, {ping, run, 0, 0});
    const std::int64_t at = now();
    send(fd, out.payloads[0].data(), kPayload, 0);
    Message reply;
    if (await(fd, ping, run, 1'000'000'000, reply))
      times.push_back(now() - at);
    else if (++lost > 20)
      break;  // not a connection
  }
  std::sort(times.begin(), times.end());
  std::printf(
      "{\"answered\": %zu, \"lost\": %d, \"median_us\": %.1f, \"p95_us\": %.1f, "
      "\"p99_us\": %.1f, \"worst_us\": %.1f}\n",
      times.size(), lost, nth(times, 0.5), nth(times, 0.95), nth(times, 0.99), nth(times, 1));
}

int usage() {
  std::fprintf(stderr,
               "usage: udp_load serve PORT | flood ADDRESS PORT SECONDS RATE |"
               " ping ADDRESS PORT COUNT INTERVAL-US\n");
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "serve" && argc == 3) serve(argv[2]);
  if (argc != 6 || (what != "flood" && what != "ping")) return usage();
  const int fd = open_socket(argv[2], argv[3]);
  if (what == "flood")
    flood(fd, std::atof(argv[4]), std::atof(argv[5]));
  else
    ping_pong(fd, std::atoi(argv[4]), std::atoll(argv[5]) * 1000);
  return 0;
}
