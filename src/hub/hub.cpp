#include "hub/hub.h"

#include <cerrno>
#include <csignal>
#include <cstdio>

#include "base/earliest.h"
#include "hub/metrics_text.h"
#include "io/clock.h"
#include "io/log.h"
#include "wire/types.h"

namespace meshnode::hub {

using io::log;
using io::plain;

namespace {

// Datagrams per turn of the loop and socket: nobody starves the others.
constexpr int kTurn = 256;
constexpr Duration kTick = seconds(5);
// 10,000 members with two values each need half of it: the store must stay far from full.
constexpr std::size_t kStoreBytes = std::size_t{32} << 20;
constexpr Duration kRememberEvery = minutes(1);
static_assert(Memory::kMaxNodes >= dht::Picture::kMaxNodes);

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
  for (const Step step :
       {&Hub::open_memory, &Hub::open_sockets, &Hub::open_dht, &Hub::open_metrics}) {
    auto done = (hub.get()->*step)();
    if (!done) return done.error();
  }
  return hub;
}

// The resolver's thread uses the loop: it ends first.
Hub::~Hub() {
  bootstraps_.reset();
  resolver_.reset();
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
  auto program = io::find_program("meshnode-dht", MESHNODE_LIBEXEC);
  if (!program) return program.error();
  const auto watches = [this](int fd, std::function<void()> readable) {
    watch(fd, std::move(readable));
  };
  const auto unwatches = [this](int fd) { loop_.unwatch(fd); };
  dht_child_.emplace(*program, "the DHT's process",
                     io::ChildProgram::Doors{watches, unwatches, [this](io::UniqueFd link) {
                                               attach_dht(std::move(link));
                                             }});
  dht_link_.emplace(io::PacketLink::Doors{
      watches, unwatches,
      [this](ByteView packet) { dht_->from_child(io::read_clocks().mono, packet); },
      [this] { dht_gone(); }});
  open_port();
  open_bootstraps();
  return success();
}

void Hub::watch(int fd, std::function<void()> readable) {
  loop_.watch_readable(fd, [this, readable = std::move(readable)] {
    readable();
    rearm();
  });
}

void Hub::attach_dht(io::UniqueFd link) {
  if (dht_->is_attached()) dht_->detached();
  dht_link_->attach(std::move(link));
  const bool first = !std::exchange(had_dht_, true);
  dht_->attached(first ? memory_->id : random_.block<20>());
  // Its store begins empty: who asks for its address puts everything again.
  if (!first) stun_->set_start_id(random_.u64());
}

void Hub::dht_gone() {
  if (!dht_->is_attached()) return;
  dht_link_->close();
  dht_->detached();
  dht_child_->want(io::read_clocks().mono);
}

void Hub::open_port() {
  dht::PortConfig config;
  config.network = config_.dht_network;
  config.store_bytes = kStoreBytes;
  config.salt = random_.u64();
  config.role = discovery::DhtShim::Role::hub;
  dht::Doors doors;
  doors.send = [this](const Path& path, ByteView bytes) { return send(path, bytes); };
  doors.tell = [this](ByteView packet) { return dht_link_->send(packet); };
  doors.lost = [this](const std::string& why) {
    log(LogModule::dht, LogLevel::warn, {"the DHT's process ", plain(why)});
    loop_.post([this] {
      dht_gone();
      rearm();
    });
  };
  doors.now = [] { return io::read_clocks().mono; };
  dht_.emplace(config, std::move(doors));
}

void Hub::open_bootstraps() {
  resolver_.emplace([this](std::function<void()> work) {
    loop_.post([this, work = std::move(work)] {
      work();
      rearm();
    });
  });
  discovery::Bootstraps::Doors out;
  out.resolve = [this](const HostPort& name) {
    resolver_->ask(name, [this, name](const std::vector<Endpoint>& found) {
      if (found.empty())
        log(LogModule::discovery, LogLevel::debug, {name, " does not resolve (yet)"});
      bootstraps_->resolved(io::read_clocks().mono, name, found);
    });
  };
  out.ping = [this](const Endpoint& node, bool named) {
    if (named) dht_->add_bootstrap(node);
    dht_->ping(node, [this, node](dht::Outcome outcome) {
      const bool answered = outcome == dht::Outcome::ok;
      log(LogModule::discovery, LogLevel::trace,
          {node, plain(answered ? " answers" : " does not answer")});
      bootstraps_->pinged(io::read_clocks().mono, node, answered);
    });
  };
  bootstraps_.emplace(config_.bootstraps, random_, std::move(out));
}

Status Hub::open_metrics() {
  if (!config_.metrics) return success();
  metrics::Doors doors;
  doors.loop.watch = [this](int fd, std::function<void()> readable) {
    loop_.watch_readable(fd, std::move(readable));
  };
  doors.loop.unwatch = [this](int fd) { loop_.unwatch(fd); };
  doors.now = [] { return io::read_clocks().mono; };
  doors.text = [this] { return metrics_now(); };
  auto responder = metrics::Responder::open(*config_.metrics, std::move(doors));
  if (!responder) return responder.error();
  metrics_ = std::move(responder).value();
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
  log(LogModule::dht, LogLevel::debug, {path.remote, " can be reached by anybody"});
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
  const auto answer =
      stun_->answer(now, path.remote, asked.ip ? asked : Endpoint{},
                    asked.ip ? other_than(asked) : Endpoint{}, bytes, io::read_clocks().unix);
  if (answer.datagram.empty()) return;
  Path back = path;
  back.remote = answer.to;
  back.local = answer.from.ip;
  Service service = listener.service;
  if (answer.from.ip)
    service = answer.from.port == config_.port ? Service::all : Service::stun_only;
  if (listeners_.send(back, answer.datagram, service) != 0) drops_.count(Drop::send_failed);
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
    watch(listener.fd.get(), [this, &listener] { read(listener); });
  loop_.on_deadline([this] { on_deadline(); });
  loop_.on_signals({SIGTERM, SIGINT, SIGUSR1, SIGUSR2}, [this](int number) { on_signal(number); });
  const TimePoint now = io::read_clocks().mono;
  started_ = now;
  next_tick_ = now + kTick;
  next_memory_ = now + kRememberEvery;
  greet();
  dht_child_->want(now);
  bootstraps_->start(now, memory_->nodes);
  rearm();
  manager_.ready("answers on port " + std::to_string(config_.port));
  loop_.run();
  manager_.stopping();
  remember();
  log(LogModule::hub, LogLevel::info, {"stopped"});
  return 0;
}

// The log by signals, since a hub has no control socket: SIGUSR1 tells more, up to all there is,
// SIGUSR2 what the command line asked for.
void Hub::on_signal(int number) {
  if (number != SIGUSR1 && number != SIGUSR2) return loop_.stop();
  LogLevels levels = config_.log.levels;
  if (number == SIGUSR1) {
    const bool more = io::logs(LogModule::hub, LogLevel::debug);
    levels = LogLevels(more ? LogLevel::trace : LogLevel::debug);
  }
  io::set_log_levels(levels);
  log(LogModule::hub, LogLevel::info, {"log levels: ", plain(levels.to_string())});
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
  dht_child_->timeout(now);
  dht_->timeout(now);
  bootstraps_->timeout(now);
  if (now >= next_tick_) {
    next_tick_ = now + kTick;
    manager_.alive(now);
    io::log_tick();
    check_nodes(now);
    tell();
    if (metrics_) metrics_->tick();
  }
  if (now >= next_memory_) {
    next_memory_ = now + kRememberEvery;
    remember();
  }
  rearm();
}

void Hub::rearm() {
  loop_.set_deadline(earliest({next_tick_, next_memory_, dht_child_->next_deadline(),
                               dht_ ? dht_->next_deadline() : std::nullopt,
                               bootstraps_ ? bootstraps_->next_deadline() : std::nullopt}));
}

// Only when it knows somebody: an empty list must not replace a good one.
void Hub::remember() {
  if (config_.state_dir.empty()) return;
  Memory fresh{memory_->id, dht_->picture().nodes};
  if (fresh.nodes.empty() || fresh == *memory_) return;
  if (auto stored = store_memory(config_.state_dir, fresh); !stored)
    log(LogModule::hub, LogLevel::warn, {plain(stored.error().message)});
  else
    memory_ = std::move(fresh);
}

void Hub::tell() {
  const dht::State state = dht_->state();
  if (state != last_state_) log(LogModule::dht, LogLevel::info, {"the DHT ", plain(word(state))});
  last_state_ = state;
  if (io::logs(LogModule::hub, LogLevel::debug)) tell_figures();
}

void Hub::tell_figures() const {
  const dht::Picture& picture = dht_->picture();
  const dht::Counters& counters = dht_->counters();
  log(LogModule::hub, LogLevel::debug,
      {"good nodes ",
       picture.v4.good,
       " IPv4, ",
       picture.v6.good,
       " IPv6; DHT datagrams ",
       counters.in,
       " in, ",
       counters.out,
       " out, ",
       counters.dropped.total(),
       " dropped, ",
       counters.refused,
       " refused, ",
       counters.lost_to_child,
       " not heard by its process; STUN ",
       stun_->answered(),
       " answered, ",
       stun_->detours(),
       " of them elsewhere, ",
       stun_->drops().total(),
       " dropped"});
}

std::string Hub::metrics_now() const {
  HubFigures out{.version = MESHNODE_VERSION};
  out.uptime_s = static_cast<std::uint64_t>(
      std::chrono::duration_cast<seconds>(io::read_clocks().mono - started_).count());
  out.state = dht_->state();
  out.picture = dht_->picture();
  out.counters = dht_->counters();
  out.stun_answered = stun_->answered();
  out.drops = drops_;
  out.drops.add(out.counters.dropped);
  out.drops.add(stun_->drops());
  out.bootstraps = bootstraps_->names();
  return metrics_text(out);
}

}  // namespace meshnode::hub
