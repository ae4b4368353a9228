// The DHT as the host sees it: requests and results as plain values, every datagram through the
// shim. OpenDHT itself runs in a child process of its own, behind the messages of messages.h; this
// side outlives it, and says everything that lasts again to the next one.
//
// Everything is called on the host's loop thread, and every callback runs there, inside
// from_child() or timeout() and never inside the call that makes the request. A callback may make
// and cancel requests.
//
// Invariants
//  1. No byte reaches OpenDHT before the shim has accepted it, and none that comes from the child
//     leaves before the shim has: it can neither speak other protocols of the shared port nor ask
//     or flood whom the shim does not let it (docs/decisions/0027-dht-child.md).
//  2. The child is not believed: its messages are parsed totally, bounded in size and number, and
//     only requests that wait hear of results. Values prove themselves to the core, as always.
//  3. `done` is called exactly once, at the latest kPatience after the call (by timeout()), unless
//     the request was cancelled: then never.
//  4. What waits for the child is bounded. One that does not read, does not answer, floods us or
//     speaks another version is given up: `lost` is called, and detached() has to follow.
#pragma once

#include <deque>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/drop.h"
#include "base/token_bucket.h"
#include "discovery/dht/messages.h"
#include "discovery/dht/return_paths.h"

namespace meshnode::dht {

inline constexpr std::uint32_t kDefaultNetwork = 3731;
inline constexpr Duration kPatience = seconds(15);

enum class Outcome : std::uint8_t { ok, failed, timed_out };

// What the Port needs from its host.
struct Doors {
  // path.local is the address that the remote asked, if known.
  std::function<Sent(const Path& path, ByteView datagram)> send;
  // A packet to the child; false if there is no room at the moment. Only while attached.
  std::function<bool(ByteView packet)> tell;
  // The child is of no use, and why. The host ends it, later: not inside this call.
  std::function<void(const std::string& why)> lost;
  std::function<TimePoint()> now;
};

struct PortConfig {
  std::uint32_t network = kDefaultNetwork;
  std::uint64_t salt = 0;  // random, for hash tables
  discovery::DhtShim::Role role = discovery::DhtShim::Role::client;
  // Of values that others store here; with what a value costs besides about 2.5 times as much
  // memory. When it is full, OpenDHT throws out what the address with the most values stored first:
  // where all have few, that may be a newcomer with one more.
  std::size_t store_bytes = std::size_t{8} << 20;
};

struct Counters {
  DropCounters dropped;             // by the shim, on the way in
  std::uint64_t in = 0;             // accepted
  std::uint64_t out = 0;            // sent
  std::uint64_t refused = 0;        // by the shim, on the way out
  std::uint64_t lost_to_child = 0;  // datagrams for which its socket had no room
  std::uint64_t nonsense = 0;       // messages of the child that mean nothing (any more)
};

class Port {
 public:
  using OnDone = std::function<void(Outcome)>;
  using OnValue = std::function<void(const Value&)>;

  // A child is asked for a Picture as often; one that owes it for twice kLookPatience is lost.
  static constexpr Duration kLook = seconds(5);
  static constexpr Duration kFirstLook = seconds(1);
  static constexpr Duration kLookPatience = seconds(20);
  // A lost datagram costs OpenDHT a second. While a member starts, each request goes twice.
  static constexpr Duration kStart = seconds(15);
  static constexpr Duration kRepeatAfter = milliseconds(40);
  static constexpr std::size_t kMaxRepeats = 64;
  // While the socket to the child is full. Above the first bound datagrams are dropped.
  static constexpr Duration kFlush = milliseconds(1);
  static constexpr std::size_t kMostWaiting = std::size_t{256} << 10;
  static constexpr std::size_t kMostWaitingAtAll = std::size_t{1} << 20;
  // Messages of the child: far above what the shim would let out.
  static constexpr double kMessagesPerSecond = 50'000;
  static constexpr std::size_t kMaxSeen = 4096;     // values per request
  static constexpr std::size_t kMaxReachable = 64;  // pinged again after a crash

  Port(PortConfig config, Doors doors);
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  // There is a (new) child to tell() things, which knows nothing yet. It is another node than the
  // one before, `node`: who believes to have stored something with it, or listens there, must not
  // take it for the old one.
  void attached(const NodeKey& node);
  // It is gone. Gets under way fail, at the next timeout(); all else waits for the next child.
  void detached();
  bool is_attached() const { return attached_; }
  // One packet of its.
  void from_child(TimePoint now, ByteView packet);

  // The buffer may be reused afterwards.
  void datagram_in(TimePoint now, const Path& path, ByteView datagram);

  // For the shim: whom a member exchanges requests with.
  // False if there are too many.
  bool add_bootstrap(const Endpoint& bootstrap);
  void remove_bootstrap(const Endpoint& bootstrap);

  // Stored elsewhere for 10 minutes; put again, with the same id and data, to refresh. A new
  // version needs a new id: who listens never hears of an edit. `ok` means that the nodes around
  // the key were reached, not that they keep it.
  Ticket put(const Key& key, ValueId id, ByteView data, OnDone done);  // at most kMaxPut bytes
  // Takes back: no longer announced nor answered from here. Elsewhere it expires.
  void cancel_put(const Key& key, ValueId id);
  // Every value once, as it comes. The first valid one is the success, not `done`.
  Ticket get(const Key& key, OnValue value, OnDone done);
  // Until cancelled; what is there already comes first. Each value once, over all crashes.
  Ticket listen(const Key& key, OnValue value);
  // No callback of this request any more, at once.
  void cancel(Ticket ticket);
  // Asks a node for a sign of life, connected or not; who answers is in the routing table
  // afterwards: this joins, and heals partitions.
  Ticket ping(const Endpoint& node, OnDone done);

  // An own address changed: OpenDHT checks its nodes anew.
  void connectivity_changed();
  // Nodes to check since the last call, and those that have proven that anybody can reach them:
  // only they are asked, and named by hubs (DhtShim::take_unchecked).
  std::vector<Endpoint> take_unchecked() { return shim_.take_unchecked(); }
  void set_reachable(TimePoint now, const Endpoint& node);
  // Between client and serving member.
  void set_role(discovery::DhtShim::Role role) { shim_.set_role(role); }

  State state() const { return std::max(picture_.v4.state, picture_.v6.state); }
  // At most kLook old, but for the states, which are told at once; empty without a child.
  const Picture& picture() const { return picture_; }
  const Counters& counters() const { return counters_; }

  std::optional<TimePoint> next_deadline() const;
  void timeout(TimePoint now);

 private:
  struct Request {
    Bytes message;  // as it is said to each child
    OnValue value;  // get and listen
    OnDone done;    // not listen
    TimePoint deadline{};
    std::optional<Endpoint> pings;
    bool get = false;
    bool failed = false;
    std::set<std::pair<ValueId, std::size_t>> seen;  // id and hash of what was handed on
  };
  struct Repeat {
    TimePoint due{};
    Path path;
    Bytes bytes;
  };

  Ticket next_ticket() { return Ticket{++last_ticket_}; }
  void add(Ticket ticket, const ToChild& message, Request request);
  void finish(Ticket ticket, Outcome outcome);

  void say(const ToChild& message) { say_bytes(encode(message)); }
  void say_bytes(ByteView message);
  bool say_unless_full(ByteView message);
  void flush(TimePoint now);
  void give_up(const std::string& why);

  void take(TimePoint now, const FromChild& message);
  void send_for_child(TimePoint now, const Datagram& datagram);
  void hand_on(const Found& found);
  void refuse(const Endpoint& node, Sent why);

  bool wants_repeat(TimePoint now, ByteView datagram) const;
  void send_repeats(TimePoint now);
  void look(TimePoint now);

  const PortConfig config_;
  const Doors doors_;
  discovery::DhtShim shim_;
  ReturnPaths paths_;
  Counters counters_;
  std::deque<Repeat> repeats_;
  std::optional<TimePoint> began_;

  std::map<Ticket, Request> requests_;
  std::uint64_t last_ticket_ = 0;
  std::set<Endpoint> bootstraps_;
  std::list<Endpoint> reachable_;  // latest last

  bool attached_ = false;
  bool opened_ = false;  // the child has said its version
  bool given_up_ = false;
  // Packets that its socket had no room for.
  std::deque<Bytes> waiting_;
  std::size_t waiting_bytes_ = 0;
  TimePoint next_flush_{};
  TokenBucket budget_{kMessagesPerSecond, 2 * kMessagesPerSecond};
  TimePoint next_look_{};
  bool looking_ = false;
  bool late_ = false;
  Picture picture_;
};

}  // namespace meshnode::dht
