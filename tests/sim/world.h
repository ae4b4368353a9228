// The world: one clock, one seed, the network, the directory and all hosts; and the checkers that
// are always on. The same options give the same events.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "discovery/record_pool.h"
#include "sim/directory.h"
#include "sim/event_queue.h"
#include "sim/frame_watch.h"
#include "sim/host.h"
#include "sim/network.h"
#include "sim/packets.h"
#include "sim/trace.h"

namespace meshnode::sim {

struct WorldOptions {
  std::uint64_t seed = 1;
  bool cheap = true;  // the stand-ins for the asymmetric operations and ciphers
  std::size_t hubs = 3;
  bool remember = true;  // nodes store what they know, as for a restart
};

struct Violation {
  TimePoint at{};
  std::string what;
  std::string diagram;
};

class World {
 public:
  explicit World(const WorldOptions& options);
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // ---- what there is ----
  Host& add_host(HostOptions options);
  Host& host(std::size_t index) { return *hosts_[index]; }
  const Host& host(std::size_t index) const { return *hosts_[index]; }
  std::size_t size() const { return hosts_.size(); }
  // An address that wants nothing from anybody: what it gets is counted.
  IpAddress add_bystander();
  IpAddress fresh_public_address();
  overlay::NetworkSecret default_network() const;
  const crypto::Suite& suite() const;
  std::shared_ptr<discovery::RecordPool> pool(const overlay::NetworkId& network);

  // ---- hubs ----
  Endpoint hub_endpoint(std::size_t hub) const { return hubs_[hub].endpoint; }
  void kill_hub(std::size_t hub);
  void start_hub(std::size_t hub);

  // ---- partitions: who is on another side is not heard ----
  void set_side(const Owner& who, unsigned side) { sides_[who] = side; }
  void heal() { sides_.clear(); }
  bool apart(const Owner& a, const Owner& b) const;

  // ---- time ----
  TimePoint now() const { return now_; }
  UnixTime unix_time() const;
  void run_for(Duration span) {
    run_until([] { return false; }, span, span);
  }
  // Until `condition` holds, looked at every `step`; true if it held in time.
  bool run_until(const std::function<bool()>& condition, Duration limit,
                 Duration step = milliseconds(100));
  void at(TimePoint when, std::function<void()> work);

  // ---- datagrams ----
  void post(const Owner& sender, SegmentId segment, Datagram datagram,
            unsigned hops = Network::kFarEnough);
  void shout(HostIndex sender, SegmentId segment, const Endpoint& from, Bytes bytes);
  void wake(HostIndex who, TimePoint when);
  // Sees all that travels, as it looks in the segment where it arrives; for attackers on the way,
  // who may put in what they like.
  std::function<void(SegmentId segment, const Datagram&)> tap;
  void inject(Duration delay, SegmentId segment, Datagram datagram);

  // ---- what is wrong ----
  void complain(std::string what, const std::vector<Owner>& concerned = {});
  const std::vector<Violation>& violations() const { return violations_; }

  Network network;
  test::SeededRandom random;
  Trace trace;
  FrameWatch watch;
  Packets packets;
  Directory directory;
  WorldOptions options;
  std::uint64_t datagrams = 0;
  std::uint64_t bytes = 0;

  // A stranger gets at most that many bytes a minute from each member.
  static constexpr std::uint64_t kStrangerBytes = 10 * 1024;
  std::uint64_t most_to_stranger() const { return most_to_stranger_; }

 private:
  struct Event {
    enum class Kind : std::uint8_t { arrival, beacon, timer, work };
    Kind kind = Kind::work;
    HostIndex host = 0;
    SegmentId segment = kInternet;
    Datagram datagram{};
    std::function<void()> work{};
  };
  struct Hub {
    Endpoint endpoint;
    std::unique_ptr<discovery::StunService> stun;
    bool up = true;
  };
  struct Bystander {
    IpAddress ip;
    TimePoint minute{};
    std::map<Owner, std::uint64_t> bytes;  // in this minute, by sender
  };

  void handle(Event event);
  void arrive(Event& event);
  void hub_got(std::uint32_t hub, const Datagram& datagram);
  void bystander_got(std::uint32_t index, const Datagram& datagram);
  Directory::Doors directory_doors();
  void add_hub(std::uint64_t start_id);

  std::uint64_t addresses_ = 0;
  EventQueue<Event> queue_;
  TimePoint now_;
  std::vector<std::unique_ptr<Host>> hosts_;
  std::vector<Hub> hubs_;
  std::vector<Bystander> bystanders_;
  std::map<Owner, unsigned> sides_;
  std::map<overlay::NetworkId, std::shared_ptr<discovery::RecordPool>> pools_;
  std::vector<Violation> violations_;
  std::uint64_t most_to_stranger_ = 0;
};

}  // namespace meshnode::sim
