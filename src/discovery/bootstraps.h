// Keeps in touch with other nodes of the DHT: names are resolved again and again, with back-off and
// without end; who has answered is pinged on our own timer even while connected, which heals
// partitions (OpenDHT's own bootstrap does nothing while connected, and backs off to a day).
//
// Besides those that a user named there may be offers: members that serve. Some of them are taken,
// the best first: few while a named one answers, more while none does. One that stays silent rests,
// and the next one takes its place; so an offer of an address that never answers costs little.
//
// Pure: time, randomness and the doors are handed in.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/endpoint.h"
#include "base/host_port.h"
#include "base/random.h"
#include "discovery/servers.h"

namespace meshnode::discovery {

class Bootstraps {
 public:
  static constexpr Duration kPingLeast = seconds(30);
  static constexpr Duration kPingMost = seconds(60);
  static constexpr Duration kRetryFirst = seconds(1);
  static constexpr Duration kRetryMost = seconds(30);
  // An address behind a name may change.
  static constexpr Duration kResolveAgain = minutes(10);
  // Offers taken at a time. Each node that stores for us costs 1 to 2 MB a day.
  static constexpr std::size_t kBesideNamed = 1;
  static constexpr std::size_t kWithoutNamed = 4;
  // An offer rests after so many pings in a row without an answer, longer each time.
  static constexpr unsigned kMostSilences = 3;
  static constexpr Duration kRestFirst = seconds(30);
  static constexpr Duration kRestMost = minutes(10);

  struct Doors {
    // Answered by resolved(), always.
    std::function<void(const HostPort&)> resolve;
    // Answered by pinged(), always. `named`: somebody trusts it enough to name it.
    std::function<void(const Endpoint&, bool named)> ping;
    // A named node answers that did not before. May be empty.
    std::function<void(const Endpoint&)> returned{};
    // No name stands for this node any more, or it is not taken any more. May be empty.
    std::function<void(const Endpoint&)> gone{};
    // A node that was taken from the offers answers that did not before. May be empty.
    std::function<void(const Endpoint&)> joined{};
  };

  Bootstraps(std::vector<HostPort> names, Random& random, Doors doors);

  // Other names from now on; those that stay keep what is known of them.
  void rename(TimePoint now, const std::vector<HostPort>& names);
  // Nodes remembered from last time: asked once, beside the names.
  void start(TimePoint now, const std::vector<Endpoint>& remembered);
  void resolved(TimePoint now, const HostPort& name, const std::vector<Endpoint>& found);
  void pinged(TimePoint now, const Endpoint& node, bool answered);
  // Best first, one at each address; replaces what was offered before. One that is alive now and
  // was not before need not rest any more.
  void offer(TimePoint now, std::vector<ServerOffer> offers);
  std::optional<TimePoint> next_deadline() const;
  void timeout(TimePoint now);

  struct NameStatus {
    HostPort name;
    bool up = false;              // one of its nodes answered the last ping
    std::vector<Endpoint> nodes;  // empty as long as it does not resolve
  };
  std::vector<NameStatus> names() const;
  // Which offers are taken.
  std::vector<Endpoint> taken() const;

 private:
  struct Name {
    HostPort name;
    TimePoint due{};
    bool asked = false;
    Duration retry = kRetryFirst;
  };
  struct Node {
    bool named = false;  // else taken, or remembered
    bool taken = false;  // from the offers
    TimePoint due{};
    bool asked = false;
    bool up = false;
    unsigned silences = 0;  // in a row
    Duration retry = kRetryFirst;
  };
  struct Rest {
    std::optional<TimePoint> until;  // none: it is over
    Duration next = kRestFirst;
    bool cut_short = false;  // once, since somebody there seemed to be alive again
  };
  static constexpr std::size_t kMaxRests = 64;
  void look(TimePoint now);
  void choose(TimePoint now);
  void let_go(const Endpoint& node);
  void let_go_unless_found(const std::vector<Endpoint>& nodes);
  void rest(TimePoint now, const IpAddress& ip);
  bool named_up() const;
  bool resting(const IpAddress& ip) const;
  Duration jittered(Duration about);

  std::vector<Name> names_;
  std::map<Endpoint, Node> nodes_;
  std::map<HostPort, std::vector<Endpoint>> found_;
  std::vector<ServerOffer> offers_;
  // By address: who names another port of it each time gains nothing.
  std::map<IpAddress, Rest> rests_;
  Random& random_;
  Doors doors_;
};

}  // namespace meshnode::discovery
