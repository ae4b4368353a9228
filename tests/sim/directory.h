// The DHT as members see it: hubs that keep what is put for a while and tell it to who asks or
// listens. Each hub keeps its own; a put goes to all that can be reached. Hubs die, come back
// empty, and lie.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "discovery/dht_requests.h"
#include "sim/trace.h"

namespace meshnode::sim {

struct DirectoryRules {
  Duration latency = milliseconds(60);
  Duration jitter = milliseconds(40);
  unsigned loss_per_mille = 0;
  Duration life = minutes(10);
  std::size_t most_values = 64;  // under one key
  // Hostile: answers also with what was replaced or has expired, with noise, and with values of
  // other keys.
  bool stale_answers = false;
  unsigned noise = 0;  // datagrams of noise with each answer
};

class Directory {
 public:
  struct Doors {
    std::function<TimePoint()> now;
    std::function<void(TimePoint, std::function<void()>)> later;
    // Whether a host can speak with a hub.
    std::function<bool(HostIndex, std::size_t)> reaches;
    std::function<void(HostIndex, const discovery::DhtKey&, const Bytes&)> answer;
  };
  Directory(std::size_t hubs, Doors doors, Random& random);

  DirectoryRules rules;
  void ask(HostIndex who, const discovery::DhtRequest& request);
  // The host is gone, and listens no more.
  void forget(HostIndex who);
  void kill(std::size_t hub);
  // Empty as it is after a crash. Who listened comes back by itself (`relisten`).
  void start(std::size_t hub);
  void relisten(HostIndex who, std::size_t hub);
  bool up(std::size_t hub) const { return hubs_[hub].up; }
  std::size_t hubs() const { return hubs_.size(); }
  std::size_t add_hub();

  std::uint64_t requests = 0;
  std::uint64_t answers = 0;

 private:
  struct Value {
    Bytes bytes;
    TimePoint until{};
  };
  struct Hub {
    bool up = true;
    std::map<discovery::DhtKey, std::map<discovery::DhtValueId, Value>> stored;
    std::map<discovery::DhtKey, std::set<HostIndex>> listeners;
    std::vector<Bytes> rubbish;  // values seen long ago, under whatever key
  };
  Duration delay();
  bool lost();
  void put(Hub& hub, std::size_t index, const discovery::DhtPut& put);
  void tell_all(std::size_t hub, HostIndex who, const discovery::DhtKey& key);
  void tell(std::size_t hub, HostIndex who, const discovery::DhtKey& key, const Bytes& value);
  void lie(std::size_t hub, HostIndex who, const discovery::DhtKey& key);
  void refresh_later(HostIndex who, const discovery::DhtKey& key);
  void do_at(std::size_t hub, HostIndex who, const discovery::DhtRequest& request);

  std::vector<Hub> hubs_;
  std::map<HostIndex, std::set<discovery::DhtKey>> listening_;
  Doors doors_;
  Random& random_;
};

}  // namespace meshnode::sim
