// Keeps in touch with other nodes of the DHT: names are resolved again and again, with back-off and
// without end; who has answered is pinged on our own timer even while connected, which heals
// partitions (OpenDHT's own bootstrap does nothing while connected, and backs off to a day).
//
// Pure: time, randomness and the two doors are handed in.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/endpoint.h"
#include "base/host_port.h"
#include "base/random.h"

namespace meshnode::discovery {

class Bootstraps {
 public:
  static constexpr Duration kPingLeast = seconds(30);
  static constexpr Duration kPingMost = seconds(60);
  static constexpr Duration kRetryFirst = seconds(1);
  static constexpr Duration kRetryMost = seconds(30);
  // An address behind a name may change.
  static constexpr Duration kResolveAgain = minutes(10);

  struct Doors {
    // Answered by resolved(), always.
    std::function<void(const HostPort&)> resolve;
    // Answered by pinged(), always. `named`: somebody trusts it enough to name it.
    std::function<void(const Endpoint&, bool named)> ping;
    // A named node answers that did not before. May be empty.
    std::function<void(const Endpoint&)> returned{};
    // No name stands for this node any more. May be empty.
    std::function<void(const Endpoint&)> gone{};
  };

  Bootstraps(std::vector<HostPort> names, Random& random, Doors doors);

  // Nodes remembered from last time: asked once, beside the names.
  void start(TimePoint now, const std::vector<Endpoint>& remembered);
  void resolved(TimePoint now, const HostPort& name, const std::vector<Endpoint>& found);
  void pinged(TimePoint now, const Endpoint& node, bool answered);
  std::optional<TimePoint> next_deadline() const;
  void timeout(TimePoint now);

  struct NameStatus {
    HostPort name;
    bool up = false;              // one of its nodes answered the last ping
    std::vector<Endpoint> nodes;  // empty as long as it does not resolve
  };
  std::vector<NameStatus> names() const;

 private:
  struct Name {
    HostPort name;
    TimePoint due{};
    bool asked = false;
    Duration retry = kRetryFirst;
  };
  struct Node {
    bool named = false;  // else remembered
    TimePoint due{};
    bool asked = false;
    bool up = false;
    Duration retry = kRetryFirst;
  };
  void look(TimePoint now);
  Duration jittered(Duration about);

  std::vector<Name> names_;
  std::map<Endpoint, Node> nodes_;
  std::map<HostPort, std::vector<Endpoint>> found_;
  Random& random_;
  Doors doors_;
};

}  // namespace meshnode::discovery
