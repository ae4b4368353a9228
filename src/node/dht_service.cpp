#include "node/dht_service.h"

#include <algorithm>
#include <cerrno>

#include "base/earliest.h"
#include "discovery/candidates.h"
#include "io/clock.h"
#include "node/terminal.h"

namespace meshnode::node {
namespace {

constexpr Duration kLook = seconds(5);
// After a put that failed everything is put again, with growing pauses: a member that serves and
// knows no other node reaches none, but stores what is put, and tells all who listen there.
constexpr Duration kPutAgain = seconds(30);
constexpr Duration kPutAgainMost = minutes(8);
// A hub that speaks STUN has told about our NAT by then.
constexpr Duration kNatPatience = seconds(1);
// An answer takes less, or it is worth a word.
constexpr Duration kPatience = seconds(2);
// What passes any link of the family in one piece, UDP payload.
constexpr std::size_t kSmallV4 = 576 - 28;
constexpr std::size_t kSmallV6 = 1280 - 48;

bool is_ours(const IpAddress& ip, const Interfaces& interfaces) {
  for (const Interface& interface : interfaces)
    for (const Cidr& own : interface.addresses)
      if (own.ip == ip) return true;
  return false;
}

bool is_on_link(const IpAddress& ip, const Interfaces& interfaces) {
  for (const Interface& interface : interfaces)
    for (const Cidr& own : interface.addresses)
      if (own.contains(ip)) return true;
  return false;
}

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

}  // namespace

Result<std::unique_ptr<DhtService>> DhtService::open(const Config& config,
                                                     const PortSockets& sockets, Random& random,
                                                     overlay::Core& core, Doors doors) {
  std::unique_ptr<DhtService> out(new DhtService(config, sockets, random, core, std::move(doors)));
  out->open_port();
  out->open_names();
  return out;
}

DhtService::DhtService(const Config& config, const PortSockets& sockets, Random& random,
                       overlay::Core& core, Doors doors)
    : config_(config),
      sockets_(sockets),
      random_(random),
      core_(core),
      doors_(std::move(doors)),
      stun_(random.u64(), random.u64()) {}

DhtService::~DhtService() = default;

void DhtService::open_port() {
  dht::PortConfig config;
  config.network = config_.dht_network;
  config.salt = random_.u64();
  reachability_.emplace(random_.block<20>(), config_.dht_network, random_);
  dht::Doors doors;
  doors.send = [this](const Path& path, ByteView bytes) { return send(path, bytes); };
  doors.tell = [this](ByteView packet) { return link_->send(packet); };
  doors.lost = [this](const std::string& why) {
    io::log(LogModule::dht, LogLevel::warn, {"the DHT's process ", io::plain(why)});
    doors_.post([this] { child_gone(); });
  };
  doors.now = [] { return io::read_clocks().mono; };
  port_.emplace(config, std::move(doors));

  io::PacketLink::Doors link;
  link.watch = doors_.watch;
  link.unwatch = doors_.unwatch;
  link.packet = [this](ByteView packet) { port_->from_child(io::read_clocks().mono, packet); };
  link.closed = [this] { child_gone(); };
  link_.emplace(std::move(link));
}

void DhtService::attach(io::UniqueFd link) {
  if (port_->is_attached()) port_->detached();
  link_->attach(std::move(link));
  port_->attached(random_.block<20>());
  if (!std::exchange(was_attached_, true)) return;
  // What we, and others here, had put is gone: we put it again, and who asks for its address does.
  stun_.set_start_id(random_.u64());
  core_.store_lost(io::read_clocks());
}

void DhtService::child_gone() {
  if (!port_->is_attached()) return;
  link_->close();
  port_->detached();
  doors_.want_dht_child();
}

void DhtService::open_names() {
  resolver_.emplace(doors_.post);
  bootstraps_.emplace(config_.bootstraps, random_, bootstrap_doors());
  stuns_.emplace(config_.stuns, random_, stun_doors());
}

void DhtService::resolve(discovery::Bootstraps& names, const HostPort& name) {
  resolver_->ask(name, [&names, name](const std::vector<Endpoint>& found) {
    if (found.empty())
      io::log(LogModule::discovery, LogLevel::debug, {name, " does not resolve (yet)"});
    names.resolved(io::read_clocks().mono, name, found);
  });
}

discovery::Bootstraps::Doors DhtService::bootstrap_doors() {
  discovery::Bootstraps::Doors doors;
  doors.resolve = [this](const HostPort& name) { resolve(*bootstraps_, name); };
  doors.ping = [this](const Endpoint& node, bool named) {
    using Rank = discovery::StunClient::Rank;
    port_->add_bootstrap(node);
    core_.add_reflector(io::read_clocks(), node, named ? Rank::named : Rank::substitute);
    port_->ping(node, [this, node](dht::Outcome outcome) {
      bootstraps_->pinged(io::read_clocks().mono, node, outcome == dht::Outcome::ok);
    });
  };
  doors.returned = [this](const Endpoint& node) {
    const Now now = io::read_clocks();
    core_.store_lost(now);  // it may have started anew, and then its store is empty
    if (first_up_ || told_hub_) return;
    first_up_ = node;
    first_up_at_ = now.mono;
    tell_first_hub(now);
  };
  doors.gone = [this](const Endpoint& node) {
    io::log(LogModule::discovery, LogLevel::debug, {node, " is no bootstrap any more"});
    port_->remove_bootstrap(node);
    if (!is_stun_server(node)) core_.remove_reflector(io::read_clocks(), node);
  };
  doors.joined = [this](const Endpoint& node) {
    io::log(LogModule::discovery, LogLevel::debug, {"a member serves as a bootstrap: ", node});
    core_.store_lost(io::read_clocks());
  };
  return doors;
}

// A STUN server is "reached" by asking it: whether it answers is the core's to see.
discovery::Bootstraps::Doors DhtService::stun_doors() {
  discovery::Bootstraps::Doors doors;
  doors.resolve = [this](const HostPort& name) { resolve(*stuns_, name); };
  doors.ping = [this](const Endpoint& server, bool) {
    core_.add_reflector(io::read_clocks(), server);
    stuns_->pinged(io::read_clocks().mono, server, true);
  };
  doors.gone = [this](const Endpoint& server) {
    core_.remove_reflector(io::read_clocks(), server);
  };
  return doors;
}

bool DhtService::is_stun_server(const Endpoint& endpoint) const {
  for (const auto& name : stuns_->names())
    if (std::find(name.nodes.begin(), name.nodes.end(), endpoint) != name.nodes.end()) return true;
  return false;
}

// The core must not be called back while it tells: so it happens a moment later.
void DhtService::servers_known(const overlay::ServersKnown& servers) {
  doors_.post(
      [this, offers = servers.offers] { bootstraps_->offer(io::read_clocks().mono, offers); });
}

void DhtService::start(Now now) {
  started_ = now.mono;
  doors_.want_dht_child();
  settle_role();
  tell_serving(now);
  bootstraps_->start(now.mono, {});
  stuns_->start(now.mono, {});
}

// ---- datagrams ----

dht::Sent DhtService::send(const Path& path, ByteView datagram) {
  const auto& socket = path.remote.ip.is_v4() ? sockets_.v4 : sockets_.v6;
  if (!socket) return dht::Sent::no_family;
  spoke_to(io::read_clocks().mono, path.remote);
  if (datagram.size() > (path.remote.ip.is_v4() ? kSmallV4 : kSmallV6))
    return send_large(path, datagram);
  switch (socket->send_now(path, datagram)) {
    case 0:
      return dht::Sent::sent;
    case EAGAIN:
    case ENOBUFS:
      return dht::Sent::again;
    default:
      return dht::Sent::unreachable;
  }
}

// OpenDHT searches no path MTU.
dht::Sent DhtService::send_large(const Path& path, ByteView datagram) {
  const auto& socket = path.remote.ip.is_v4() ? sockets_.v4 : sockets_.v6;
  if (socket->send_in_fragments(path, datagram) != 0) drops_.count(Drop::send_failed);
  return dht::Sent::sent;
}

void DhtService::datagram_in(Now now, wire::Protocol protocol, const Path& path,
                             ByteView datagram) {
  note_reached(now.mono, path);
  if (protocol == wire::Protocol::dht) {
    if (reachability_->answered(now.mono, path.remote, datagram)) {
      port_->set_reachable(now.mono, path.remote);
      port_->ping(path.remote, [](dht::Outcome) {});  // its answer brings it into the searches
      return;
    }
    port_->datagram_in(now.mono, path, datagram);
    return check_nodes(now.mono);
  }
  if (protocol != wire::Protocol::stun || !serving_) return drops_.count(Drop::unknown_type);
  const Endpoint asked{path.local, sockets_.port};
  const Bytes answer =
      stun_.answer(now.mono, path.remote, asked.ip ? asked : Endpoint{}, {}, datagram).datagram;
  if (!answer.empty() && send(path, answer) != dht::Sent::sent) drops_.count(Drop::send_failed);
}

// Nodes that a bootstrap named, other hubs above all: whoever answers us is asked, too.
void DhtService::check_nodes(TimePoint now) {
  for (const Endpoint& node : port_->take_unchecked()) reachability_->heard(now, node);
  for (const auto& ping : reachability_->turn(now))
    if (send({.remote = ping.to, .local = {}}, ping.datagram) != dht::Sent::sent)
      drops_.count(Drop::send_failed);
}

// ---- what the core asks ----

dht::Port::OnValue DhtService::to_core(const discovery::DhtKey& key) {
  return [this, key](const dht::Value& value) {
    core_.from_directory(io::read_clocks(), key, value.data);
  };
}

void DhtService::put(const discovery::DhtPut& request) {
  port_->put(request.key, request.id, request.value, [this](dht::Outcome outcome) {
    put_failed_ = put_failed_ || outcome != dht::Outcome::ok;
  });
}

void DhtService::listen(const discovery::DhtListen& request) {
  if (!listening_.contains(request.key))
    listening_[request.key] = port_->listen(request.key, to_core(request.key));
}

void DhtService::get(const discovery::DhtGet& request) {
  port_->get(request.key, to_core(request.key), [](dht::Outcome) {});
}

void DhtService::ask(const discovery::DhtRequest& request) {
  std::visit(Overloaded{[this](const discovery::DhtPut& r) { put(r); },
                        [this](const discovery::DhtTakeBack& r) { port_->cancel_put(r.key, r.id); },
                        [this](const discovery::DhtListen& r) { listen(r); },
                        [this](const discovery::DhtUnlisten& r) {
                          const auto found = listening_.find(r.key);
                          if (found == listening_.end()) return;
                          port_->cancel(found->second);
                          listening_.erase(found);
                        },
                        [this](const discovery::DhtGet& r) { get(r); }},
             request);
}

// ---- serving ----

void DhtService::interfaces_changed(const Interfaces& interfaces) {
  interfaces_ = interfaces;
  std::erase_if(reached_at_, [&](const IpAddress& ip) { return !is_ours(ip, interfaces); });
  public_address_ = false;
  for (const Interface& interface : interfaces)
    for (const Cidr& address : interface.addresses)
      if (!interface.overlay && discovery::is_public(address.ip)) public_address_ = true;
  port_->connectivity_changed();
  settle_role();
}

void DhtService::settings_changed(Now now) {
  bootstraps_->rename(now.mono, config_.bootstraps);
  stuns_->rename(now.mono, config_.stuns);
  std::erase_if(told_up_, [this](const auto& told) {
    const auto& names = config_.bootstraps;
    return std::find(names.begin(), names.end(), told.first) == names.end();
  });
  settle_role();
}

void DhtService::nat_known(const overlay::NatKnown& nat) {
  nat_ = nat.mapping;
  settle_role();
  tell_first_hub(io::read_clocks());
}

// By default who can be reached serves: who has a public address, unless STUN says otherwise.
void DhtService::settle_role() {
  const bool reachable =
      nat_ == wire::NatMapping::unknown ? public_address_ : nat_ == wire::NatMapping::none;
  const bool serve = config_.serve_dht.value_or(reachable);
  if (serve == serving_) return;
  serving_ = serve;
  using Role = discovery::DhtShim::Role;
  port_->set_role(serve ? Role::serving_member : Role::client);
  io::log(LogModule::dht, LogLevel::debug,
          {io::plain(serve ? "serving the DHT and STUN to others" : "a client of the DHT")});
}

// Something came from somebody to whom we had not spoken, and not from our own link: strangers
// reach us at this address.
void DhtService::note_reached(TimePoint now, const Path& path) {
  if (!discovery::is_public(path.local) || !discovery::is_public(path.remote.ip) ||
      !is_ours(path.local, interfaces_) || is_on_link(path.remote.ip, interfaces_) ||
      std::find(reached_at_.begin(), reached_at_.end(), path.local) != reached_at_.end())
    return;
  if (spoken_.to(now, path.remote)) return;
  io::log(LogModule::discovery, LogLevel::debug, {"strangers reach us at ", path.local});
  reached_at_.push_back(path.local);
}

// What our record says about it.
void DhtService::tell_serving(Now now) {
  std::pair<bool, discovery::Serving> serving{
      serving_, {.everywhere = config_.serve_dht == true, .at = reached_at_}};
  if (told_serving_ == serving) return;
  told_serving_ = serving;
  core_.set_serving(now, serving.first, std::move(serving.second));
}

// ---- time ----

void DhtService::tick(Now now) {
  tell_serving(now);
  tell_first_hub(now);
  tell_waiting(now.mono);
  tell_hubs(now);
  put_again(now);
  if (now.mono < next_look_) return;
  next_look_ = now.mono + kLook;
  // Only where nobody tells better.
  if (nat_ == wire::NatMapping::unknown) core_.echoed(now, port_->picture().addresses);
}

void DhtService::put_again(Now now) {
  if (!put_failed_) {
    // It went well the last time.
    if (now.mono >= next_put_again_ + kPutAgain) put_again_ = kPutAgain;
    return;
  }
  if (now.mono < next_put_again_) return;
  put_failed_ = false;
  next_put_again_ = now.mono + put_again_;
  put_again_ = std::min(put_again_ * 2, kPutAgainMost);
  core_.store_lost(now);
}

void DhtService::tell_first_hub(Now now) {
  if (!first_up_ || told_hub_) return;
  if (nat_ == wire::NatMapping::unknown && now.mono - first_up_at_ < kNatPatience) return;
  told_hub_ = true;
  doors_.say(LogLevel::info,
             {io::figure(hub_up(core_.engine().reflector_rtt(now.mono, *first_up_), nat_))});
}

// Once, while none answers: whoever waits for the first members learns what is waited for.
void DhtService::tell_waiting(TimePoint now) {
  if (told_waiting_ || first_up_ || now - started_ < kPatience) return;
  told_waiting_ = true;
  for (const auto& name : bootstraps_->names())
    doors_.say(LogLevel::info, {"waiting for bootstrap ", io::as("bootstrap", name.name),
                                io::plain(name.nodes.empty() ? ": the name does not resolve (yet)"
                                                             : ": it does not answer (yet)")});
}

// Each bootstrap once when it goes and when it comes back.
void DhtService::tell_hubs(Now) {
  for (const auto& name : bootstraps_->names()) {
    const auto [told, fresh] = told_up_.try_emplace(name.name, name.up);
    if (fresh && name.up) doors_.bootstrap_changed(name.name.to_string(), true);
    if (fresh && !name.up) told_up_.erase(told);  // it was never there
    if (fresh || told->second == name.up) continue;
    doors_.bootstrap_changed(name.name.to_string(), name.up);
    told->second = name.up;
    doors_.say(
        LogLevel::info,
        {"bootstrap ", io::as("bootstrap", name.name),
         io::plain(name.up ? " is back" : " does not answer: what is connected stays connected")});
  }
}

std::optional<TimePoint> DhtService::next_deadline() const {
  return earliest({port_->next_deadline(), bootstraps_->next_deadline(), stuns_->next_deadline()});
}

void DhtService::timeout(Now now) {
  port_->timeout(now.mono);
  bootstraps_->timeout(now.mono);
  stuns_->timeout(now.mono);
}

// ---- looking ----

control::DiscoveryStatus DhtService::status() const {
  control::DiscoveryStatus out;
  out.mode = control::DiscoveryMode::dht;
  control::DhtStatus dht;
  switch (port_->state()) {
    case dht::State::connected:
      dht.state = control::DhtState::connected;
      break;
    case dht::State::connecting:
      dht.state = control::DhtState::connecting;
      break;
    case dht::State::disconnected:
      break;
  }
  dht.nodes = port_->picture().v4.good + port_->picture().v6.good;
  out.dht = dht;
  for (const auto& name : bootstraps_->names())
    out.bootstraps.push_back({name.name.to_string(), name.up});
  return out;
}

DropCounters DhtService::drops() const {
  DropCounters sum = drops_;
  sum.add(port_->counters().dropped);
  sum.add(stun_.drops());
  return sum;
}

}  // namespace meshnode::node
