#include "dht_child/engine.h"

#include <atomic>
#include <map>

#include "dht_child/opendht_socket.h"
#include "dht_child/refused_nodes.h"
#include "wire/dht_message.h"

namespace meshnode::dht_child {
namespace {

using ::dht::DhtRunner;
using dht::Key;
using dht::State;
using dht::Ticket;

constexpr int kRequestsPerSecond = 2048;     // all together; OpenDHT's own default is 8,192
constexpr int kPeerRequestsPerSecond = 200;  // per IPv4 address or IPv6 /64
constexpr int kMaxStoreKeys = 65536;

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

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

DhtRunner::Config runner_config(const dht::Open& config) {
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

struct Engine::Impl {
  using Wanted = std::shared_ptr<std::atomic<bool>>;  // is somebody still interested?
  struct Listening {
    Key key{};
    std::shared_future<std::size_t> token;
    Wanted wanted;
  };

  explicit Impl(EngineDoors given) : doors(std::move(given)) {}

  dht::Sent send(const Endpoint& to, ByteView datagram);
  ::dht::DoneCallbackSimple when_done(Ticket ticket);
  void hand_on(Ticket ticket, const std::vector<std::shared_ptr<::dht::Value>>& values) const;

  void put(const dht::Put& request);
  void get(const dht::Get& request);
  void listen(const dht::Listen& request);
  void cancel(Ticket ticket);
  void ping(const dht::Ping& request);
  void look();
  std::vector<Endpoint> good_nodes() const;

  const EngineDoors doors;
  RefusedNodes refused;
  std::atomic<State> state4 = State::disconnected;
  std::atomic<State> state6 = State::disconnected;
  std::map<Ticket, Listening> listening;
  OpenDhtSocket* socket = nullptr;  // OpenDHT's
  DhtRunner runner;                 // last: its thread uses what is above
};

Result<std::unique_ptr<Engine>> Engine::open(const dht::Open& config, EngineDoors doors) {
  auto impl = std::make_unique<Impl>(std::move(doors));
  Impl* const self = impl.get();
  auto socket = std::make_unique<OpenDhtSocket>(
      [self](const Endpoint& to, ByteView bytes) { return self->send(to, bytes); });
  impl->socket = socket.get();
  DhtRunner::Context context;
  context.sock = std::move(socket);
  context.statusChangedCallback = [self](::dht::NodeStatus v4, ::dht::NodeStatus v6) {
    self->state4 = from_opendht(v4);
    self->state6 = from_opendht(v6);
    self->doors.tell(dht::StateChanged{self->state4, self->state6});
  };
  try {
    impl->runner.run(runner_config(config), std::move(context));
  } catch (const std::exception& wrong) {
    return Error::world(std::string("cannot start the DHT: ") + wrong.what());
  }
  return std::unique_ptr<Engine>(new Engine(std::move(impl)));
}

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Engine::~Engine() {
  impl_->runner.join();
}

void Engine::take(const dht::ToChild& message) {
  std::visit(
      Overloaded{[](const dht::Open&) {},
                 [&](const dht::Datagram& m) {
                   impl_->refused.forget(m.remote);
                   impl_->socket->deliver(m.remote, m.bytes);
                 },
                 [&](const dht::Put& m) { impl_->put(m); },
                 [&](const dht::TakeBack& m) { impl_->runner.cancelPut(to_opendht(m.key), m.id); },
                 [&](const dht::Get& m) { impl_->get(m); },
                 [&](const dht::Listen& m) { impl_->listen(m); },
                 [&](const dht::Cancel& m) { impl_->cancel(m.ticket); },
                 [&](const dht::Ping& m) { impl_->ping(m); },
                 [&](const dht::ConnectivityChanged&) { impl_->runner.connectivityChanged(); },
                 [&](const dht::Look&) { impl_->look(); },
                 [&](const dht::Refused& m) {
                   impl_->refused.refused(impl_->doors.now(), m.node, m.why);
                 }},
      message);
}

// On OpenDHT's thread.
dht::Sent Engine::Impl::send(const Endpoint& to, ByteView datagram) {
  if (!to.ip || to.port == 0 || datagram.empty() || datagram.size() > dht::kMaxDatagram)
    return dht::Sent::unreachable;
  // The host lets nobody have what it does not understand, such as updates that say only that a
  // value was refreshed. Said at once, for OpenDHT waits for an answer to what it believes to be
  // sent.
  if (!wire::inspect_dht(datagram)) return dht::Sent::unreachable;
  if (const auto known = refused.look_up(doors.now(), to)) return *known;
  doors.tell(dht::Datagram{to, to_bytes(datagram)});
  return dht::Sent::sent;
}

::dht::DoneCallbackSimple Engine::Impl::when_done(Ticket ticket) {
  return [this, ticket](bool ok) { doors.tell(dht::Ended{ticket, ok}); };
}

void Engine::Impl::hand_on(Ticket ticket,
                           const std::vector<std::shared_ptr<::dht::Value>>& values) const {
  for (const auto& value : values) {
    if (!value || value->id == 0 || value->isEncrypted() || value->data.size() > dht::kMaxValue)
      continue;
    doors.tell(dht::Found{ticket, value->id, value->data});
  }
}

void Engine::Impl::put(const dht::Put& request) {
  auto value = std::make_shared<::dht::Value>(request.data.data(), request.data.size());
  value->id = request.id;
  runner.put(to_opendht(request.key), std::move(value), when_done(request.ticket));
}

void Engine::Impl::get(const dht::Get& request) {
  ::dht::GetCallback each = [this, ticket = request.ticket](const auto& values) {
    hand_on(ticket, values);
    return true;
  };
  runner.get(to_opendht(request.key), std::move(each), when_done(request.ticket));
}

void Engine::Impl::listen(const dht::Listen& request) {
  auto wanted = std::make_shared<std::atomic<bool>>(true);
  // Always true: a `false` would make OpenDHT cancel by itself, beside cancel().
  ::dht::ValueCallback each = [this, wanted, ticket = request.ticket](const auto& values,
                                                                      bool expired) {
    if (!expired && wanted->load()) hand_on(ticket, values);
    return true;
  };
  Listening& entry = listening[request.ticket];
  entry.key = request.key;
  entry.wanted = wanted;
  entry.token = runner.listen(to_opendht(request.key), std::move(each)).share();
}

void Engine::Impl::cancel(Ticket ticket) {
  const auto found = listening.find(ticket);
  if (found == listening.end()) return;  // a get, put or ping: the host listens no more
  found->second.wanted->store(false);
  // OpenDHT's thread takes the token: it is there before the cancelling gets its turn.
  runner.cancelListen(to_opendht(found->second.key), found->second.token);
  listening.erase(found);
}

void Engine::Impl::ping(const dht::Ping& request) {
  refused.forget(request.node);
  runner.bootstrap(dht_child::to_opendht(request.node), when_done(request.ticket));
}

std::vector<Endpoint> Engine::Impl::good_nodes() const {
  std::vector<Endpoint> out;
  for (const ::dht::NodeExport& node : runner.exportNodes()) {
    if (out.size() == dht::Picture::kMaxNodes) break;
    const Endpoint endpoint = dht_child::from_opendht(
        ::dht::SockAddr(reinterpret_cast<const sockaddr*>(&node.ss), node.sslen));
    if (endpoint.ip && endpoint.port != 0) out.push_back(endpoint);
  }
  return out;
}

void Engine::Impl::look() {
  dht::Picture picture;
  for (const ::dht::SockAddr& address : runner.getPublicAddress()) {
    if (picture.addresses.size() == dht::Picture::kMaxAddresses) break;
    if (const IpAddress ip = dht_child::from_opendht(address).ip) picture.addresses.push_back(ip);
  }
  picture.nodes = good_nodes();
  // On OpenDHT's thread: the answer proves that it is alive.
  runner.getNodeInfo([this, picture](const std::shared_ptr<::dht::NodeInfo>& info) mutable {
    picture.v4 = {state4, info->ipv4.good_nodes, info->ipv4.dubious_nodes};
    picture.v6 = {state6, info->ipv6.good_nodes, info->ipv6.dubious_nodes};
    picture.stored_values = info->storage_values;
    picture.stored_bytes = info->storage_size;
    doors.tell(picture);
  });
}

}  // namespace meshnode::dht_child
