// A LAN in virtual time: whole nodes (engine and pumps, real crypto) on one broadcast link. Time
// jumps to the next thing that happens; hours pass in milliseconds.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "overlay/core.h"
#include "support/counting_suite.h"
#include "support/late_sealer.h"
#include "support/networks.h"
#include "support/seeded_random.h"

namespace meshnode::test {

class VirtualLan;

// Numbers as the state file would give them; survives restarts of its node, unless the test takes
// it back.
class TestNumbers final : public overlay::NumberSource {
 public:
  std::uint64_t next() override { return ++last; }
  std::uint64_t last = 0;
};

struct NodeOptions {
  std::string name;
  Block<32> identity_seed{};
  overlay::NetworkSecret network;
  std::vector<IpAddress> claims;
  bool directory = false;   // knows the virtual DHT
  bool reflectors = false;  // will be told of STUN servers
  std::size_t eager_members = 64;
  bool full_mesh = false;
  bool share_map = true;
  std::size_t mtu = 1420;  // of the tunnel
  // Packets are sealed as by another thread, which is that late; zero: by the core. Not given: as
  // the environment says (MESHNODE_LATE_SEALING, in ms), or by the core.
  std::optional<Duration> late_sealing{};
  std::vector<crypto::Cipher> ciphers{crypto::Cipher::aes_256_gcm,
                                      crypto::Cipher::chacha20_poly1305};
};

// One machine on the LAN. It may be stopped and started again, with its identity and numbers.
class VirtualNode final : public overlay::Machine {
 public:
  VirtualNode(VirtualLan& lan, NodeOptions options, IpAddress address, std::uint64_t seed);

  void start();
  void stop_cleanly();
  void kill();  // no goodbye
  bool running() const { return core_ != nullptr; }

  void ping(const VirtualNode& other);  // an echo request into the tunnel
  void send_inner(Bytes packet);
  overlay::Core& core() { return *core_; }
  Now now() const;
  IpAddress overlay_address() const { return core_->engine().address(); }
  const NodeId& id() const { return identity_.id; }
  std::optional<overlay::PeerSnapshot> peer(const VirtualNode& other) const;
  overlay::PeerState state_of(const VirtualNode& other) const;
  Endpoint endpoint() const { return {address_, kPort}; }
  bool has(const Endpoint& endpoint) const;
  // Which of its addresses speaks to that one, if it is not said.
  Endpoint source_for(const IpAddress& remote) const;
  void rename(const std::string& name) { options_.name = name; }  // counts from its next start
  // Tells the core of its addresses as they are now.
  void addresses_changed() { core_->interfaces_changed(now(), interfaces()); }
  Interfaces interfaces() const;

  static constexpr std::uint16_t kPort = 40000;

  std::vector<Bytes> delivered;  // inner packets that reached the TUN
  std::vector<overlay::Event> events;
  std::vector<Endpoint> opened;
  std::uint64_t answered_pings = 0;
  milliseconds clock_offset{0};  // its wall clock is wrong by this much
  TestNumbers numbers;
  CountingSuite suite;
  IpAddress address_;
  std::vector<IpAddress> more_addresses;  // on the same interface

  // overlay::Machine
  void send(std::span<const DatagramRun> runs) override;
  void open_way(const Path& path) override { opened.push_back(path.remote); }
  void ask_dht(const discovery::DhtRequest& request) override;
  void pass_on(wire::Protocol, const Path&, ByteView) override {}
  void send_beacon(const discovery::BeaconTransmit& beacon) override;
  void to_tun(std::span<const TunFrame> frames) override;
  void tell(const overlay::Event& event) override { events.push_back(event); }

 private:
  VirtualLan& lan_;
  NodeOptions options_;
  overlay::Identity identity_;
  SeededRandom random_;
  std::unique_ptr<overlay::Core> core_;
  std::unique_ptr<LateSealer> sealer_;  // or the core does it

  void make_sealer();
};

struct Datagram {
  Endpoint from;
  Endpoint to;  // port 3732 and no address: to everybody's LAN port
  Bytes bytes;
};

struct VirtualDht {
  bool up = true;
  Duration latency = milliseconds(20);
  static constexpr Duration kLife = minutes(10);
  struct Stored {
    Bytes value;
    TimePoint until{};
  };
  std::map<discovery::DhtKey, std::map<discovery::DhtValueId, Stored>> stored;
  std::map<discovery::DhtKey, std::set<VirtualNode*>> listeners;
  // Full for this one's records.
  VirtualNode* refuses = nullptr;
  std::uint64_t puts = 0;
  std::uint64_t gets = 0;
};

class VirtualLan {
 public:
  explicit VirtualLan(std::uint64_t seed) : random(seed), seed_(seed) {}

  VirtualNode& add(NodeOptions options);
  // Convenience: same network for all, identity and address by position.
  VirtualNode& add(const std::string& name);
  NodeOptions options_for(const std::string& name) const;
  std::vector<std::unique_ptr<VirtualNode>>& nodes() { return nodes_; }
  const std::vector<std::unique_ptr<VirtualNode>>& nodes() const { return nodes_; }

  void run_for(Duration span) {
    run_until([] { return false; }, span);
  }
  // Until `condition` holds or the time is over; true if it held.
  bool run_until(const std::function<bool()>& condition, Duration limit);
  void post(Datagram datagram);
  // Puts a datagram in without any disturbance, as an attacker on the LAN would.
  void inject(Datagram datagram) { deliver_at(time + latency, std::move(datagram)); }

  // A model of the DHT: stores, tells listeners, answers; or is dead.
  VirtualDht dht;

  TimePoint time{seconds(1000)};
  UnixTime unix{1'760'000'000'000};
  Duration latency = milliseconds(1);
  unsigned loss_percent = 0;
  unsigned duplicate_percent = 0;
  Duration jitter{};  // more than the latency's share: reordering
  // Sees all traffic; false loses the datagram.
  std::function<bool(const Datagram&)> filter;
  // What is between the two: may give the datagram other addresses, as a NAT does; false loses it.
  std::function<bool(Datagram&)> route;
  std::vector<Datagram> history;  // everything that was sent
  SeededRandom random;
  std::uint64_t datagrams_sent = 0;

 private:
  friend class VirtualNode;
  void ask_dht(VirtualNode& who, const discovery::DhtRequest& request);
  void answer_from_dht(VirtualNode& who, const discovery::DhtKey& key, const Bytes& value);
  void deliver_at(TimePoint when, Datagram datagram);
  void deliver(const Datagram& datagram);
  std::optional<TimePoint> next_moment() const;

  std::uint64_t seed_;
  std::vector<std::unique_ptr<VirtualNode>> nodes_;
  std::multimap<TimePoint, Datagram> in_flight_;
  std::multimap<TimePoint, std::function<void()>> later_;
};

// An ICMPv6 (or ICMPv4) echo request, complete with checksums.
Bytes echo_request(const IpAddress& from, const IpAddress& to, std::uint16_t sequence,
                   std::size_t payload = 32);
bool is_echo(ByteView packet, bool request);

}  // namespace meshnode::test
