#include "discovery/dht/port.h"

#include <atomic>
#include <map>
#include <set>

#include "discovery/dht/port_socket.h"

namespace meshnode::dht {
namespace {

using ::dht::DhtRunner;

constexpr int kRequestsPerSecond = 2048;     // all together; OpenDHT's own default is 8,192
constexpr int kPeerRequestsPerSecond = 200;  // per IPv4 address or IPv6 /64
constexpr int kMaxStoreKeys = 65536;

::dht::InfoHash to_opendht(const Key& key) {
  return ::dht::InfoHash(key.data(), key.size());
}

State from_opendht(::dht::NodeStatus status) {
  switch (status) {
    case ::dht::NodeStatus::Connected:
      return State::connected;
    case ::dht::NodeStatus::Connecting:
      return State::connecting;
    case ::dht::NodeStatus::Disconnected:
      return State::disconnected;
  }
  return State::disconnected;
}

FamilyStats from_opendht(const ::dht::NodeStats& stats, State state) {
  return {state, stats.good_nodes, stats.dubious_nodes};
}

DhtRunner::Config runner_config(const PortConfig& config) {
  DhtRunner::Config out;
  ::dht::Config& node = out.dht_config.node_config;
  node.node_id = to_opendht(config.node);
  node.network = config.network;
  node.maintain_storage = true;
  node.max_req_per_sec = kRequestsPerSecond;
  node.max_peer_req_per_sec = kPeerRequestsPerSecond;
  node.max_store_size = static_cast<ssize_t>(config.store_bytes);
  node.max_store_keys = kMaxStoreKeys;
  return out;
}

}  // namespace

struct Port::Impl {
  // A put, get, listen or ping whose callbacks may still come.
  struct Request {
    OnValue value;  // get and listen
    OnDone done;    // not listen
    TimePoint deadline{};
    std::set<std::pair<ValueId, std::size_t>> seen;  // id and hash of what was handed on
    // Listen only: to cancel it.
    Key key{};
    std::shared_future<std::size_t> token;
    // OpenDHT's thread asks this one: is somebody still interested?
    std::shared_ptr<std::atomic<bool>> wanted = std::make_shared<std::atomic<bool>>(true);
  };
  static constexpr std::size_t kMaxSeen = 4096;

  Impl(const PortConfig& config, Doors given)
      : now(given.now), shared(std::make_shared<Shared>(config, std::move(given))) {}

  Ticket add(Request request);
  void finish(Ticket ticket, Outcome outcome);
  void hand_on(Ticket ticket, const Value& value);

  // For OpenDHT: its results as work for the loop.
  ::dht::DoneCallbackSimple when_done(Ticket ticket);
  ::dht::ValueCallback when_value(Ticket ticket);

  std::function<TimePoint()> now;
  std::shared_ptr<Shared> shared;
  PortSocket* socket = nullptr;  // OpenDHT's; gone with the runner
  std::map<Ticket, Request> requests;
  std::uint64_t last_ticket = 0;
  State state4 = State::disconnected;
  State state6 = State::disconnected;
  DhtRunner runner;
};

Result<std::unique_ptr<Port>> Port::open(PortConfig config, Doors doors) {
  auto impl = std::make_unique<Impl>(config, std::move(doors));
  auto socket = std::make_unique<PortSocket>(impl->shared);
  impl->socket = socket.get();
  DhtRunner::Context context;
  context.sock = std::move(socket);
  context.statusChangedCallback = [shared = impl->shared, self = impl.get()](::dht::NodeStatus v4,
                                                                             ::dht::NodeStatus v6) {
    shared->result(
        [self, v4, v6] {
          self->state4 = from_opendht(v4);
          self->state6 = from_opendht(v6);
        },
        true);
  };
  try {
    impl->runner.run(runner_config(config), std::move(context));
  } catch (const std::exception& wrong) {
    return Error::world(std::string("cannot start the DHT: ") + wrong.what());
  }
  return std::unique_ptr<Port>(new Port(std::move(impl)));
}

Port::Port(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Port::~Port() {
  impl_->shared->close();
  impl_->socket = nullptr;
  impl_->runner.join();
}

void Port::datagram_in(TimePoint now, const Path& path, ByteView datagram) {
  const auto accepted = impl_->shared->inbound(now, path, datagram);
  if (accepted) impl_->socket->deliver(path.remote, *accepted);
}

bool Port::add_bootstrap(const Endpoint& bootstrap) {
  return impl_->shared->add_bootstrap(bootstrap);
}
void Port::remove_bootstrap(const Endpoint& bootstrap) {
  impl_->shared->remove_bootstrap(bootstrap);
}
// ---- requests ----

Ticket Port::Impl::add(Request request) {
  const Ticket ticket{++last_ticket};
  request.deadline = now() + kPatience;
  requests.emplace(ticket, std::move(request));
  return ticket;
}

void Port::Impl::finish(Ticket ticket, Outcome outcome) {
  const auto found = requests.find(ticket);
  if (found == requests.end()) return;
  found->second.wanted->store(false);
  const OnDone done = std::move(found->second.done);
  requests.erase(found);
  if (done) done(outcome);
}

void Port::Impl::hand_on(Ticket ticket, const Value& value) {
  const auto found = requests.find(ticket);
  if (found == requests.end()) return;
  Request& request = found->second;
  const std::size_t hash = std::hash<std::string_view>{}(as_text(value.data));
  if (request.seen.size() >= kMaxSeen) request.seen.clear();
  if (!request.seen.emplace(value.id, hash).second) return;
  const OnValue to = request.value;  // a copy: the callback may cancel its own request
  if (to) to(value);
}

::dht::DoneCallbackSimple Port::Impl::when_done(Ticket ticket) {
  return [this, shared = shared, ticket](bool ok) {
    shared->result([this, ticket, ok] { finish(ticket, ok ? Outcome::ok : Outcome::failed); },
                   true);
  };
}

::dht::ValueCallback Port::Impl::when_value(Ticket ticket) {
  return [this, shared = shared, ticket, wanted = requests.at(ticket).wanted](
             const std::vector<std::shared_ptr<::dht::Value>>& values, bool expired) {
    if (!wanted->load()) return false;
    if (expired) return true;
    for (const auto& value : values) {
      if (!value || value->isEncrypted() || value->data.size() > kMaxValue) continue;
      shared->result(
          [this, ticket, plain = Value{value->id, value->data}] { hand_on(ticket, plain); }, false);
    }
    return true;
  };
}

Ticket Port::put(const Key& key, ValueId id, ByteView data, OnDone done) {
  MESH_ASSERT(id != 0 && data.size() <= kMaxPut);
  Impl::Request request;
  request.done = std::move(done);
  const Ticket ticket = impl_->add(std::move(request));
  auto value = std::make_shared<::dht::Value>(data.data(), data.size());
  value->id = id;
  impl_->runner.put(to_opendht(key), std::move(value), impl_->when_done(ticket));
  return ticket;
}

void Port::cancel_put(const Key& key, ValueId id) {
  impl_->runner.cancelPut(to_opendht(key), id);
}

Ticket Port::get(const Key& key, OnValue value, OnDone done) {
  Impl::Request request;
  request.value = std::move(value);
  request.done = std::move(done);
  const Ticket ticket = impl_->add(std::move(request));
  ::dht::GetCallback each = [take = impl_->when_value(ticket)](const auto& values) {
    return take(values, false);
  };
  impl_->runner.get(to_opendht(key), std::move(each), impl_->when_done(ticket));
  return ticket;
}

Ticket Port::listen(const Key& key, OnValue value) {
  Impl::Request request;
  request.value = std::move(value);
  request.key = key;
  const Ticket ticket = impl_->add(std::move(request));
  Impl::Request& added = impl_->requests.at(ticket);
  added.deadline = TimePoint::max();
  // Always true: a `false` would make OpenDHT cancel by itself, beside cancel().
  ::dht::ValueCallback each = [take = impl_->when_value(ticket)](const auto& values, bool expired) {
    take(values, expired);
    return true;
  };
  added.token = impl_->runner.listen(to_opendht(key), std::move(each)).share();
  return ticket;
}

void Port::cancel(Ticket ticket) {
  const auto found = impl_->requests.find(ticket);
  if (found == impl_->requests.end()) return;
  found->second.wanted->store(false);
  // OpenDHT's thread takes the token: it is there before the cancelling gets its turn.
  if (found->second.token.valid())
    impl_->runner.cancelListen(to_opendht(found->second.key), found->second.token);
  impl_->requests.erase(found);
}

Ticket Port::ping(const Endpoint& node, OnDone done) {
  Impl::Request request;
  request.done = std::move(done);
  const Ticket ticket = impl_->add(std::move(request));
  impl_->runner.bootstrap(to_opendht(node), impl_->when_done(ticket));
  return ticket;
}

std::vector<Endpoint> Port::take_unchecked() {
  return impl_->shared->take_unchecked();
}
void Port::set_reachable(TimePoint now, const Endpoint& node) {
  impl_->shared->set_reachable(now, node);
}

void Port::set_role(discovery::DhtShim::Role role) {
  impl_->shared->set_role(role);
}

void Port::connectivity_changed() {
  impl_->runner.connectivityChanged();
}

// ---- looking ----

State Port::state() const {
  return std::max(impl_->state4, impl_->state6);
}

void Port::stats(OnStats done) {
  Impl* const self = impl_.get();
  impl_->runner.getNodeInfo([self, shared = impl_->shared,
                             done = std::move(done)](const std::shared_ptr<::dht::NodeInfo>& info) {
    shared->result(
        [self, info, done] {
          Stats out;
          out.v4 = from_opendht(info->ipv4, self->state4);
          out.v6 = from_opendht(info->ipv6, self->state6);
          out.stored_values = info->storage_values;
          out.stored_bytes = info->storage_size;
          done(out);
        },
        true);
  });
}

std::vector<Endpoint> Port::good_nodes(std::size_t limit) const {
  std::vector<Endpoint> out;
  for (const ::dht::NodeExport& node : impl_->runner.exportNodes()) {
    if (out.size() == limit) break;
    const Endpoint endpoint =
        from_opendht(::dht::SockAddr(reinterpret_cast<const sockaddr*>(&node.ss), node.sslen));
    if (endpoint.ip && endpoint.port != 0) out.push_back(endpoint);
  }
  return out;
}

std::vector<IpAddress> Port::echoed_addresses() const {
  std::vector<IpAddress> out;
  for (const ::dht::SockAddr& address : impl_->runner.getPublicAddress())
    if (const IpAddress ip = from_opendht(address).ip) out.push_back(ip);
  return out;
}

Counters Port::counters() const {
  return impl_->shared->counters();
}

// ---- time ----

std::optional<TimePoint> Port::next_deadline() const {
  // Requests are few, and most wait for milliseconds.
  std::optional<TimePoint> out = impl_->shared->next_repeat();
  for (const auto& [ticket, request] : impl_->requests)
    if (request.deadline != TimePoint::max() && (!out || request.deadline < *out))
      out = request.deadline;
  return out;
}

void Port::timeout(TimePoint now) {
  impl_->shared->send_repeats(now);
  std::vector<Ticket> due;
  for (const auto& [ticket, request] : impl_->requests)
    if (request.deadline <= now) due.push_back(ticket);
  for (const Ticket ticket : due) impl_->finish(ticket, Outcome::timed_out);
}

}  // namespace meshnode::dht
