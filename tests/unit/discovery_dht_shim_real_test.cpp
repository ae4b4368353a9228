// The shim in front of the real OpenDHT, each in a forked child: what it lets through must not
// hurt.
#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include <gtest/gtest.h>
#include <opendht.h>
#include <sys/wait.h>
#include <unistd.h>

#include "discovery/dht_shim.h"
#include "tests/support/seeded_random.h"
#include "tests/unit/dht_captured.h"

namespace meshnode::discovery {
namespace {

using test::captured;

Endpoint endpoint_of(const dht::SockAddr& from) {
  Endpoint endpoint;
  endpoint.port = from.getPort();
  Block<4> ip{};
  std::memcpy(ip.data(), &from.getIPv4().sin_addr, ip.size());
  endpoint.ip = IpAddress::v4(ip);
  return endpoint;
}
dht::SockAddr sockaddr_of(const Endpoint& from) {
  dht::SockAddr address;
  address.setFamily(AF_INET);
  std::memcpy(&address.getIPv4().sin_addr, from.ip.bytes().data(), 4);
  address.setPort(from.port);
  return address;
}
TimePoint real_now() {
  return TimePoint(
      std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

// An OpenDHT whose datagrams go to `send`.
class PaperSocket final : public dht::net::DatagramSocket {
 public:
  using Send = std::function<int(const Endpoint& to, ByteView datagram)>;
  PaperSocket(const Endpoint& self, Send send) : self_(sockaddr_of(self)), send_(std::move(send)) {}
  int sendTo(const dht::SockAddr& to, const std::uint8_t* data, std::size_t size, bool) override {
    return to.getFamily() == AF_INET ? send_(endpoint_of(to), {data, size}) : EAFNOSUPPORT;
  }
  bool hasIPv4() const override { return true; }
  bool hasIPv6() const override { return true; }
  const dht::SockAddr& getBoundRef(sa_family_t) const override { return self_; }
  void stop() override {}
  void receive(const Endpoint& from, ByteView datagram) {
    dht::net::PacketList packets(1);
    packets.front().data.assign(datagram.begin(), datagram.end());
    packets.front().from = sockaddr_of(from);
    packets.front().received = dht::clock::now();
    onReceived(std::move(packets));
  }

 private:
  dht::SockAddr self_;
  Send send_;
};

struct Node {
  dht::DhtRunner runner;
  PaperSocket* socket = nullptr;

  Node(const Endpoint& self, PaperSocket::Send send) {
    auto owned = std::make_unique<PaperSocket>(self, std::move(send));
    socket = owned.get();
    dht::DhtRunner::Config config;
    config.dht_config.node_config.network = 3731;
    config.dht_config.node_config.max_req_per_sec = 0;
    config.dht_config.node_config.max_peer_req_per_sec = 0;
    config.threaded = true;
    dht::DhtRunner::Context context;
    context.sock = std::move(owned);
    runner.run(config, std::move(context));
  }
};

template <typename Condition>
bool wait_for(Condition condition, milliseconds most = milliseconds(3000)) {
  for (const TimePoint end = real_now() + most; real_now() < end;) {
    if (condition()) return true;
    std::this_thread::sleep_for(milliseconds(1));
  }
  return condition();
}

// The exit code of `what` in a child of its own; -1 if a signal ended it.
template <typename What>
int in_child(What what) {
  const pid_t child = fork();
  if (child == 0) _exit(what());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

const Endpoint kSelf = *Endpoint::parse("192.0.2.1:3731");

// OpenDHT drops what waited for more than 650 ms, as on a busy machine, and all above 8,192 requests
// a second.
template <typename Ask, typename Condition>
bool asked_again(Ask ask, Condition condition) {
  for (int round = 0; round < 15; ++round) {
    ask();
    if (wait_for(condition, milliseconds(1000))) return true;
  }
  return false;
}

// Feeds OpenDHT, in portions that its queue takes; 0 if it still answers a ping afterwards.
int feed(const std::vector<Bytes>& datagrams) {
  std::atomic<std::uint64_t> answers{0};
  std::atomic<bool> last{false};
  Node node(kSelf, [&](const Endpoint& to, ByteView) {
    ++answers;
    if (to.port == 9) last = true;
    return 0;
  });
  std::uint32_t number = 0;
  const auto ping = [&](std::uint16_t port) {
    node.socket->receive({IpAddress::v4({198, 51, 100, 1}), port}, captured("ping"));
  };
  for (const Bytes& datagram : datagrams) {
    ++number;
    node.socket->receive({IpAddress::v4({203, 0, static_cast<std::uint8_t>(number >> 8),
                                         static_cast<std::uint8_t>(number)}),
                          static_cast<std::uint16_t>(1024 + number % 50000)},
                         datagram);
    if (number % 500 != 0) continue;
    const std::uint64_t before = answers;
    if (!asked_again([&] { ping(8); }, [&] { return answers > before; })) return 2;
  }
  return asked_again([&] { ping(9); }, [&] { return last.load(); }) ? 0 : 3;
}

TEST(DhtShimReal, TheKillersDoKill) {
  EXPECT_NE(in_child([] { return feed({*from_hex("84a16590a17401a179a165a16e00")}); }), 0);
}

TEST(DhtShimReal, NothingThatPassesHurts) {
  constexpr std::uint64_t kSeed = 20240;
  test::SeededRandom random(kSeed);
  std::vector<Bytes> passed;
  passed.reserve(16384);
  for (const auto& sample : test::kCapturedDht) passed.push_back(*from_hex(sample.hex));
  const std::size_t genuine = passed.size();
  for (int round = 0; round < 100000; ++round) {
    Bytes raw = passed[random.below(genuine)];
    for (std::uint64_t edits = 1 + random.below(3); edits > 0; --edits) {
      const auto at = static_cast<std::ptrdiff_t>(random.below(raw.size()));
      switch (random.below(6)) {
        case 0:
          raw.erase(raw.begin() + at);
          break;
        case 1:
          raw.insert(raw.begin() + at, static_cast<std::uint8_t>(random.u64()));
          break;
        case 2:
          raw[static_cast<std::size_t>(at)] ^= static_cast<std::uint8_t>(1U << random.below(8));
          break;
        case 3: {  // a piece of another message
          const Bytes& other = passed[random.below(genuine)];
          const std::size_t begin = random.below(other.size());
          const std::size_t size =
              1 + random.below(std::min<std::size_t>(40, other.size() - begin));
          raw.insert(raw.begin() + at, other.begin() + static_cast<std::ptrdiff_t>(begin),
                     other.begin() + static_cast<std::ptrdiff_t>(begin + size));
          break;
        }
        default:
          raw[static_cast<std::size_t>(at)] = static_cast<std::uint8_t>(random.u64());
      }
      if (raw.empty()) raw.push_back(0x80);
    }
    if (wire::inspect_dht(raw)) passed.push_back(std::move(raw));
  }
  RecordProperty("passed", static_cast<int>(passed.size()));
  EXPECT_GT(passed.size(), 5000U);
  EXPECT_EQ(in_child([&] { return feed(passed); }), 0) << "seed " << kSeed;
}

// Hub and two members, as at a cold start: both put under one key and listen to it. Records as
// large as ours; the second listener gets both at once, which takes parts.
int cold_start() {
  struct Side {
    Endpoint self;
    DhtShim shim;
    std::unique_ptr<Node> node;
  };
  const Endpoint hub = kSelf;
  std::mutex lock;  // the shims are pure; three OpenDHT threads meet here
  std::map<Endpoint, Side*> world;
  const Endpoint stranger = *Endpoint::parse("198.51.100.99:5");
  Bytes told;
  std::uint64_t refusals = 0;
  std::uint64_t drops = 0;
  const auto side = [&](const char* text, DhtShim::Role role) {
    auto made =
        std::make_unique<Side>(Side{*Endpoint::parse(text), DhtShim({role, 3731}), nullptr});
    if (role != DhtShim::Role::hub) made->shim.add_bootstrap(hub);
    Side* self = made.get();
    world[self->self] = self;
    return made;
  };
  const auto start = [&](Side& from) {
    from.node = std::make_unique<Node>(
        from.self, [&, from_side = &from](const Endpoint& to, ByteView datagram) {
          const std::lock_guard guard(lock);
          const auto out = from_side->shim.outbound(real_now(), to, datagram);
          if (const auto* refusal = std::get_if<DhtShim::Refusal>(&out)) {
            ++refusals;
            return *refusal == DhtShim::Refusal::again ? EAGAIN : EHOSTUNREACH;
          }
          if (to == stranger) told = std::get<Bytes>(out);
          const auto found = world.find(to);
          if (found == world.end() || !found->second->node) return 0;
          const auto in =
              found->second->shim.inbound(real_now(), from_side->self, std::get<Bytes>(out));
          if (in.index() == 1)
            ++drops;
          else
            found->second->node->socket->receive(from_side->self, std::get<Bytes>(in));
          return 0;
        });
  };
  const auto center = side("192.0.2.1:3731", DhtShim::Role::hub);
  const auto a = side("198.51.100.7:1001", DhtShim::Role::client);
  const auto b = side("203.0.113.9:1002", DhtShim::Role::client);
  const auto key = dht::InfoHash::get("door");
  std::atomic<unsigned> heard_a{0};
  std::atomic<unsigned> heard_b{0};
  const auto join = [&](Side& member, std::uint64_t id, std::atomic<unsigned>& heard) {
    start(member);
    member.node->runner.bootstrap(sockaddr_of(hub));
    member.node->runner.put(key, dht::Value(dht::ValueType::USER_DATA.id, dht::Blob(496, 'a'), id));
    member.node->runner.listen(
        key, [&](const std::vector<std::shared_ptr<dht::Value>>& values, bool expired) {
          for (const auto& value : values)
            if (!expired) heard |= 1U << value->id;
          return true;
        });
  };
  start(*center);
  join(*a, 1, heard_a);
  if (!wait_for([&] { return heard_a == 2U; })) return 2;
  const TimePoint began = real_now();
  join(*b, 2, heard_b);
  if (!wait_for([&] { return heard_a == 6U && heard_b == 6U; })) return 3;
  if (real_now() - began > milliseconds(800)) return 4;
  {
    const std::lock_guard guard(lock);
    if (refusals != 0 || drops != 0) return 5;
  }
  // A stranger asks the hub for everybody, and learns nobody.
  const Bytes find = captured("find");
  {
    const std::lock_guard guard(lock);
    if (center->shim.inbound(real_now(), stranger, find).index() != 0) return 9;
  }
  center->node->socket->receive(stranger, find);
  const auto answered = [&] {
    const std::lock_guard guard(lock);
    return !told.empty();
  };
  if (!wait_for(answered)) return 6;
  const std::lock_guard guard(lock);
  if (told.size() > 3 * find.size()) return 7;
  for (const Side* member : {a.get(), b.get()}) {
    const ByteView ip = member->self.ip.bytes();
    if (std::search(told.begin(), told.end(), ip.begin(), ip.end()) != told.end()) return 8;
  }
  return 0;
}

TEST(DhtShimReal, ColdStartIsNotSlowed) {
  EXPECT_EQ(in_child(cold_start), 0);
}

}  // namespace
}  // namespace meshnode::discovery
