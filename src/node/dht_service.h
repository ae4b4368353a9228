// The node's part in the DHT: OpenDHT behind its Port, names of bootstraps and STUN servers, and
// what the core asks of the directory. Wiring; what is decided is decided in discovery/.
//
// Threads: everything on the loop thread. OpenDHT's thread calls `send` only, straight to the
// sockets (large datagrams go by the loop thread, which may let them be fragmented); what that
// notes has a lock of its own, held for a look at a table.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "control/snapshot.h"
#include "discovery/bootstraps.h"
#include "discovery/dht/port.h"
#include "discovery/dht_requests.h"
#include "discovery/reachability.h"
#include "discovery/spoken.h"
#include "discovery/stun_service.h"
#include "io/resolver.h"
#include "node/config.h"
#include "node/sockets.h"
#include "overlay/core.h"

namespace meshnode::node {

class DhtService {
 public:
  struct Doors {
    // Runs it on the loop thread, later.
    std::function<void(std::function<void()>)> post;
    std::function<void(LogLevel, const std::string&)> say;
    std::function<void(const std::string& bootstrap, bool up)> bootstrap_changed;
  };
  // `config`, `sockets` and `core` outlive it.
  static Result<std::unique_ptr<DhtService>> open(const Config& config, const PortSockets& sockets,
                                                  Random& random, overlay::Core& core, Doors doors);
  ~DhtService();

  void start(Now now);
  void ask(const discovery::DhtRequest& request);
  // DHT datagrams, and STUN requests where we serve.
  void datagram_in(Now now, wire::Protocol protocol, const Path& path, ByteView datagram);
  void interfaces_changed(const Interfaces& interfaces);
  // Our NAT is known: without one we can serve others.
  void nat_known(const overlay::NatKnown& nat);
  // Members that may be used as bootstraps and STUN servers besides those that the user named.
  void servers_known(const overlay::ServersKnown& servers);
  // The core has sent something there.
  void spoke_to(TimePoint now, const Endpoint& remote) const;
  // Once a second.
  void tick(Now now);
  std::optional<TimePoint> next_deadline() const;
  void timeout(Now now);

  control::DiscoveryStatus status() const;
  DropCounters drops() const;

 private:
  DhtService(const Config& config, const PortSockets& sockets, overlay::Core& core, Doors doors);
  Status open_port(Random& random);
  void open_names(Random& random);
  discovery::Bootstraps::Doors bootstrap_doors();
  discovery::Bootstraps::Doors stun_doors();
  void resolve(discovery::Bootstraps& names, const HostPort& name);
  void check_nodes(TimePoint now);
  dht::Sent send(const Path& path, ByteView datagram);
  dht::Sent send_large(const Path& path, ByteView datagram);
  bool is_stun_server(const Endpoint& endpoint) const;
  void settle_role();
  void note_reached(TimePoint now, const Path& path);
  void tell_serving(Now now);
  void tell_hubs(Now now);
  void put_again(Now now);
  void tell_first_hub(Now now);

  void put(const discovery::DhtPut& request);
  void listen(const discovery::DhtListen& request);
  void get(const discovery::DhtGet& request);
  dht::Port::OnValue to_core(const discovery::DhtKey& key);

  const Config& config_;
  const PortSockets& sockets_;
  overlay::Core& core_;
  Doors doors_;
  discovery::StunService stun_;
  std::optional<io::Resolver> resolver_;
  std::optional<discovery::Bootstraps> bootstraps_;
  std::optional<discovery::Bootstraps> stuns_;
  std::optional<discovery::Reachability> reachability_;
  std::map<discovery::DhtKey, dht::Ticket> listening_;
  wire::NatMapping nat_ = wire::NatMapping::unknown;
  bool public_address_ = false;  // one of our interfaces has one
  bool serving_ = false;
  Interfaces interfaces_;
  mutable std::mutex spoken_mutex_;  // OpenDHT's thread speaks, too
  mutable discovery::Spoken spoken_;
  std::atomic<std::size_t> large_waiting_ = 0;
  std::vector<IpAddress> reached_at_;  // addresses of ours that strangers have reached
  std::optional<std::pair<bool, discovery::Serving>> told_serving_;
  std::optional<Endpoint> first_up_;  // a bootstrap that answers, not told yet
  TimePoint first_up_at_{};
  bool told_hub_ = false;
  std::map<HostPort, bool> told_up_;
  bool put_failed_ = false;
  TimePoint next_put_again_{};
  Duration put_again_ = seconds(30);  // the pause after that
  unsigned good_nodes_ = 0;
  TimePoint next_look_{};
  DropCounters drops_;
  std::unique_ptr<dht::Port> port_;  // last: its thread uses what is above
};

}  // namespace meshnode::node
