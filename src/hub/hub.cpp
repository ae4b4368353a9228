#include "hub/hub.h"

#include <cerrno>
#include <csignal>
#include <cstdio>

#include "io/clock.h"
#include "io/log.h"
#include "wire/types.h"

namespace meshnode::hub {

using io::log;

namespace {

// Datagrams per turn of the loop and socket: nobody starves the others.
constexpr int kTurn = 256;
constexpr Duration kTick = seconds(5);
// 10,000 members with two values each need half of it: the store must stay far from full.
constexpr std::size_t kStoreBytes = std::size_t{32} << 20;
constexpr Duration kRememberEvery = minutes(1);

const char* word(dht::State state) {
  switch (state) {
    case dht::State::disconnected:
      return "knows no other node";
    case dht::State::connecting:
      return "is looking for other nodes";
    case dht::State::connected:
      return "is connected";
  }
  return "";
}

}  // namespace

Result<std::unique_ptr<Hub>> Hub::open(Config config) {
  std::unique_ptr<Hub> hub(new Hub(std::move(config)));
  using Step = Status (Hub::*)();
  for (const Step step : {&Hub::open_memory, &Hub::open_sockets, &Hub::open_dht}) {
    auto done = (hub.get()->*step)();
    if (!done) return done.error();
  }
  return hub;
}

// OpenDHT's thread uses the sockets and the loop: it ends first.
Hub::~Hub() {
  bootstraps_.reset();
  resolver_.reset();
  dht_.reset();
}

Status Hub::open_memory() {
  Memory fresh;
  fresh.id = random_.block<20>();
  memory_ = fresh;
  if (config_.state_dir.empty()) return success();
  auto loaded = load_memory(config_.state_dir);
  if (!loaded) return loaded.error();
  if (*loaded)
    memory_ = **loaded;
  else if (auto stored = store_memory(config_.state_dir, fresh); !stored)
    return stored.error();
  return success();
}

Status Hub::open_sockets() {
  auto listeners = Listeners::open(config_.addresses, config_.port,
                                   static_cast<std::uint16_t>(config_.port + kOtherPort));
  if (!listeners) return listeners.error();
  listeners_ = std::move(listeners).value();
  stun_.emplace(random_.u64(), random_.u64());
  reachability_.emplace(random_.block<20>(), config_.dht_network, random_);
  return success();
}

Status Hub::open_dht() {
  dht::PortConfig config;
  config.network = config_.dht_network;
  config.store_bytes = kStoreBytes;
  config.node = memory_->id;
  config.salt = random_.u64();
  config.role = discovery::DhtShim::Role::hub;
  dht::Doors doors;
  doors.send = [this](const Path& path, ByteView bytes) { return send(path, bytes); };
  doors.post = [this](std::function<void()> work) {
    loop_.post([this, work = std::move(work)] {
      work();
      rearm();
    });
  };
  doors.now = [] { return io::read_clocks().mono; };
  resolver_.emplace(doors.post);
  auto port = dht::Port::open(std::move(config), std::move(doors));
  if (!port) return port.error();
  dht_ = std::move(port).value();

  discovery::Bootstraps::Doors out;
  out.resolve = [this](const HostPort& name) {
    resolver_->ask(name, [this, name](const std::vector<Endpoint>& found) {
      if (found.empty()) log(LogLevel::debug, name.to_string() + " does not resolve (yet)");
      bootstraps_->resolved(io::read_clocks().mono, name, found);
    });
  };
  out.ping = [this](const Endpoint& node, bool named) {
    if (named) dht_->add_bootstrap(node);
    dht_->ping(node, [this, node](dht::Outcome outcome) {
      const bool answered = outcome == dht::Outcome::ok;
      log(LogLevel::trace, node.to_string() + (answered ? " answers" : " does not answer"));
      bootstraps_->pinged(io::read_clocks().mono, node, answered);
    });
  };
  bootstraps_.emplace(config_.bootstraps, random_, std::move(out));
  return success();
}

// ---- datagrams ----

void Hub::read(const Listener& listener) {
  const TimePoint now = io::read_clocks().mono;
  Listeners::receive(listener, kTurn, [&](const Path& path, ByteView bytes) {
    datagram(listener, now, path, bytes);
  });
}

void Hub::datagram(const Listener& listener, TimePoint now, const Path& path, ByteView bytes) {
  if (bytes.empty()) return drops_.count(Drop::malformed);
  const wire::Protocol protocol = wire::protocol_of(bytes.front());
  if (protocol == wire::Protocol::stun)
    answer_stun(listener, now, path, bytes);
  else if (protocol == wire::Protocol::dht && listener.service == Service::all)
    dht_->datagram_in(now, path, bytes);
  else if (protocol == wire::Protocol::dht)
    note_reachable(now, path, bytes);
  else
    drops_.count(Drop::unknown_type);
}

// At the second port: nobody has reason to speak to it but whom we asked from there.
void Hub::note_reachable(TimePoint now, const Path& path, ByteView bytes) {
  if (!reachability_->answered(now, path.remote, bytes)) return drops_.count(Drop::unsolicited);
  log(LogLevel::debug, path.remote.to_string() + " can be reached by anybody");
  dht_->set_reachable(now, path.remote);
  dht_->ping(path.remote, [](dht::Outcome) {});  // its answer brings it into the routing table
}

void Hub::check_nodes(TimePoint now) {
  for (const Endpoint& node : dht_->take_unchecked()) reachability_->heard(now, node);
  for (const auto& ping : reachability_->turn(now))
    if (listeners_.send({.remote = ping.to, .local = {}}, ping.datagram, Service::stun_only) != 0)
      drops_.count(Drop::send_failed);
}

void Hub::answer_stun(const Listener& listener, TimePoint now, const Path& path, ByteView bytes) {
  const bool wildcard = listener.bound.ip.is_unspecified();
  const Endpoint asked{wildcard ? path.local : listener.bound.ip, listener.bound.port};
  const Bytes answer = stun_->answer(now, path.remote, asked.ip ? asked : Endpoint{},
                                     asked.ip ? other_than(asked) : Endpoint{}, bytes);
  if (answer.empty()) return;
  Path back = path;
  back.local = asked.ip;
  if (listeners_.send(back, answer, listener.service) != 0) drops_.count(Drop::send_failed);
}

// The other port; on another address of the family, if the hub was given one.
Endpoint Hub::other_than(const Endpoint& asked) const {
  Endpoint other = asked;
  other.port = static_cast<std::uint16_t>(asked.port == config_.port ? config_.port + kOtherPort
                                                                     : config_.port);
  for (const IpAddress& address : config_.addresses)
    if (address.family() == asked.ip.family() && !address.is_unspecified() && address != asked.ip) {
      other.ip = address;
      break;
    }
  return other;
}

// On OpenDHT's thread.
dht::Sent Hub::send(const Path& path, ByteView bytes) const {
  switch (listeners_.send(path, bytes)) {
    case 0:
      return dht::Sent::sent;
    case EAFNOSUPPORT:
      return dht::Sent::no_family;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EPERM:
    case EACCES:
    case EINVAL:
      return dht::Sent::unreachable;
    default:  // a full buffer, or the late ICMP answer to something else
      return dht::Sent::again;
  }
}

// ---- running ----

int Hub::run() {
  for (const Listener& listener : listeners_.all())
    loop_.watch_readable(listener.fd.get(), [this, &listener] { read(listener); });
  loop_.on_deadline([this] { on_deadline(); });
  loop_.on_signals({SIGTERM, SIGINT}, [this](int) { loop_.stop(); });
  const TimePoint now = io::read_clocks().mono;
  next_tick_ = now + kTick;
  next_memory_ = now + kRememberEvery;
  greet();
  bootstraps_->start(now, memory_->nodes);
  rearm();
  manager_.ready("answers on port " + std::to_string(config_.port));
  loop_.run();
  manager_.stopping();
  remember();
  log(LogLevel::info, "stopped");
  return 0;
}

void Hub::greet() const {
  std::string places;
  for (const Listener& listener : listeners_.all())
    if (listener.service == Service::all)
      places += (places.empty() ? "" : ", ") + listener.bound.to_string();
  std::printf("meshhub %s ready on %s (DHT network %u)\n", MESHNODE_VERSION, places.c_str(),
              config_.dht_network);
  std::fflush(stdout);
}

void Hub::on_deadline() {
  const TimePoint now = io::read_clocks().mono;
  dht_->timeout(now);
  bootstraps_->timeout(now);
  if (now >= next_tick_) {
    next_tick_ = now + kTick;
    manager_.alive(now);
    check_nodes(now);
    tell();
  }
  if (now >= next_memory_) {
    next_memory_ = now + kRememberEvery;
    remember();
  }
  rearm();
}

void Hub::rearm() {
  TimePoint due = std::min(next_tick_, next_memory_);
  if (dht_)
    if (const auto next = dht_->next_deadline()) due = std::min(due, *next);
  if (bootstraps_)
    if (const auto next = bootstraps_->next_deadline()) due = std::min(due, *next);
  loop_.set_deadline(due);
}

// Only when it knows somebody: an empty list must not replace a good one.
void Hub::remember() {
  if (config_.state_dir.empty()) return;
  Memory fresh{memory_->id, dht_->good_nodes(Memory::kMaxNodes)};
  if (fresh.nodes.empty() || fresh == *memory_) return;
  if (auto stored = store_memory(config_.state_dir, fresh); !stored)
    log(LogLevel::warn, stored.error().message);
  else
    memory_ = std::move(fresh);
}

void Hub::tell() {
  const dht::State state = dht_->state();
  if (state != last_state_) log(LogLevel::info, std::string("the DHT ") + word(state));
  last_state_ = state;
  if (config_.log_level > LogLevel::debug) return;
  dht_->stats([this](const dht::Stats& stats) {
    const dht::Counters counters = dht_->counters();
    log(LogLevel::debug, "good nodes " + std::to_string(stats.v4.good) + " IPv4, " +
                             std::to_string(stats.v6.good) + " IPv6; DHT datagrams " +
                             std::to_string(counters.in) + " in, " + std::to_string(counters.out) +
                             " out, " + std::to_string(counters.dropped.total()) + " dropped, " +
                             std::to_string(counters.refused) + " refused; STUN " +
                             std::to_string(stun_->answered()) + " answered, " +
                             std::to_string(stun_->drops().total()) + " dropped");
  });
}

}  // namespace meshnode::hub
