// Two whole nodes on a LAN in virtual time, and a script of what an enemy on that LAN, a bad link
// and a nervous owner can do. Whatever happens: nothing is delivered that was not sent, nothing
// twice, garbage is not answered, time goes on, and in peace the two find each other again.
#include <set>

#include "fuzz/fuzz.h"
#include "support/virtual_lan.h"
#include "wire/ip.h"

namespace meshnode::fuzz {
namespace {

using test::Datagram;
using test::VirtualLan;
using test::VirtualNode;

const Endpoint kGarbageFrom{IpAddress::v4({10, 0, 0, 66}), 6666};
const Endpoint kReplaysFrom{IpAddress::v4({10, 0, 0, 77}), 7777};

constexpr std::size_t kMaxTurns = 60;
constexpr std::size_t kMaxSteps = 20'000;  // per wait; a quiet minute takes some ten

class Play {
 public:
  Play() {
    for (VirtualNode* node : nodes_) node->start();
    lan_.filter = [this](const Datagram& datagram) { return let_through(datagram); };
    wait(seconds(2));
  }

  void run(Script script) {
    for (std::size_t turns = 0; !script.over() && turns < kMaxTurns; ++turns) {
      turn(script);
      check();
    }
    make_peace();
    check();
  }

 private:
  void turn(Script& script) {
    const std::uint8_t what = script.u8();
    VirtualNode& node = *nodes_[what >> 4 & 1];
    switch (what % 16) {
      case 0:
        return wait(milliseconds(script.u8() * 4));
      case 1:
        return wait(seconds(script.u8()));
      case 2:
        return ping(node);
      case 3:
        ping(node);
        return wait(milliseconds(20));
      case 4:
        lan_.loss_percent = script.u8() % 100U;
        return;
      case 5:
        lan_.duplicate_percent = script.u8() % 100U;
        return;
      case 6:
        lan_.jitter = milliseconds(script.u8() % 64U);
        return;
      case 7:
        lose_types_ = script.u8();
        return;
      case 8:
        flip_at_ = script.u16();
        flip_with_ = script.u8();
        return;
      case 9:
        return replay(script, false);
      case 10:
        return replay(script, true);
      case 11:
        return garbage(node.endpoint(), script);
      case 12:
        return garbage({{}, discovery::kLanPort}, script);
      case 13:
        return restart(node, script.u8());
      case 14:
        node.clock_offset = minutes(script.u8() - 128) * 8;
        return;
      default:
        if (node.running()) node.core().interfaces_changed(node.now(), node.interfaces());
    }
  }

  void wait(Duration span) {
    std::size_t steps = 0;
    lan_.run_until(
        [&] {
          // A deadline that does not move would burn the processor.
          MESH_ASSERT(++steps < kMaxSteps);
          return false;
        },
        span);
  }

  bool let_through(const Datagram& datagram) {
    const std::uint8_t first = datagram.bytes.empty() ? std::uint8_t{0} : datagram.bytes[0];
    const bool main_port = datagram.to.port == VirtualNode::kPort;
    const unsigned type = !main_port ? 7U : first >= 0x40 && first <= 0x44 ? first - 0x40U : 6U;
    if ((lose_types_ >> type & 1) != 0) return false;
    if (flip_with_ == 0) return true;
    Datagram other = datagram;
    if (!other.bytes.empty()) other.bytes[flip_at_ % other.bytes.size()] ^= flip_with_;
    flip_with_ = 0;
    lan_.inject(std::move(other));
    return false;
  }

  void ping(VirtualNode& from) {
    if (!from.running()) return;
    VirtualNode& to = &from == nodes_[0] ? *nodes_[1] : *nodes_[0];
    Bytes packet = test::echo_request(address_of(from), address_of(to), ++sequence_);
    sent_.insert(packet);
    from.send_inner(std::move(packet));
  }

  IpAddress address_of(const VirtualNode& node) const {
    return overlay::overlay_address(network_, node.id());
  }

  // What once was on the wire, again, and now and then from another place.
  void replay(Script& script, bool from_elsewhere) {
    if (lan_.history.empty()) return;
    // Counted from the end: the newest are the most interesting.
    const std::size_t back = script.u16() % lan_.history.size();
    Datagram datagram = lan_.history[lan_.history.size() - 1 - back];
    if (from_elsewhere) datagram.from = kReplaysFrom;
    lan_.inject(std::move(datagram));
  }

  void garbage(const Endpoint& to, Script& script) {
    const Bytes bytes = to_bytes(script.bytes(script.u8()));
    lan_.inject({kGarbageFrom, to, bytes});
  }

  void restart(VirtualNode& node, std::uint8_t how) {
    if (!node.running()) {
      if ((how & 2) != 0) node.numbers.last /= 2;  // its state comes from a backup
      return node.start();
    }
    (how & 1) != 0 ? node.stop_cleanly() : node.kill();
    if ((how & 4) != 0) node.start();
  }

  // Everybody is honest again, and within the longest pause that anything here takes, a ping goes
  // both ways.
  void make_peace() {
    lan_.loss_percent = lan_.duplicate_percent = 0;
    lan_.jitter = {};
    lose_types_ = flip_with_ = 0;
    for (VirtualNode* node : nodes_) {
      node->clock_offset = milliseconds(0);
      if (!node->running()) node->start();
    }
    for (VirtualNode* node : nodes_) {
      const std::uint64_t before = node->answered_pings;
      for (int tries = 0; node->answered_pings == before; ++tries) {
        MESH_ASSERT(tries < 720);  // two hours
        ping(*node);
        wait(seconds(10));
      }
    }
  }

  void check() {
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      VirtualNode& node = *nodes_[i];
      for (; seen_[i] < node.delivered.size(); ++seen_[i])
        check_delivered(node, node.delivered[seen_[i]]);
      if (node.running())
        MESH_ASSERT(node.core().engine().snapshot(lan_.time).peers.size() < nodes_.size());
    }
    for (; history_seen_ < lan_.history.size(); ++history_seen_)
      MESH_ASSERT(lan_.history[history_seen_].to != kGarbageFrom);
  }

  void check_delivered(const VirtualNode& node, const Bytes& packet) {
    const auto header = wire::parse_ip(packet);
    MESH_ASSERT(header && header->destination == address_of(node));
    if (header->source == address_of(node)) return check_own_error(packet, *header);
    MESH_ASSERT(delivered_.insert(packet).second);
    Bytes request = packet;
    if (test::is_echo(packet, false)) {
      std::swap_ranges(request.begin() + 8, request.begin() + 24, request.begin() + 24);
      request[header->header_size] = 128;
    }
    MESH_ASSERT(sent_.contains(request));
  }

  // "Destination unreachable", made by the node itself for what it could not send: it quotes it.
  void check_own_error(const Bytes& packet, const wire::IpHeader& header) const {
    MESH_ASSERT(header.protocol == wire::icmpv6 && packet[header.header_size] == 1);
    Bytes quoted = to_bytes(ByteView(packet).subspan(header.header_size + 8));
    if (test::is_echo(quoted, false)) {
      std::swap_ranges(quoted.begin() + 8, quoted.begin() + 24, quoted.begin() + 24);
      quoted[40] = 128;
    }
    MESH_ASSERT(sent_.contains(quoted));
  }

  VirtualLan lan_{5};
  std::vector<VirtualNode*> nodes_{&lan_.add("alpha"), &lan_.add("beta")};
  overlay::NetworkId network_ = [] {
    overlay::NetworkSecret network;  // as VirtualLan::add() has it
    network.seed.fill(0x11);
    return network.id();
  }();
  std::uint8_t lose_types_ = 0;  // bit n: type 0x40 + n; 6: others; 7: beacons
  std::uint16_t flip_at_ = 0;
  std::uint8_t flip_with_ = 0;  // over the next datagram
  std::uint16_t sequence_ = 0;
  std::set<Bytes> sent_;
  std::set<Bytes> delivered_;
  std::size_t seen_[2] = {0, 0};
  std::size_t history_seen_ = 0;
};

}  // namespace

void one_input(ByteView input) {
  Play().run(Script(input));
}

}  // namespace meshnode::fuzz
