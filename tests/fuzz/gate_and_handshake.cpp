// An engine that has met nobody, and a script of what comes in: from strangers, from members of
// another network, from members with programs of their own. Strangers get silence and change
// nothing; members get at most one answer, where they are, and change nothing yet either.
#include <set>

#include "fuzz/fuzz.h"
#include "fuzz/members.h"
#include "overlay/engine.h"
#include "support/seeded_random.h"

namespace meshnode::fuzz {
namespace {

using overlay::HandshakeSelf;

constexpr std::size_t kMaxPending = 128;

struct Numbers final : overlay::NumberSource {
  std::uint64_t next() override { return ++last; }
  std::uint64_t last = 1'000'000;
};

// Key agreement costs more than everything else here: what is always the same is made once.
struct Cast {
  HandshakeSelf receiver = member(1, network());
  HandshakeSelf insider = member(2, network());
  HandshakeSelf stranger = [] {
    auto other = network();
    other.seed.fill(0x99);
    return member(3, other);
  }();
  Bytes genuine = init_with_payload(insider, receiver, 7, 0,
                                    wire::encode_payload(honest_payload(insider, 7, 5000)));
  // No script makes this one: its index is too large.
  Bytes last = init_with_payload(insider, receiver, 1000, 0,
                                 wire::encode_payload(honest_payload(insider, 1000, 1'000'000)));
  Bytes foreign = init_with_payload(stranger, receiver, 8, 0,
                                    wire::encode_payload(honest_payload(stranger, 8, 5000)));
};

const Cast& cast() {
  static const Cast out;
  return out;
}

class Play {
 public:
  Play() : engine_(config(), crypto::real_suite(), random_, numbers_) {
    engine_.start(now_);
    drain();
  }

  void run(Script script) {
    for (int step = 0; !script.over() && step < 40; ++step) turn(script);
    settle();
    // Whatever came before, an honest member gets its answer.
    engine_.handle_message(now_, path_, cast().last);
    MESH_ASSERT(drain() == 1 && keys_.size() == 1 && peers_.size() == 1);
    settle();
  }

 private:
  static overlay::EngineConfig config() {
    overlay::EngineConfig out;
    out.identity = cast().receiver.identity;
    out.keys = cast().receiver.keys;
    out.boot = cast().receiver.boot;
    out.port = 4000;
    out.name = "receiver";
    return out;
  }

  // Nobody confirmed anything: what was made for them goes again.
  void settle() {
    MESH_ASSERT(engine_.snapshot(now_.mono).peers.empty());
    pass(seconds(11));
    MESH_ASSERT(keys_.empty() && peers_.empty());
  }

  void turn(Script& script) {
    const std::uint8_t what = script.u8();
    path_.remote.ip = IpAddress::v4({192, 0, 2, static_cast<std::uint8_t>(1 + (what >> 6))});
    switch (what % 8) {
      case 0:
        return from_stranger(script.bytes(script.u8()));
      case 1: {
        Bytes datagram{static_cast<std::uint8_t>(0x40 + script.u8() % 5)};
        return from_stranger(std::move(datagram) + script.bytes(script.u8()));
      }
      case 2:
        return from_stranger(changed(cast().foreign, script));
      case 3:
        return changed_genuine(script);
      case 4:
        return from_member(cast().genuine);
      case 5:
        return any_payload(script);
      case 6:
        return honest_but_for_one_byte(script);
      default:
        pass(milliseconds(script.u8() * 20));
        return;
    }
  }

  static Bytes changed(Bytes message, Script& script) {
    const std::size_t at = script.u16() % message.size();
    const ByteView change = script.bytes(script.u8() % 16U);
    for (std::size_t i = 0; i < change.size() && at + i < message.size(); ++i)
      message[at + i] ^= change[i];
    return message;
  }

  // mac2 is looked at under load only: a message that differs nowhere else is the member's own.
  void changed_genuine(Script& script) {
    const Bytes message = changed(cast().genuine, script);
    const std::size_t covered = message.size() - wire::kMacSize;
    const bool same_message =
        same(ByteView(message).first(covered), ByteView(cast().genuine).first(covered));
    same_message ? from_member(message) : from_stranger(message);
  }

  void any_payload(Script& script) {
    const SessionIndex index = script.u8();
    const std::uint8_t nonce = script.u8();
    from_member(init_with_payload(cast().insider, cast().receiver, index, nonce,
                                  script.bytes(script.u8())));
  }

  void honest_but_for_one_byte(Script& script) {
    const std::uint8_t index = script.u8();
    const auto honest = honest_payload(cast().insider, index, script.u16());
    Bytes payload = wire::encode_payload(honest);
    payload[script.u8() % payload.size()] ^= script.u8();
    payload = std::move(payload) + script.bytes(script.u8() % 64U);
    from_member(init_with_payload(cast().insider, cast().receiver, index, script.u8(), payload));
  }

  // The pump never passes an empty datagram.
  void from_stranger(ByteView datagram) {
    if (datagram.empty()) return;
    engine_.handle_message(now_, path_, exact(datagram));
    MESH_ASSERT(!engine_.poll());
  }

  void from_member(ByteView datagram) {
    engine_.handle_message(now_, path_, exact(datagram));
    MESH_ASSERT(drain() <= 1);
  }

  void pass(Duration span) {
    now_.mono += span;
    now_.unix.ms += std::chrono::duration_cast<milliseconds>(span).count();
    engine_.handle_timeout(now_);
    MESH_ASSERT(drain() == 0);
    const auto next = engine_.next_deadline();
    MESH_ASSERT(!next || *next > now_.mono);
  }

  // How many messages go out; each goes back to where we just heard somebody.
  std::size_t drain() {
    std::size_t messages = 0;
    while (const auto output = engine_.poll()) {
      if (const auto* message = std::get_if<overlay::SendMessage>(&*output)) {
        ++messages;
        MESH_ASSERT(message->path == path_);
        MESH_ASSERT(message->bytes.size() <= wire::kMaxHandshakeSize);
      } else {
        const auto* change = std::get_if<dataplane::SlotChange>(&*output);
        MESH_ASSERT(change != nullptr);
        check(*change);
      }
    }
    return messages;
  }

  // No route, no path and no key for sending before the first data frame.
  void check(const dataplane::SlotChange& change) {
    MESH_ASSERT(!std::holds_alternative<dataplane::UseKey>(change));
    MESH_ASSERT(!std::holds_alternative<dataplane::SetPath>(change));
    MESH_ASSERT(!std::holds_alternative<dataplane::SetRoutes>(change));
    if (const auto* add = std::get_if<dataplane::AddKey>(&change))
      MESH_ASSERT(keys_.insert(add->key->local_index).second);
    if (const auto* drop = std::get_if<dataplane::DropKey>(&change))
      MESH_ASSERT(keys_.erase(drop->local_index) == 1);
    if (const auto* sources = std::get_if<dataplane::SetSources>(&change))
      peers_.insert(sources->peer);
    if (const auto* drop = std::get_if<dataplane::DropPeer>(&change))
      MESH_ASSERT(peers_.erase(drop->peer) == 1);
    MESH_ASSERT(keys_.size() <= kMaxPending && peers_.size() <= kMaxPending);
  }

  test::SeededRandom random_{1};
  Numbers numbers_;
  Now now_{TimePoint{seconds(1000)}, UnixTime{1'760'000'000'000}};
  Path path_{{IpAddress::v4({192, 0, 2, 1}), 4000}, {}, 0};
  overlay::Engine engine_;
  // What the pumps hold for members who have confirmed nothing.
  std::set<SessionIndex> keys_;
  std::set<PeerNumber> peers_;
};

}  // namespace

void one_input(ByteView input) {
  Play().run(Script(input));
}

}  // namespace meshnode::fuzz
