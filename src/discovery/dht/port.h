// OpenDHT behind plain messages: the only door to it, and every datagram passes the shim.
//
// Threads
//  Everything is called on the host's loop thread, and every callback runs there. OpenDHT has a
//  thread of its own inside; it calls three functions of the host: `send`, `post` and `now`, which
//  therefore have to be thread-safe and must not wait for the loop. They are called without any
//  lock of ours; OpenDHT holds its own, so they must not call the Port.
//  Lock order: OpenDHT's locks → ours. Ours guards the shim, the return paths and the queue of
//  results, is held for a few lines at a time, and never while OpenDHT or the host is called.
//
// Invariants
//  1. No byte reaches OpenDHT before the shim has accepted it, and none leaves unasked.
//  2. Results travel in one bounded queue, one post() at a time: a flood cannot fill the loop.
//  3. After ~Port() no function of the host is called any more: the thread has been joined, and
//     what is still posted does nothing.
//  4. `done` is called exactly once, at the latest kPatience after the call (by timeout()), unless
//     the request was cancelled: then never.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/drop.h"
#include "base/endpoint.h"
#include "base/result.h"
#include "discovery/dht_shim.h"

namespace meshnode::dht {

using Key = Block<20>;
using ValueId = std::uint64_t;  // never zero
using NodeKey = Block<20>;      // OpenDHT's node id: not ours, and proves nothing

inline constexpr std::uint32_t kDefaultNetwork = 3731;
inline constexpr Duration kPatience = seconds(15);
// What fits into one datagram with everything around it; the shim carries no larger put.
inline constexpr std::size_t kMaxPut = 540;
// Larger ones are not handed on.
inline constexpr std::size_t kMaxValue = discovery::DhtShim::kMaxValue;

struct Value {
  ValueId id = 0;
  Bytes data;
};

enum class Outcome : std::uint8_t { ok, failed, timed_out };

enum class Sent : std::uint8_t {
  sent,
  again,        // full at the moment
  unreachable,  // no route, or refused: OpenDHT forgets the node at once
  no_family,    // this machine does not speak IPv4, or IPv6
};

// What the Port needs from its host; all three are called on any thread.
struct Doors {
  // path.local is the address that the remote asked, if known.
  std::function<Sent(const Path& path, ByteView datagram)> send;
  // Runs the function on the loop thread, later.
  std::function<void(std::function<void()>)> post;
  std::function<TimePoint()> now;
};

struct PortConfig {
  std::uint32_t network = kDefaultNetwork;
  NodeKey node{};          // fresh and random, unless it is remembered
  std::uint64_t salt = 0;  // random, for hash tables
  discovery::DhtShim::Role role = discovery::DhtShim::Role::client;
  // Of values that others store here; with what a value costs besides about 2.5 times as much
  // memory. When it is full, OpenDHT throws out what the address with the most values stored first:
  // where all have few, that may be a newcomer with one more.
  std::size_t store_bytes = std::size_t{8} << 20;
};

enum class State : std::uint8_t { disconnected, connecting, connected };

struct FamilyStats {
  State state = State::disconnected;
  unsigned good = 0;
  unsigned dubious = 0;
};

struct Stats {
  FamilyStats v4;
  FamilyStats v6;
  std::size_t stored_values = 0;
  std::size_t stored_bytes = 0;
};

struct Counters {
  DropCounters dropped;            // by the shim, on the way in
  std::uint64_t in = 0;            // accepted
  std::uint64_t out = 0;           // sent
  std::uint64_t refused = 0;       // by the shim, on the way out
  std::uint64_t results_lost = 0;  // the queue to the loop was full
};

// Names a request, to cancel it. Never zero, never used twice.
enum class Ticket : std::uint64_t {};

class Port {
 public:
  using OnDone = std::function<void(Outcome)>;
  using OnValue = std::function<void(const Value&)>;
  using OnStats = std::function<void(const Stats&)>;

  // Starts OpenDHT's thread.
  static Result<std::unique_ptr<Port>> open(PortConfig config, Doors doors);
  // Waits for OpenDHT's thread: milliseconds. Requests under way are dropped, without `done`.
  ~Port();
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

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
  // Until cancelled; what is there already comes first.
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
  std::vector<Endpoint> take_unchecked();
  void set_reachable(TimePoint now, const Endpoint& node);
  // Between client and serving member.
  void set_role(discovery::DhtShim::Role role);

  State state() const;
  void stats(OnStats done);
  // The good nodes now, at most `limit`. Waits for the step that OpenDHT is in (milliseconds).
  std::vector<Endpoint> good_nodes(std::size_t limit) const;
  Counters counters() const;
  // Our addresses as other nodes saw them, most often seen first: without ports, and only hints.
  // Waits as good_nodes() does.
  std::vector<IpAddress> echoed_addresses() const;

  std::optional<TimePoint> next_deadline() const;
  void timeout(TimePoint now);

 private:
  struct Impl;
  explicit Port(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace meshnode::dht
