// meshhub's wiring: sockets, DHT, STUN, bootstraps, one event loop. Almost no logic.
#pragma once

#include <memory>

#include "crypto/random.h"
#include "discovery/bootstraps.h"
#include "discovery/dht/port.h"
#include "discovery/reachability.h"
#include "discovery/stun_service.h"
#include "hub/config.h"
#include "hub/known_nodes.h"
#include "hub/listeners.h"
#include "io/child_program.h"
#include "io/event_loop.h"
#include "io/packet_link.h"
#include "io/resolver.h"
#include "io/service_manager.h"
#include "metrics/responder.h"

namespace meshnode::hub {

class Hub {
 public:
  // Everything that can fail, fails here.
  static Result<std::unique_ptr<Hub>> open(Config config);
  ~Hub();

  // Until SIGTERM or SIGINT; the exit code.
  int run();

 private:
  explicit Hub(Config config) : config_(std::move(config)) {}
  Status open_memory();
  Status open_sockets();
  Status open_dht();
  Status open_metrics();
  void open_port();
  void open_bootstraps();
  void watch(int fd, std::function<void()> readable);
  void attach_dht(io::UniqueFd link);
  void dht_gone();

  void read(const Listener& listener);
  void datagram(const Listener& listener, TimePoint now, const Path& path, ByteView bytes);
  void note_reachable(TimePoint now, const Path& path, ByteView bytes);
  void check_nodes(TimePoint now);
  void answer_stun(const Listener& listener, TimePoint now, const Path& path, ByteView bytes);
  Endpoint other_than(const Endpoint& asked) const;
  dht::Sent send(const Path& path, ByteView bytes) const;

  void greet() const;
  void on_signal(int number);
  void on_deadline();
  void rearm();
  void remember();
  void tell();
  void tell_figures() const;
  std::string metrics_now() const;

  Config config_;
  crypto::SystemRandom random_;
  std::optional<Memory> memory_;
  io::ServiceManager manager_;
  io::EventLoop loop_;
  Listeners listeners_;
  std::optional<discovery::StunService> stun_;
  std::optional<discovery::Reachability> reachability_;
  std::optional<io::ChildProgram> dht_child_;
  std::optional<dht::Port> dht_;
  std::optional<io::PacketLink> dht_link_;
  bool had_dht_ = false;
  std::optional<io::Resolver> resolver_;
  std::optional<discovery::Bootstraps> bootstraps_;
  DropCounters drops_;
  std::unique_ptr<metrics::Responder> metrics_;  // null unless they are wanted
  TimePoint started_{};
  dht::State last_state_ = dht::State::disconnected;
  TimePoint next_tick_{};
  TimePoint next_memory_{};
};

}  // namespace meshnode::hub
