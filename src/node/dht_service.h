// The node's part in the DHT: OpenDHT, which runs in a child process, behind its Port; names of
// bootstraps and STUN servers, and what the core asks of the directory. Wiring; what is decided is
// decided in discovery/. Everything on the loop thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "control/snapshot.h"
#include "discovery/bootstraps.h"
#include "discovery/dht/port.h"
#include "discovery/dht_requests.h"
#include "discovery/reachability.h"
#include "discovery/spoken.h"
#include "discovery/stun_service.h"
#include "io/packet_link.h"
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
    std::function<void(LogLevel, const io::LogLine&)> say;
    std::function<void(const std::string& bootstrap, bool up)> bootstrap_changed;
    // A (new) child process with OpenDHT is needed; answered by attach(), whenever it is there.
    std::function<void()> want_dht_child;
    std::function<void(int fd, std::function<void()> readable)> watch;
    std::function<void(int fd)> unwatch;
  };
  // All of them outlive it.
  static Result<std::unique_ptr<DhtService>> open(const Config& config, const PortSockets& sockets,
                                                  Random& random, overlay::Core& core, Doors doors);
  ~DhtService();

  void start(Now now);
  // A connected SOCK_SEQPACKET socket to a fresh child; any time, instead of the one before.
  void attach(io::UniqueFd link);
  void ask(const discovery::DhtRequest& request);
  // DHT datagrams, and STUN requests where we serve.
  void datagram_in(Now now, wire::Protocol protocol, const Path& path, ByteView datagram);
  void interfaces_changed(const Interfaces& interfaces);
  // The configuration names others now.
  void settings_changed(Now now);
  // Our NAT is known: without one we can serve others.
  void nat_known(const overlay::NatKnown& nat);
  // Members that may be used as bootstraps and STUN servers besides those that the user named.
  void servers_known(const overlay::ServersKnown& servers);
  // The core has sent something there.
  void spoke_to(TimePoint now, const Endpoint& remote) { spoken_.sent(now, remote); }
  // Once a second.
  void tick(Now now);
  std::optional<TimePoint> next_deadline() const;
  void timeout(Now now);

  control::DiscoveryStatus status() const;
  DropCounters drops() const;

 private:
  DhtService(const Config& config, const PortSockets& sockets, Random& random, overlay::Core& core,
             Doors doors);
  void open_port();
  void child_gone();
  void open_names();
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
  void tell_waiting(TimePoint now);

  void put(const discovery::DhtPut& request);
  void listen(const discovery::DhtListen& request);
  void get(const discovery::DhtGet& request);
  dht::Port::OnValue to_core(const discovery::DhtKey& key);

  const Config& config_;
  const PortSockets& sockets_;
  Random& random_;
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
  discovery::Spoken spoken_;
  std::vector<IpAddress> reached_at_;  // addresses of ours that strangers have reached
  std::optional<std::pair<bool, discovery::Serving>> told_serving_;
  std::optional<Endpoint> first_up_;  // a bootstrap that answers, not told yet
  TimePoint first_up_at_{};
  bool told_hub_ = false;
  TimePoint started_{};
  bool told_waiting_ = false;
  std::map<HostPort, bool> told_up_;
  bool put_failed_ = false;
  TimePoint next_put_again_{};
  Duration put_again_ = seconds(30);  // the pause after that
  TimePoint next_look_{};
  DropCounters drops_;
  std::optional<dht::Port> port_;
  bool was_attached_ = false;
  std::optional<io::PacketLink> link_;
};

}  // namespace meshnode::node
