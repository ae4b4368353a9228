// A script for netcheck and for the service that answers it. Each step: what (1), arguments.
//
//   0  time passes: 10 ms units (2)       1  anything comes: socket (1), from (1), length (1),
//   bytes 2  a question is answered as it should be: how many back (1) 3  likewise, from elsewhere:
//   who (1)  4  likewise, with a byte changed: at (1), xor 5  anything comes to the service: length
//   (1), bytes
#include "discovery/netcheck.h"

#include "discovery/stun_service.h"
#include "fuzz/fuzz.h"
#include "support/seeded_random.h"

namespace meshnode::fuzz {
namespace {

constexpr int kSteps = 200;
const IpAddress kUs = IpAddress::v4({203, 0, 113, 7});

Endpoint host(std::uint8_t number) {
  return {IpAddress::v4({198, 51, 100, static_cast<std::uint8_t>(number / 4)}),
          static_cast<std::uint16_t>(3731 + number % 4)};
}

class Run {
 public:
  Run() {
    std::vector<std::uint16_t> ports;
    for (std::size_t i = 0; i < check_.sockets(); ++i)
      ports.push_back(static_cast<std::uint16_t>(40000 + i));
    check_.start(now_, ports);
  }
  void pass(Duration time) { now_ += time; }
  void hear(std::size_t socket, const Endpoint& from, ByteView datagram) {
    check_.handle_datagram(now_, socket, from, exact(datagram));
  }
  discovery::Netcheck::Transmit question(std::uint8_t back) const {
    return sent_[sent_.size() - 1 - back % sent_.size()];
  }
  discovery::StunService::Answer serve(const Endpoint& from, const Endpoint& to,
                                       ByteView datagram) {
    const Endpoint other = host(static_cast<std::uint8_t>(to.port));
    auto out = service_.answer(now_, from, to, other, exact(datagram));
    MESH_ASSERT(out.datagram.size() <= wire::kStunAmplification * datagram.size());
    if (out.datagram.empty()) return out;
    // Whoever asks, nobody else hears of it.
    MESH_ASSERT(out.to.ip == from.ip);
    MESH_ASSERT((out.from.ip == to.ip || out.from.ip == other.ip) &&
                (out.from.port == to.port || out.from.port == other.port));
    MESH_ASSERT(out.to.port == from.port || out.to.port >= 1024);
    return out;
  }
  void settle() {
    check_.handle_timeout(now_);
    std::size_t count = 0;
    while (auto out = check_.poll()) {
      MESH_ASSERT(out->socket < check_.sockets() && ++count <= 64);
      sent_.push_back(std::move(*out));
    }
    MESH_ASSERT(sent_.size() <= 5 * (discovery::Netcheck::kMaxServers + 40));
    const auto next = check_.next_deadline();
    MESH_ASSERT(next.has_value() != check_.done());
    MESH_ASSERT(!next || *next > now_);
    (void)check_.report();
    (void)check_.remaining(now_);
  }

 private:
  test::SeededRandom random_{1};
  discovery::Netcheck check_{{{host(0), host(1), host(4)}, {kUs}, seconds(40)}, random_};
  discovery::StunService service_{1, 2};
  TimePoint now_{hours(1)};
  std::vector<discovery::Netcheck::Transmit> sent_;
};

}  // namespace

void one_input(ByteView input) {
  Script script(input);
  Run run;
  run.settle();
  for (int step = 0; step < kSteps && !script.over(); ++step) {
    switch (const std::uint8_t what = script.u8() % 6) {
      case 0:
        run.pass(milliseconds(10) * script.u16());
        break;
      case 1: {
        const std::size_t socket = script.u8();
        const Endpoint from = host(script.u8());
        run.hear(socket, from, script.bytes(script.u8()));
        break;
      }
      case 5:
        (void)run.serve({kUs, script.u16()}, host(0), script.bytes(script.u8()));
        break;
      default: {
        const auto question = run.question(script.u8());
        const Endpoint us{kUs, static_cast<std::uint16_t>(40000 + question.socket)};
        auto answer = run.serve(us, question.to, question.datagram);
        if (answer.datagram.empty()) break;
        if (what == 3) answer.from = host(script.u8());
        if (what == 4) answer.datagram[script.u8() % answer.datagram.size()] ^= script.u8();
        run.hear(static_cast<std::size_t>(answer.to.port - 40000), answer.from, answer.datagram);
      }
    }
    run.settle();
  }
}

}  // namespace meshnode::fuzz
