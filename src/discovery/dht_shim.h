// The shim between the socket and OpenDHT: what OpenDHT may see, and what may leave in its name.
//
//   in    datagram → well-formed? (wire/dht_message.h) → our DHT network? → budget of its source
//         → a reply: to a request of ours?  an update: for a listen of ours?  a request: do we
//         serve this address? → values: few, small, plain → members: node lists trimmed → OpenDHT
//   out   OpenDHT → well-formed? → members: only bootstraps are asked → node lists blinded → rate
//         caps → 3 bytes per byte while unproven → socket
//
// Invariants
//  1. To an address that has not proven itself, and is no bootstrap, at most 3 bytes leave per byte
//     received (RFC 9000 §8), in windows of a minute. One to which we speak first, or whose proof
//     has lapsed, gets kFirstWords bytes of requests. Proof is the answer to an outstanding request
//     of ours, or a token that we had sent to that address: both need what only its owner sees. It
//     holds for ten minutes.
//  2. No datagram names an endpoint of never_name(), nor any other port at such an address unless
//     it is a bootstrap. Members name bootstraps only. A hub names, besides, what has proven that
//     anybody can reach it (set_reachable()) and does not say that it is a client. Clients always
//     say so, which keeps stock nodes from naming them too. A serving member does not, since
//     OpenDHT asks no client anything: by serving it agrees to be named.
//  3. To OpenDHT whoever is neither a bootstrap nor reachable is a client: else a hub full of
//     strangers behind NATs would take them for closer to most keys than itself, and refuse to
//     store (without telling). At a member it has another node id there than its own as long as it
//     is one: OpenDHT does not unlearn that a node is a client, and it may become a bootstrap.
//  4. OpenDHT gets at most one answer per request, and only from the address that was asked.
//  5. Every table is bounded. Addresses without proof never push out those with it.
//
// Values. A put carries one plain value below 600 bytes; larger ones need parts and are dropped
// both ways. A key takes 64 values (counted per put from proven addresses, over the kMaxKeys latest
// keys; beyond that OpenDHT's own store limit holds). An answer or update with several records is
// too large for one datagram: its parts pass if each is by itself a whole plain value of at most 1
// KB, the set was announced, and the address is proven; all others are dropped.
#pragma once

#include <array>
#include <list>
#include <map>
#include <set>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/drop.h"
#include "base/endpoint.h"
#include "wire/dht_message.h"

namespace meshnode::discovery {

class DhtShim {
 public:
  // A client answers its bootstraps only; a serving member answers everybody, but asks and names as
  // a client does; a hub is a full node.
  enum class Role : std::uint8_t { hub, client, serving_member };
  struct Config {
    Role role = Role::client;
    std::uint32_t network = 3731;  // OpenDHT's network id
  };
  // What OpenDHT is told instead of sending: EHOSTUNREACH forgets the node, EAGAIN tries later.
  enum class Refusal : std::uint8_t { unreachable, again };

  static constexpr std::size_t kMaxUnproven = 2048;
  // Whom a hub knows by proof. Fewer than it has members, and what it has to push to the others is
  // refused: none of them would hear of a newcomer.
  static constexpr std::size_t kMaxProvenAtHub = 16384;
  static constexpr std::size_t kMaxProvenAtMember = 2048;
  static constexpr std::size_t kMaxBootstraps = 68;  // 64 named ones, 4 members that serve
  static constexpr std::size_t kMaxKeys = 1024;
  static constexpr std::size_t kMaxValuesPerKey = 64;
  static constexpr std::size_t kMaxValue = 1024;
  static constexpr std::size_t kFirstWords = 512;
  static constexpr std::size_t kAmplification = 3;
  static constexpr Duration kProofLife = minutes(10);
  static constexpr Duration kReachableLife = minutes(30);
  static constexpr std::size_t kMaxUnchecked = 256;

  explicit DhtShim(const Config& config);

  // False if there are too many.
  bool add_bootstrap(const Endpoint& bootstrap);
  void remove_bootstrap(const Endpoint& bootstrap);
  void set_role(Role role) { config_.role = role; }
  // Endpoints of mesh peers; replaces what was said before.
  void never_name(const std::vector<Endpoint>& members);

  // It answered somebody of whom it had never heard: hubs name it, members may ask it. Counts for
  // kReachableLife, to members as long as it is remembered.
  void set_reachable(TimePoint now, const Endpoint& node);
  // Whom to ask, since the last call: hubs who spoke to them, members whom bootstraps named.
  std::vector<Endpoint> take_unchecked();

  // What OpenDHT may see.
  std::variant<Bytes, Drop> inbound(TimePoint now, const Endpoint& from, ByteView datagram);
  // What may leave.
  std::variant<Bytes, Refusal> outbound(TimePoint now, const Endpoint& to, ByteView datagram);

  const DropCounters& drops() const { return drops_; }
  // Why outgoing datagrams were refused.
  const DropCounters& refusals() const { return refusals_; }
  std::size_t addresses() const { return addresses_.size(); }
  bool proven(TimePoint now, const Endpoint& address) const;

 private:
  struct EndpointHash {
    std::size_t operator()(const Endpoint& endpoint) const {
      return hash_value(endpoint.ip) * 31 + endpoint.port;
    }
  };
  struct Bucket {
    double bytes = 0;
    TimePoint last{};
    bool take(TimePoint now, double amount, double rate, double burst);
  };
  struct Asked {
    std::uint32_t transaction = 0;
    TimePoint first{};  // sent; repeated ones keep it
    bool update = false;
  };
  struct Listening {
    std::uint32_t socket = 0;
    TimePoint until{};
  };
  // A set of values announced to follow in parts: the size of each, 0 once it came.
  struct Split {
    std::uint32_t transaction = 0;
    TimePoint until{};
    std::vector<std::uint16_t> sizes;
  };
  using Token = Block<32>;
  struct Address {
    std::list<Endpoint>::iterator place;
    bool in_proven = false;  // which list `place` is in
    bool heard = false;
    bool answered = false;  // a request of ours, other than an update
    TimePoint reachable_until{};
    bool client = false;
    TimePoint proven_until{};
    TimePoint window{};
    std::size_t received = 0;  // in this window
    std::size_t sent = 0;
    Bucket in;
    Bucket out;
    std::vector<Asked> asked;          // oldest first
    std::vector<Listening> listening;  // likewise
    std::array<Token, 2> tokens{};
    std::size_t next_token = 0;
    std::vector<Split> splits_in;
    std::vector<Split> splits_out;
  };
  struct Key {
    TimePoint last{};
    std::vector<std::pair<std::uint64_t, TimePoint>> values;
  };

  Address& touch(TimePoint now, const Endpoint& endpoint);
  void make_room(std::list<Endpoint>& list, std::size_t most);
  std::size_t most_proven() const { return is_member() ? kMaxProvenAtMember : kMaxProvenAtHub; }
  void prove(TimePoint now, const Endpoint& endpoint, Address& address);
  bool is_bootstrap(const Endpoint& endpoint) const { return bootstraps_.count(endpoint) != 0; }
  bool is_member() const { return config_.role != Role::hub; }
  bool may_name(TimePoint now, const Endpoint& endpoint) const;
  void note_named(const Endpoint& from, const Endpoint& named);
  Bytes without_strangers(TimePoint now, const Endpoint& from, Address& address, Bytes datagram);
  bool may_learn(const Endpoint& endpoint) const;

  std::optional<Drop> admit(TimePoint now, const Endpoint& from, Address& address,
                            const wire::DhtMessage& message, ByteView datagram);
  std::optional<Drop> admit_request(TimePoint now, const Endpoint& from, Address& address,
                                    const wire::DhtMessage& message, ByteView datagram);
  std::optional<Drop> admit_answer(TimePoint now, const Endpoint& from, Address& address,
                                   const wire::DhtMessage& message);
  std::optional<Drop> admit_values(TimePoint now, Address& address,
                                   const wire::DhtMessage& message);
  bool room_under_key(TimePoint now, const wire::DhtMessage& message, ByteView datagram);
  std::optional<Refusal> refuse(TimePoint now, const Endpoint& to, Address& address,
                                const wire::DhtMessage& message, std::size_t size);
  void note_sent(TimePoint now, Address& address, const wire::DhtMessage& message,
                 ByteView datagram, std::size_t size);
  Refusal refused(Refusal refusal, Drop why) {
    refusals_.count(why);
    return refusal;
  }

  Config config_;
  std::set<Endpoint> bootstraps_;
  std::set<Endpoint> members_;
  std::set<IpAddress> member_ips_;
  std::unordered_map<Endpoint, Address, EndpointHash> addresses_;
  std::list<Endpoint> unproven_;  // oldest first
  std::list<Endpoint> proven_;
  std::map<Block<20>, Key> keys_;
  std::set<Endpoint> unchecked_;
  Bucket total_out_;
  Bucket total_requests_;
  DropCounters drops_;
  DropCounters refusals_;
};

}  // namespace meshnode::discovery
