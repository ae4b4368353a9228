// One machine of the simulation with one node on it: the production core, between virtual
// interfaces and a clock that may be wrong. It crashes, restarts, moves, sleeps.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "discovery/stun_service.h"
#include "overlay/core.h"
#include "sim/network.h"
#include "tests/support/seeded_random.h"

namespace meshnode::sim {

class World;

overlay::Identity identity_of(std::uint64_t number, const crypto::Suite& suite);

// Numbers as the state file would give them.
class Numbers final : public overlay::NumberSource {
 public:
  std::uint64_t next() override { return ++last; }
  std::uint64_t last = 0;
};

struct Address {
  SegmentId segment = kInternet;
  Cidr ip;
};
// A network card: the first address of a family is the one for everything far away.
struct Card {
  std::string name = "eth0";
  bool up = true;
  bool broadcast = true;
  std::vector<Address> addresses;
};

struct HostOptions {
  std::uint64_t identity = 0;  // two hosts with the same one are twins
  overlay::NetworkSecret network;
  std::uint16_t port = 40000;
  bool directory = true;
  std::size_t eager_members = 64;
  bool full_mesh = false;
  bool serves = false;  // STUN for others
  LineRules line;
};

struct HostStats {
  std::uint64_t starts = 0;
  std::uint64_t datagrams = 0;  // sent
  std::uint64_t bytes = 0;      // with IP and UDP headers
  std::uint64_t inits = 0;
  std::uint64_t probes = 0;
  std::uint64_t data = 0;
  std::uint64_t other = 0;
  std::uint64_t beacons = 0;
  std::uint64_t connected = 0;  // events told
  std::uint64_t lost = 0;
  std::uint64_t twins = 0;
};

class Host final : public overlay::Machine {
 public:
  Host(World& world, HostIndex index, HostOptions options);

  enum class Memory : bool { kept, lost };
  void start(Memory memory = Memory::kept);
  void stop();   // says goodbye
  void crash();  // does not
  bool running() const { return core_ != nullptr; }
  bool awake() const { return core_ && !asleep_; }

  void add_card(Card card);
  // It loses all its addresses and gets these.
  void move(std::vector<Card> cards);
  void set_up(std::size_t card, bool up);
  void sleep();
  void wake_up();
  void set_clock_offset(milliseconds offset) { clock_offset_ = offset; }
  void hub_came_back(std::size_t hub);

  // A fresh packet for the other one, into the tunnel. The id is for Packets.
  std::uint64_t send_packet(const Host& to, std::size_t size = 0);
  // The node's own word, read at leisure.
  overlay::Snapshot snapshot() const;
  IpAddress overlay_address() const;
  const NodeId& id() const { return identity_.id; }
  const overlay::Identity& identity() const { return identity_; }
  const HostOptions& options() const { return options_; }
  HostOptions& options() { return options_; }
  HostIndex index() const { return index_; }
  const std::vector<Card>& cards() const { return cards_; }
  const HostStats& stats() const { return stats_; }
  DropCounters drops() const;
  Now now() const;
  bool has(const IpAddress& ip) const { return find(ip) != nullptr; }
  overlay::Core& core() { return *core_; }

  // A liar: frames of its own to whoever it has a session with, where its core would send them.
  void say_to_all(ByteView control);
  void become_liar();
  bool lies() const { return lies_; }

  // By the world.
  void arrived(const Datagram& datagram);
  void beacon(const Endpoint& from, SegmentId segment, ByteView bytes);
  void directory_says(const discovery::DhtKey& key, ByteView value);
  void timer(TimePoint set_for);

  // overlay::Machine
  void send(std::span<const DatagramRun> runs) override;
  void open_way(const Path& path) override;
  void send_beacon(const discovery::BeaconTransmit& beacon) override;
  void to_tun(std::span<const TunFrame> frames) override;
  void tell(const overlay::Event& event) override;
  void ask_dht(const discovery::DhtRequest& request) override;
  void pass_on(wire::Protocol protocol, const Path& path, ByteView datagram) override;

 private:
  class Acting;
  const Address* find(const IpAddress& ip) const;
  const Address* source_for(const Path& path) const;
  const Address* on_segment(SegmentId segment) const;
  std::uint32_t card_number(SegmentId segment) const;
  Interfaces interfaces() const;
  void attach_all();
  void detach_all();
  void look_at_interfaces();
  void begin(Memory memory);
  void remember();
  void rearm();
  void post(const Path& path, ByteView bytes, unsigned hops);
  void count(ByteView datagram);

  World& world_;
  HostIndex index_;
  HostOptions options_;
  overlay::Identity identity_;
  test::SeededRandom random_;
  Numbers numbers_;
  std::vector<Card> cards_;
  std::unique_ptr<overlay::Core> core_;
  std::optional<discovery::StunService> stun_;
  std::vector<overlay::RememberedMember> memory_;
  std::uint64_t remembered_version_ = 0;
  TimePoint next_memory_{};
  milliseconds clock_offset_{0};
  bool asleep_ = false;
  TimePoint wake_at_ = TimePoint::max();
  std::uint64_t outputs_ = 0;  // of the present input
  bool lies_ = false;
  std::map<SessionIndex, Path> ways_;  // a liar's, by the receiver index of its frames
  TimePoint last_timer_{};
  unsigned timers_at_once_ = 0;
  HostStats stats_;
};

}  // namespace meshnode::sim
