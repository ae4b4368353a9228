// For tests: a crowd of members on one hub, as the hub sees them. Each has an address of its own,
// all share one socket, so tens of thousands fit into one process. They speak what members speak,
// as often (measured at members behind NATs that rest):
//
//   at the start   ping; find, then listen at the door of their network and put twice there and
//   twice
//                  at a key of their own; again, with a new record, after ten seconds
//   from then on   find each 16 s, listen each 18 s, ping each 44 s, STUN each 25 s, both puts each
//                  8 minutes; and an answer to whatever the hub asks
//
//   hub_crowd COUNT FIRST-ADDRESS HUB-ADDRESS PORT JOIN-SECONDS NETWORK-SIZE [SEED]
//
// The addresses from FIRST-ADDRESS on are local ones (`ip route add local ... dev lo`), so many of
// them share a network; of a larger one only landmarks stay at the door. Prints "ready" when all
// have joined, then on each SIGUSR1 one line of figures and begins to count anew; "all"
// when each member was answered since the last SIGUSR2; ends with SIGTERM.
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <optional>
#include <queue>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"

namespace {

using namespace meshnode;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

constexpr std::uint32_t kLandmarks = 16;  // of a network stay at its door
constexpr auto kAtDoor = 60s;             // the others leave it then
constexpr std::uint16_t kSourcePort = 40000;
constexpr std::size_t kRecord = 496;
constexpr auto kLate = 1s;  // an answer after that is none
constexpr std::uint32_t kCookie = 0x2112a442;

enum class Kind : std::uint8_t { ping, find, listen, put_door, put_own, stun, change };
constexpr std::size_t kKinds = 7;

std::optional<std::chrono::milliseconds> period_of(Kind kind) {
  switch (kind) {
    case Kind::ping:
      return 44s;
    case Kind::find:
      return 16s;
    case Kind::listen:
      return 18s;
    case Kind::put_door:
    case Kind::put_own:
      return 8min;
    case Kind::stun:
      return 25s;
    case Kind::change:
      return std::nullopt;
  }
  return std::nullopt;
}

struct Member {
  std::array<Time, kKinds> asked{};  // not answered yet; zero: nothing is
  Block<32> token{};
  bool has_token = false;
  Time joined{};
  bool served = false;  // since the last SIGUSR2
  std::uint8_t version = 0;
};

struct Due {
  Time at;
  std::uint32_t member;
  Kind kind;
  bool repeats;
  bool operator<(const Due& other) const { return at > other.at; }  // the earliest on top
};

struct Figures {
  std::uint64_t out = 0, in = 0, out_bytes = 0, in_bytes = 0, asked = 0, answered = 0, late = 0;
  std::uint64_t errors = 0, updates = 0, unsent = 0;
  std::vector<float> ms;
};

// 20 bytes that are always the same for the same words.
Block<20> name(std::uint64_t seed, std::uint64_t what, std::uint64_t who) {
  std::mt19937_64 random(seed * 0x9e3779b97f4a7c15u ^ what << 56 ^ who);
  Block<20> out{};
  for (auto& byte : out) byte = static_cast<std::uint8_t>(random());
  return out;
}

// Messages as OpenDHT 2.4 packs them.
class Packer {
 public:
  Packer& text(std::string_view bytes) {
    Writer(out_).bytes(as_bytes(bytes));
    return *this;
  }
  Packer& id(ByteView twenty) { return text("\xc4\x14").raw(twenty); }
  Packer& token(ByteView token) { return text("\xa5token\xc4\x20").raw(token); }
  Packer& number(std::uint32_t v) { return text("\xce").be(v); }
  Packer& number64(std::uint64_t v) { return text("\xcf").be(v); }
  Packer& raw(ByteView bytes) {
    Writer(out_).bytes(bytes);
    return *this;
  }
  // How every request and reply ends, with the mark of a client.
  Bytes finish(std::uint32_t transaction, char type) {
    text("\xa1t").number(transaction).text("\xa1y\xa1").text({&type, 1});
    text("\xa1v\xa4RNG1\xa1n\xcd\x0e\x93\xa1s\xc3");
    return std::move(out_);
  }

 private:
  template <typename Int>
  Packer& be(Int v) {
    Block<sizeof(Int)> bytes{};
    store_be(bytes.data(), v);
    return raw(bytes);
  }
  Bytes out_;
};

std::size_t find(ByteView in, std::string_view what) {
  return as_text(in).find(what);
}

class Crowd {
 public:
  Crowd(std::size_t count, in_addr first, sockaddr_in hub, std::uint32_t network_size,
        std::uint64_t seed)
      : first_(ntohl(first.s_addr)),
        hub_(hub),
        network_size_(network_size),
        seed_(seed),
        random_(seed),
        members_(count) {}

  bool open();
  void run(std::chrono::milliseconds join);

 private:
  void act(const Due& due);
  void again(Time at, std::uint32_t member, Kind kind, bool repeats);
  Bytes message(std::uint32_t member, Kind kind);
  Bytes put(std::uint32_t member, const Block<20>& key, std::uint64_t key_kind, Kind kind);
  void send(std::uint32_t member, ByteView datagram);
  void receive();
  void handle(std::uint32_t member, ByteView datagram);
  void answered(std::uint32_t member, std::uint32_t transaction, ByteView reply);
  void next_step(std::uint32_t member, Kind answered_kind);
  void say();
  void ask_for_all();
  void serve(Member& member);
  bool heed_signals();  // false: it is over

  Block<20> id_of(std::uint32_t member) const { return name(seed_, 1, member); }
  Block<20> own_key(std::uint32_t member) const { return name(seed_, 2, member); }
  Block<20> door_of(std::uint32_t member) const { return name(seed_, 3, member / network_size_); }
  bool stays_at_door(std::uint32_t member) const { return member % network_size_ < kLandmarks; }
  // Which member asked, and what.
  std::uint32_t transaction(std::uint32_t member, Kind kind) const {
    return 0x80000000u | static_cast<std::uint32_t>(kind) << 24 | member;
  }

  std::uint32_t first_;
  sockaddr_in hub_;
  std::uint32_t network_size_;
  std::uint64_t seed_;
  std::mt19937_64 random_;
  std::vector<Member> members_;
  std::priority_queue<Due> due_;
  std::size_t joined_ = 0;
  std::size_t unserved_ = 0;
  Figures figures_;
  Time since_{};
  int fd_ = -1;
  int signals_ = -1;
};

bool Crowd::open() {
  fd_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1, room = 32 << 20;
  ::setsockopt(fd_, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_port = htons(kSourcePort);
  if (::bind(fd_, reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0) return false;
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGTERM);
  sigaddset(&wanted, SIGUSR1);
  sigaddset(&wanted, SIGUSR2);
  sigprocmask(SIG_BLOCK, &wanted, nullptr);
  signals_ = ::signalfd(-1, &wanted, SFD_CLOEXEC);
  return signals_ >= 0;
}

void Crowd::send(std::uint32_t member, ByteView datagram) {
  iovec part{const_cast<std::uint8_t*>(datagram.data()), datagram.size()};
  alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(in_pktinfo))> control{};
  msghdr message{};
  message.msg_name = &hub_;
  message.msg_namelen = sizeof hub_;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = IPPROTO_IP;
  header->cmsg_type = IP_PKTINFO;
  header->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
  in_pktinfo info{};
  info.ipi_spec_dst.s_addr = htonl(first_ + member);
  std::memcpy(CMSG_DATA(header), &info, sizeof info);
  if (::sendmsg(fd_, &message, 0) < 0) ++figures_.unsent;
  ++figures_.out;
  figures_.out_bytes += datagram.size();
}

Bytes Crowd::put(std::uint32_t member, const Block<20>& key, std::uint64_t key_kind, Kind kind) {
  const Member& self = members_[member];
  std::mt19937_64 sealed(seed_ ^ key_kind << 48 ^ std::uint64_t{self.version} << 32 ^ member);
  Packer out;
  out.text("\x87\xa1\x61\x85\xa2id").id(id_of(member)).text("\xa1h").id(key);
  out.text("\xa6values\x91\x82\xa2id").number64(sealed() | 1ull << 63);
  out.text(
         "\xa3"
         "dat\x81\xa4"
         "body\x82\xa4type")
      .raw(Block<1>{0})
      .text(
          "\xa4"
          "data\xc5");
  Bytes record(kRecord);
  for (auto& byte : record) byte = static_cast<std::uint8_t>(sealed());
  out.raw(Block<2>{kRecord >> 8, kRecord & 0xff}).raw(record);
  out.text(
         "\xa1"
         "c")
      .number(static_cast<std::uint32_t>(std::time(nullptr)))
      .token(self.token);
  return out.text("\xa1q\xa3put").finish(transaction(member, kind), 'q');
}

Bytes Crowd::message(std::uint32_t member, Kind kind) {
  const std::uint32_t id = transaction(member, kind);
  Packer out;
  switch (kind) {
    case Kind::ping:
      return out.text("\x87\xa1\x61\x81\xa2id")
          .id(id_of(member))
          .text("\xa1q\xa4ping")
          .finish(id, 'q');
    case Kind::find:
      out.text("\x87\xa1\x61\x82\xa2id").id(id_of(member)).text("\xa6target");
      return out.id(random_() % 2 ? own_key(member) : door_of(member))
          .text(
              "\xa1q\xa4"
              "find")
          .finish(id, 'q');
    case Kind::listen:
      out.text("\x87\xa1\x61\x85\xa2id").id(id_of(member)).text("\xa2ve\x01\xa1h");
      out.id(door_of(member))
          .token(members_[member].token)
          .text("\xa3sid")
          .number(0x40000000u | member);
      return out.text("\xa1q\xa6listen").finish(id, 'q');
    case Kind::put_door:
      return put(member, door_of(member), 1, kind);
    case Kind::put_own:
      return put(member, own_key(member), 2, kind);
    default: {  // STUN: a binding request without attributes
      Block<20> request{0x00, 0x01, 0x00, 0x00};
      store_be(request.data() + 4, kCookie);
      store_be(request.data() + 8, id);
      return to_bytes(request);
    }
  }
}

void Crowd::again(Time at, std::uint32_t member, Kind kind, bool repeats) {
  due_.push({at, member, kind, repeats});
}

void Crowd::act(const Due& due) {
  Member& self = members_[due.member];
  const Time now = Clock::now();
  if (due.kind == Kind::change) {
    ++self.version;
    for (const Kind kind : {Kind::put_door, Kind::put_own})
      for (const auto after : {0ms, 1000ms}) again(now + after, due.member, kind, false);
    return;
  }
  const bool at_door = due.kind == Kind::listen || due.kind == Kind::put_door;
  if (due.repeats && at_door && !stays_at_door(due.member) && now - self.joined > kAtDoor) return;
  if (due.repeats) again(due.at + *period_of(due.kind), due.member, due.kind, true);
  if ((at_door || due.kind == Kind::put_own) && !self.has_token) return;
  if (self.joined == Time{} && due.kind == Kind::find)
    again(now + kLate, due.member, due.kind, false);
  Time& asked = self.asked[static_cast<std::size_t>(due.kind)];
  if (asked != Time{}) ++figures_.late;
  ++figures_.asked;
  asked = now;
  send(due.member, message(due.member, due.kind));
}

// A start waits for answers as a member's does; a lost one is asked for again.
void Crowd::next_step(std::uint32_t member, Kind kind) {
  Member& self = members_[member];
  if (self.joined != Time{} || kind != Kind::find) return;
  self.joined = Clock::now();
  ++joined_;
  const Time now = Clock::now();
  const auto later = [&](Kind periodic) {
    return now + std::chrono::milliseconds(
                     random_() % static_cast<std::uint64_t>(period_of(periodic)->count()));
  };
  again(now, member, Kind::listen, false);
  for (const Kind put : {Kind::put_door, Kind::put_own}) {
    again(now, member, put, false);
    again(now + 1s, member, put, false);
    again(later(put) + 30s, member, put, true);
  }
  again(now + 10s, member, Kind::change, false);
  for (const Kind periodic : {Kind::ping, Kind::listen, Kind::stun})
    again(later(periodic), member, periodic, true);
}

void Crowd::answered(std::uint32_t member, std::uint32_t transaction, ByteView reply) {
  const std::size_t kind = transaction >> 24 & 0x7f;
  if (kind >= kKinds || (transaction & 0xffffff) != member) return;
  Member& self = members_[member];
  if (self.asked[kind] == Time{}) return;
  const auto took = Clock::now() - std::exchange(self.asked[kind], Time{});
  if (took > kLate)
    ++figures_.late;
  else
    ++figures_.answered;
  serve(self);
  figures_.ms.push_back(std::chrono::duration<float, std::milli>(took).count());
  const std::size_t token = find(reply, "\xa5token\xc4\x20");
  if (token != std::string_view::npos && token + 40 <= reply.size()) {
    std::copy_n(reply.begin() + static_cast<std::ptrdiff_t>(token) + 8, 32, self.token.begin());
    self.has_token = true;
  }
  next_step(member, static_cast<Kind>(kind));
}

void Crowd::handle(std::uint32_t member, ByteView datagram) {
  ++figures_.in;
  figures_.in_bytes += datagram.size();
  if (datagram.size() >= 20 && datagram[0] == 0x01)
    return answered(member, load_be<std::uint32_t>(datagram.data() + 8), {});
  const std::size_t at = find(datagram, "\xa1t\xce");
  if (at == std::string_view::npos || at + 7 > datagram.size()) return;
  const auto id = load_be<std::uint32_t>(datagram.data() + at + 3);
  if (find(datagram, "\xa1y\xa1r") != std::string_view::npos) return answered(member, id, datagram);
  if (find(datagram, "\xa1y\xa1p") != std::string_view::npos)
    return;  // of an update just announced
  if (find(datagram, "\xa1y\xa1q") == std::string_view::npos) {
    ++figures_.errors;
    return;
  }
  if (find(datagram, "\xa1q\xa6update") != std::string_view::npos) ++figures_.updates;
  Packer out;
  out.text("\x86\xa1r\x82\xa2id").id(id_of(member)).text("\xa2sa\xc4\x04");
  out.raw({reinterpret_cast<const std::uint8_t*>(&hub_.sin_addr), 4});
  send(member, out.finish(id, 'r'));
}

void Crowd::receive() {
  std::array<std::uint8_t, 2048> room{};
  for (int i = 0; i < 512; ++i) {
    iovec part{room.data(), room.size()};
    alignas(cmsghdr) std::array<std::uint8_t, 128> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = ::recvmsg(fd_, &message, 0);
    if (size < 0) return;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (header == nullptr || header->cmsg_type != IP_PKTINFO) continue;
    in_pktinfo info{};
    std::memcpy(&info, CMSG_DATA(header), sizeof info);
    const std::uint32_t member = ntohl(info.ipi_addr.s_addr) - first_;
    if (member < members_.size())
      handle(member, ByteView(room).first(static_cast<std::size_t>(size)));
  }
}

void Crowd::say() {
  auto& ms = figures_.ms;
  std::sort(ms.begin(), ms.end());
  const auto part = [&](std::size_t percent) {
    return ms.empty() ? 0.0 : double{ms[(ms.size() - 1) * percent / 100]};
  };
  const double span = std::chrono::duration<double>(Clock::now() - since_).count();
  const auto rate = [&](std::uint64_t n) { return static_cast<double>(n) / span; };
  std::printf(
      "asked %llu answered %llu late %llu errors %llu updates %llu unsent %llu "
      "median_ms %.1f p99_ms %.1f most_ms %.1f "
      "out_per_s %.0f in_per_s %.0f out_kb_per_s %.0f in_kb_per_s %.0f "
      "out_bytes %llu in_bytes %llu\n",
      static_cast<unsigned long long>(figures_.asked),
      static_cast<unsigned long long>(figures_.answered),
      static_cast<unsigned long long>(figures_.late),
      static_cast<unsigned long long>(figures_.errors),
      static_cast<unsigned long long>(figures_.updates),
      static_cast<unsigned long long>(figures_.unsent), part(50), part(99), part(100),
      rate(figures_.out), rate(figures_.in), rate(figures_.out_bytes) / 1000,
      rate(figures_.in_bytes) / 1000, static_cast<unsigned long long>(figures_.out_bytes),
      static_cast<unsigned long long>(figures_.in_bytes));
  std::fflush(stdout);
  figures_ = {};
  since_ = Clock::now();
}

void Crowd::ask_for_all() {
  for (Member& member : members_) member.served = false;
  unserved_ = members_.size();
}

void Crowd::serve(Member& member) {
  if (std::exchange(member.served, true) || unserved_ == 0 || --unserved_ > 0) return;
  std::puts("all");
  std::fflush(stdout);
}

bool Crowd::heed_signals() {
  signalfd_siginfo signal{};
  if (::read(signals_, &signal, sizeof signal) != sizeof signal) return true;
  if (signal.ssi_signo == SIGUSR1) say();
  if (signal.ssi_signo == SIGUSR2) ask_for_all();
  return signal.ssi_signo != SIGTERM;
}

void Crowd::run(std::chrono::milliseconds join) {
  since_ = Clock::now();
  for (std::uint32_t i = 0; i < members_.size(); ++i) {
    const Time at = since_ + join * i / static_cast<std::int64_t>(members_.size());
    again(at, i, Kind::ping, false);
    again(at, i, Kind::find, true);
  }
  bool told = false;
  for (;;) {
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(due_.top().at - Clock::now());
    std::array<pollfd, 2> both{pollfd{fd_, POLLIN, 0}, pollfd{signals_, POLLIN, 0}};
    ::poll(both.data(), both.size(),
           static_cast<int>(std::clamp<std::int64_t>(wait.count(), 0, 1000)));
    if (both[0].revents != 0) receive();
    if (both[1].revents != 0 && !heed_signals()) return;
    const Time now = Clock::now();
    for (int i = 0; i < 256 && due_.top().at <= now; ++i) {
      const Due due = due_.top();
      due_.pop();
      act(due);
    }
    if (!told && joined_ == members_.size()) {
      told = true;
      std::puts("ready");
      std::fflush(stdout);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 7) return 2;
  in_addr first{};
  sockaddr_in hub{};
  hub.sin_family = AF_INET;
  hub.sin_port = htons(static_cast<std::uint16_t>(std::atoi(argv[4])));
  const int count = std::atoi(argv[1]);
  const int network = std::atoi(argv[6]);
  if (count < 1 || count > 1'000'000 || network < 1 || ::inet_pton(AF_INET, argv[2], &first) != 1 ||
      ::inet_pton(AF_INET, argv[3], &hub.sin_addr) != 1)
    return 2;
  const auto seed =
      argc > 7 ? static_cast<std::uint64_t>(std::atoll(argv[7])) : std::random_device{}();
  Crowd crowd(static_cast<std::size_t>(count), first, hub, static_cast<std::uint32_t>(network),
              seed);
  if (!crowd.open()) {
    std::perror("hub_crowd");
    return 1;
  }
  crowd.run(std::chrono::milliseconds(std::atoi(argv[5]) * 1000));
  return 0;
}
