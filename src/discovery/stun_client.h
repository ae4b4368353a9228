// Which endpoints of ours the world sees: asks STUN servers (RFC 8489) through the shared port, and
// notices when that changes. Pure.
//
// A server is asked at 0, 0.1, 0.3, 0.7, 1.5, 3.1 s, then every kRetry while silent; once it has
// answered every kRefresh (± 20 %), with the same repetition while that stays unanswered. Each
// transmission has a transaction of its own, so that the RTT is exact and a late answer harmless.
// A server that names another port in OTHER-ADDRESS is asked there too, once after each change: of
// its address only the port counts (behind a 1:1 NAT the address is private). Only who was asked
// may answer: source endpoint and transaction have to fit.
//
// Substitutes are members that serve. They are asked, and believed, only as long as no other server
// answers, and nobody waits for them.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/drop.h"
#include "base/endpoint.h"
#include "base/random.h"
#include "wire/record.h"
#include "wire/stun.h"

namespace meshnode::discovery {

class StunClient {
 public:
  static constexpr std::size_t kMaxServers = 32;  // besides substitutes
  static constexpr std::size_t kMaxSubstitutes = 16;
  static constexpr Duration kRefresh = seconds(25);
  static constexpr Duration kRetry = seconds(10);
  // A server's word counts this long after its last answer.
  static constexpr Duration kLife = minutes(3);

  struct Transmit {
    Endpoint to;
    Bytes datagram;
  };

  explicit StunClient(Random& random);

  enum class Rank : std::uint8_t { named, substitute };
  // Both ignore what they know. A server beyond the bounds is not taken. A named server never
  // becomes a substitute.
  void add_server(TimePoint now, const Endpoint& server, Rank rank = Rank::named);
  void remove_server(const Endpoint& server);
  // Addresses of our interfaces with our port. Whom a server sees at one of them is behind no NAT:
  // a second port has nothing to add, and had better not have heard of us (it may be what tests
  // whether strangers reach us).
  void set_own(std::vector<Endpoint> own) { own_ = std::move(own); }
  // Interfaces changed, or the machine slept: everything is asked anew. What was known stays until
  // it is contradicted.
  void ask_again(TimePoint now);

  // False if it is a request. Answers that nobody asked for are counted.
  bool handle_datagram(TimePoint now, const Endpoint& from, ByteView datagram, DropCounters& drops);
  void handle_timeout(TimePoint now);
  std::optional<Transmit> poll();
  std::optional<TimePoint> next_deadline() const;

  // As seen by the servers, each endpoint once, those seen by most servers first.
  std::vector<Endpoint> reflexive(TimePoint now) const;
  // `none` if each endpoint seen in IPv4 is among `own` (then IPv6's alike); `dependent` if two
  // servers, or two ports of one, saw different ones within a family; `endpoint_independent` if two
  // such saw the same; else `unknown`.
  wire::NatMapping mapping(TimePoint now, const std::vector<Endpoint>& own) const;
  // The last round trip; nothing if it does not answer (any more).
  std::optional<Duration> rtt(TimePoint now, const Endpoint& server) const;
  // What time it is now, as named servers say that answer; nobody vouches for them.
  struct Time {
    Endpoint server;
    UnixTime time;
  };
  std::vector<Time> times(TimePoint now) const;
  // A server started anew since the last call (it says another start id): what it stored is gone.
  bool take_restarted();
  // All that were asked at the start have answered, or `patience` is over for them.
  bool settled(TimePoint now, Duration patience) const;

 private:
  struct Asked {
    wire::StunTransaction transaction{};
    TimePoint sent{};
  };
  struct Server {
    TimePoint added{};
    TimePoint next{};
    unsigned tries = 0;  // since the last answer
    std::array<Asked, 8> asked{};
    std::size_t next_slot = 0;
    std::optional<TimePoint> answered;
    Duration rtt{};
    Endpoint mapped;
    std::optional<std::uint64_t> start_id;
    std::optional<UnixTime> time;  // when it answered
    Endpoint primary;  // set: this is another port of that server, and its word lives with it
    Rank rank = Rank::named;
  };
  std::size_t servers_of(Rank rank) const;
  bool alive(TimePoint now, const Server& server) const;
  // Whether a server of this rank answers, not only did so a while ago.
  bool speaks(TimePoint now, Rank rank) const;
  // Whose word counts now.
  Rank believed(TimePoint now) const;
  void send(TimePoint now, const Endpoint& to, Server& server);
  void note_answer(TimePoint now, const Endpoint& from, Server& server,
                   const wire::StunResponse& response, Duration rtt);
  void look_again(TimePoint now, const Server& but);
  void ask_other_port(TimePoint now, const Endpoint& from, const Endpoint& other);

  Random& random_;
  std::map<Endpoint, Server> servers_;
  std::vector<Endpoint> own_;
  std::vector<Transmit> transmits_;
  bool restarted_ = false;
  TimePoint next_look_{};
};

}  // namespace meshnode::discovery
