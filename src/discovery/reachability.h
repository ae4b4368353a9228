// Which DHT nodes can be reached by anybody? Those that answer a ping from somebody of whom they
// have never heard: a member that they do not know, or a hub's second port. (Routers that let in
// whatever comes from a known address, RFC 4787's address-dependent filtering, pass the latter,
// too; they are rare, and the cost is a slow search.) Pure.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/endpoint.h"
#include "base/random.h"

namespace meshnode::discovery {

class Reachability {
 public:
  static constexpr std::size_t kMaxNodes = 1024;
  static constexpr Duration kPatience = seconds(5);
  // Asked again after an answer, and after silence.
  static constexpr Duration kAgain = minutes(20);
  static constexpr Duration kLife = minutes(30);  // of an answer
  static constexpr std::size_t kPerTurn = 16;     // pings in one turn(), at most

  struct Ping {
    Endpoint to;
    Bytes datagram;
  };

  Reachability(Block<20> id, std::uint32_t network, Random& random);

  // A node that spoke, or that was named.
  void heard(TimePoint now, const Endpoint& node);
  // What to send now.
  std::vector<Ping> turn(TimePoint now);
  // A datagram came back there; true if `from` has proven that it can be reached.
  [[nodiscard]] bool answered(TimePoint now, const Endpoint& from, ByteView datagram);

 private:
  struct Node {
    TimePoint heard{};
    TimePoint due{};
    std::optional<std::uint32_t> asked;  // the transaction
  };

  Block<20> id_;
  std::uint32_t network_;
  Random& random_;
  std::map<Endpoint, Node> nodes_;
};

}  // namespace meshnode::discovery
