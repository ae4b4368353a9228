#include "node/host.h"

#include <algorithm>
#include <csignal>
#include <cstdio>

#include <unistd.h>

#include "crypto/providers.h"
#include "crypto/suite.h"
#include "io/clock.h"
#include "io/log.h"
#include "node/cpu.h"
#include "node/evidence.h"
#include "node/status.h"
#include "node/terminal.h"
#include "tun/configure.h"

namespace meshnode::node {

using io::log;

namespace {

// Where datagrams come in runs; only touched pages cost memory.
constexpr std::size_t kRunSlots = 32;
// Where they come singly: room for the largest frame of a peer with the largest MTU we allow.
constexpr std::size_t kDatagramSlots = 64;
constexpr std::size_t kDatagramSlot = 10 * 1024;
// Batches per turn, where they are small.
constexpr int kTurns = 4;
constexpr Duration kTick = seconds(1);
// The memory file is written that often at most, and more rarely where it is large: a big network
// changes all the time, and nobody's disk is to be worn out by it.
constexpr Duration kRememberEvery = seconds(10);
constexpr std::size_t kMembersPerPause = 64;
// What explains the present.
constexpr Duration kLately = seconds(30);

// Of a network that is no mesh.
bool has_address(const Interfaces& interfaces) {
  return std::any_of(interfaces.begin(), interfaces.end(), [](const Interface& interface) {
    return !interface.overlay &&
           std::any_of(interface.addresses.begin(), interface.addresses.end(),
                       [](const Cidr& each) { return !each.ip.is_loopback(); });
  });
}

}  // namespace

Result<std::unique_ptr<Host>> Host::open(Config config) {
  std::unique_ptr<Host> host(new Host(std::move(config)));
  host->story_ = is_terminal(STDOUT_FILENO);
  using Step = Status (Host::*)();
  for (const Step step : {&Host::open_state, &Host::open_network, &Host::open_interface,
                          &Host::open_dht, &Host::open_control, &Host::open_sealing}) {
    auto done = (host.get()->*step)();
    if (!done) return done.error();
  }
  host->make_buffers();
  return host;
}

// The threads use the sockets, the interface and the loop: they end first.
Host::~Host() {
  sealing_.reset();
  dht_.reset();
}

Status Host::open_state() {
  auto state = lock_state_dir(config_.state_dir);
  if (!state) return state.error();
  state_ = std::move(state).value();
  auto network = settle_network(config_, *state_, random_);
  if (!network) return network.error();
  network_ = std::move(network).value();
  auto seed = state_->identity(random_);
  // Said at once: a lost identity must not go unsaid because something fails later.
  for (const std::string& notice : state_->take_notices()) log(LogLevel::warn, notice);
  if (!seed) return seed.error();
  auto port = state_->port();
  if (!port) return port.error();
  numbers_ = std::make_unique<ReservedNumbers>(
      [this](std::uint64_t count) {
        return state_->reserve_numbers(io::read_clocks().unix, count);
      },
      [](const Error& error) { log(LogLevel::error, error.message); });
  auto sockets = open_port(config_.port, *port, config_.data_plane, random_);
  if (!sockets) return sockets.error();
  sockets_ = std::move(sockets).value();
  if (auto stored = state_->store_port(sockets_.port); !stored) return stored.error();
  make_core(std::move(seed).value());
  return success();
}

void Host::make_core(crypto::Ed25519Seed seed) {
  overlay::EngineConfig engine;
  engine.identity = overlay::Identity::from_seed(seed, crypto::real_suite());
  engine.keys = overlay::NetworkKeys::derive(network_.secret);
  engine.boot = random_.block<8>();
  engine.port = sockets_.port;
  engine.mtu = config_.mtu;
  engine.name = config_.name;
  for (const Cidr& address : config_.addresses) engine.claims.push_back(address.ip);
  engine.directory = !config_.lan_only;
  engine.full_mesh = config_.full_mesh;
  engine.ciphers = crypto::wanted_ciphers(cpu_has_aes());
  engine.make_cipher = frame_ciphers(config_.data_plane);
  engine.reflectors = !config_.lan_only && (!config_.bootstraps.empty() || !config_.stuns.empty());
  core_ = std::make_unique<overlay::Core>(std::move(engine), crypto::real_suite(), random_,
                                          *numbers_, *this);
}

Status Host::open_network() {
  auto lan = io::LanSocket::open(config_.lan_port);
  if (!lan) return lan.error();
  lan_ = std::move(lan).value();
  auto monitor = io::InterfaceMonitor::open();
  if (!monitor) return monitor.error();
  monitor_ = std::move(monitor).value();
  return success();
}

Status Host::open_interface() {
  tun::DeviceOptions options;
  options.offloads = config_.data_plane.tun_offloads;
  options.tcp_coalescing = config_.data_plane.tun_tcp_coalescing;
  options.udp_coalescing = config_.data_plane.tun_udp_coalescing;
  options.splitter = &splitter_;
  auto device = tun::open_device(config_.interface, options);
  if (!device) return device.error();
  tun_ = std::move(device).value();
  tun::Settings settings;
  settings.name = config_.interface;
  settings.mtu = config_.mtu;
  settings.addresses.push_back(
      {core_->engine().address(), overlay::overlay_prefix(network_.secret.id()).prefix});
  settings.addresses.insert(settings.addresses.end(), config_.addresses.begin(),
                            config_.addresses.end());
  auto configured = tun::configure(settings);
  if (!configured) return configured.error();
  if (!configured->ipv6) config_.notices.push_back(configured->why_no_ipv6);
  return success();
}

Status Host::open_dht() {
  if (config_.lan_only) return success();
  DhtService::Doors doors;
  doors.post = [this](std::function<void()> work) {
    loop_.post([this, work = std::move(work)] {
      work();
      rearm();
    });
  };
  doors.say = [this](LogLevel level, const std::string& line) { say(level, line); };
  doors.bootstrap_changed = [this](const std::string& name, bool up) {
    if (control_) control_->bootstrap_changed(name, up);
  };
  auto dht = DhtService::open(config_, sockets_, random_, *core_, std::move(doors));
  if (!dht) return dht.error();
  dht_ = std::move(dht).value();
  return success();
}

Status Host::open_control() {
  control::LoopDoor door{[this](int fd, std::function<void()> readable) {
                           loop_.watch_readable(fd, [this, readable = std::move(readable)] {
                             readable();
                             rearm();
                           });
                         },
                         [this](int fd) { loop_.unwatch(fd); }};
  ControlDesk::Facts facts{[this] { return status(); },
                           [this] { return join_line(config_, network_.secret); },
                           [this] { return evidence(); }, [] { return io::read_clocks(); }};
  auto desk = ControlDesk::open(config_, sockets_.port, *core_, std::move(door), std::move(facts));
  if (!desk) return desk.error();
  control_ = std::move(desk).value();
  return success();
}

// What the thread notices before the loop runs waits for it.
Status Host::open_sealing() {
  if (config_.data_plane.threads.value_or(threads_for(usable_cpus())) == 1) return success();
  SealingThread::Doors doors;
  doors.post = [this](std::function<void()> work) { loop_.post(std::move(work)); };
  doors.heard = [this](const dataplane::EventBatch& events) {
    core_->from_sealing(io::read_clocks(), events);
    rearm();
  };
  doors.interface_gone = [this] { interface_gone(); };
  auto thread = SealingThread::open(*tun_, sockets_,
                                    {.mtu = config_.mtu, .copy_dscp = config_.data_plane.copy_dscp},
                                    std::move(doors));
  if (!thread) return thread.error();
  sealing_ = std::move(thread).value();
  core_->seal_elsewhere(*sealing_);
  return success();
}

void Host::make_buffers() {
  bool runs = false;
  for (const auto* socket : {&sockets_.v4, &sockets_.v6})
    runs = runs || (*socket && (*socket)->offloads().gro.active);
  const std::size_t count = runs ? kRunSlots : kDatagramSlots;
  const std::size_t size = runs ? io::UdpSocket::kLargestRun : kDatagramSlot;
  udp_memory_.reset(new std::uint8_t[count * size]);
  udp_slots_.resize(count);
  udp_runs_.reserve(count);
  for (std::size_t i = 0; i < count; ++i)
    udp_slots_[i].buffer = {udp_memory_.get() + i * size, size};
}

void Host::watch() {
  if (!sealing_) loop_.watch_readable(tun_->fd(), [this] { read_tun(); });
  for (auto* socket : {&sockets_.v4, &sockets_.v6})
    if (*socket) loop_.watch_readable((*socket)->fd(), [this, socket] { read_underlay(**socket); });
  for (const int fd : {lan_->v4_fd(), lan_->v6_fd()})
    if (fd >= 0) loop_.watch_readable(fd, [this] { read_lan(); });
  loop_.watch_readable(monitor_->fd(), [this] { look_at_interfaces(); });
  loop_.on_deadline([this] { on_deadline(); });
  loop_.on_signals({SIGTERM, SIGINT, SIGHUP}, [this](int) { stop(0); });
}

int Host::run() {
  watch();
  const Now now = io::read_clocks();
  started_ = now.mono;
  next_tick_ = now.mono + kTick;
  if (auto list = monitor_->list()) interfaces_ = std::move(list).value();
  lan_->update(interfaces_);
  greet();
  look_at_ladder();
  core_->set_copy_dscp(config_.data_plane.copy_dscp);
  core_->start(now, interfaces_);
  recall(now);
  if (dht_) {
    dht_->interfaces_changed(interfaces_);
    dht_->start(now);
  }
  rearm();
  manager_.ready(config_.interface + " is up");
  loop_.run();
  return exit_code_;
}

void Host::stop(int exit_code) {
  exit_code_ = exit_code;
  manager_.stopping();
  remember(io::read_clocks());
  core_->shutdown(io::read_clocks());
  if (sealing_) sealing_->stop();  // when it has sent the goodbyes
  log(LogLevel::info, "stopped");
  loop_.stop();
}

void Host::read_tun() {
  const auto frames = tun_reader_.read(*tun_);
  if (!frames.empty()) core_->from_tun(io::read_clocks(), frames);
  if (tun_->gone()) {
    loop_.unwatch(tun_->fd());
    return interface_gone();
  }
  rearm();
}

void Host::interface_gone() {
  log(LogLevel::error, "the interface " + config_.interface + " was deleted: stopping");
  stop(1);
}

void Host::read_underlay(io::UdpSocket& socket) {
  const Now now = io::read_clocks();
  std::size_t bytes = 0;
  for (int turn = 0; turn < kTurns && bytes < kTurnBytes; ++turn) {
    const std::size_t n = socket.recv_batch(udp_slots_);
    udp_runs_.clear();
    for (std::size_t i = 0; i < n; ++i) {
      udp_runs_.push_back(udp_slots_[i].run);
      bytes += udp_slots_[i].run.data.size();
    }
    if (n > 0) core_->from_underlay(now, udp_runs_);
    if (n < udp_slots_.size()) break;
  }
  rearm();
}

void Host::read_lan() {
  const Now now = io::read_clocks();
  std::array<std::array<std::uint8_t, 256>, 16> memory;
  std::array<io::LanDatagram, 16> slots;
  for (std::size_t i = 0; i < slots.size(); ++i) slots[i].buffer = memory[i];
  const std::size_t n = lan_->receive(slots);
  for (std::size_t i = 0; i < n; ++i)
    core_->from_lan(now, {slots[i].source, slots[i].ifindex, slots[i].data});
  rearm();
}

void Host::look_at_interfaces() {
  if (!monitor_->drain()) return;
  auto list = monitor_->list();
  if (!list || *list == interfaces_) return;
  interfaces_ = std::move(list).value();
  lan_->update(interfaces_);
  core_->interfaces_changed(io::read_clocks(), interfaces_);
  if (dht_) dht_->interfaces_changed(interfaces_);
  rearm();
}

// What the kernel does for us may become less: that is told once, and no more super-frames are made
// of what it does not take.
void Host::look_at_ladder() {
  Ladder now =
      ladder_of(config_.data_plane, *tun_, sockets_, sealing_ ? &sealing_->report() : nullptr);
  if (now == ladder_) return;
  for (const std::string& line : lost_rungs(ladder_, now)) log(LogLevel::info, line);
  ladder_ = std::move(now);
  core_->set_coalescing({tun_->offloads().tso.active, tun_->offloads().uso.active});
}

void Host::on_deadline() {
  const Now now = io::read_clocks();
  const auto due = core_->next_deadline();
  if (due && *due <= now.mono) core_->timeout(now);
  if (dht_) dht_->timeout(now);
  if (now.mono >= next_tick_) {
    next_tick_ = now.mono + kTick;
    manager_.alive(now.mono);
    control_->tick(now.mono);
    note_forbidden(now.mono);
    look_at_ladder();
    if (dht_) dht_->tick(now);
    warn_unless_alone(now);
    if (now.mono >= next_memory_) remember(now);
  }
  rearm();
}

// After each input of the core.
void Host::rearm() {
  tell_too_big();
  TimePoint next = next_tick_;
  if (const auto due = core_->next_deadline()) next = std::min(next, *due);
  if (const auto due = dht_ ? dht_->next_deadline() : std::nullopt) next = std::min(next, *due);
  loop_.set_deadline(next);
}

void Host::send(std::span<const DatagramRun> runs) {
  for (const DatagramRun& run : runs) note_spoken(run.path, run.data);
  sender_.send(runs);
}

// The core hears of it when it has done its work. What it sends in answer may be too big again;
// what is more than a few waits for next time.
void Host::tell_too_big() {
  auto& too_big = sender_.too_big();
  for (std::size_t told = 0; told < UnderlaySender::kMostTooBig && !too_big.empty(); ++told) {
    const UnderlaySender::TooBig refused = too_big.back();
    too_big.pop_back();
    core_->too_big(io::read_clocks(), refused.path, refused.size);
  }
}

// Past the first router, dead at the second: it must not reach the peer's.
void Host::open_way(const Path& path) {
  constexpr int kTimeToLive = 2;
  constexpr std::uint8_t kOpener[] = {static_cast<std::uint8_t>(wire::MessageType::probe)};
  note_spoken(path, kOpener);
  if (sockets_.v4 && path.remote.ip.is_v4())
    sockets_.v4->send_short_lived(path, kOpener, kTimeToLive);
}

// Data goes only where there was a probe before.
void Host::note_spoken(const Path& path, ByteView datagram) {
  constexpr auto kData = static_cast<std::uint8_t>(wire::MessageType::data);
  if (dht_ && !datagram.empty() && datagram[0] != kData)
    dht_->spoke_to(io::read_clocks().mono, path.remote);
}

void Host::send_beacon(const discovery::BeaconTransmit& beacon) {
  const bool sent =
      beacon.destination
          ? lan_->send_v4(beacon.interface, beacon.source, beacon.destination, beacon.datagram)
          : lan_->send_v6(beacon.interface, beacon.source, beacon.datagram);
  if (!sent) drops_.count(Drop::send_failed);
}

void Host::ask_dht(const discovery::DhtRequest& request) {
  if (dht_) dht_->ask(request);
}

void Host::pass_on(wire::Protocol protocol, const Path& path, ByteView datagram) {
  if (dht_) return dht_->datagram_in(io::read_clocks(), protocol, path, datagram);
  drops_.count(Drop::unknown_type);
}

void Host::to_tun(std::span<const TunFrame> frames) {
  drops_.count(Drop::tun_failed, tun_->write_batch(frames).dropped);
}

std::vector<IpAddress> Host::own_addresses() const {
  std::vector<IpAddress> out{core_->engine().address()};
  for (const Cidr& address : config_.addresses) out.push_back(address.ip);
  return out;
}

void Host::say(LogLevel level, const std::string& line) {
  if (!story_) return log(level, line);
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

void Host::greet() {
  for (const std::string& notice : network_.notices) say(LogLevel::info, notice);
  for (const std::string& notice : state_->take_notices()) log(LogLevel::warn, notice);
  if (!sockets_.notice.empty()) config_.notices.push_back(sockets_.notice);
  for (const std::string& notice : config_.notices) log(LogLevel::warn, notice);
  const auto join = join_line(config_, network_.secret);
  // The join line holds the secret: for a person at a terminal, never for a log.
  for (const std::string& line : started(config_.interface, own_addresses(),
                                         network_.secret.fingerprint(), story_ ? &join : nullptr))
    say(LogLevel::info, line);
}

void Host::tell(const overlay::Event& event) {
  if (control_) control_->tell(event);
  if (const auto* e = std::get_if<overlay::PeerConnected>(&event)) {
    if (!second_member_seen_) {
      second_member_seen_ = true;
      if (auto noted = state_->note_second_member(); !noted)
        log(LogLevel::error, noted.error().message);
    }
    say(LogLevel::info, connected(shown_name(e->name, e->id), e->took, e->rtt));
  } else if (const auto* lost = std::get_if<overlay::PeerLost>(&event)) {
    say(LogLevel::info, shown_name(lost->name, lost->id) +
                            (lost->goodbye ? " said goodbye" : " does not answer any more"));
  } else if (const auto* conflict = std::get_if<overlay::AddressConflict>(&event)) {
    say(LogLevel::warn, shown_name(conflict->name, conflict->id) + " claims " +
                            conflict->address.to_string() +
                            ", which somebody else holds: it gets no route");
  } else if (const auto* nat = std::get_if<overlay::NatKnown>(&event)) {
    if (dht_) dht_->nat_known(*nat);
  } else if (const auto* servers = std::get_if<overlay::ServersKnown>(&event)) {
    if (dht_) dht_->servers_known(*servers);
  } else if (std::holds_alternative<overlay::TwinIdentity>(event)) {
    say(LogLevel::warn, "another machine uses this node's identity: was its state copied? Remove " +
                            state_->path() + "/identity on one of the two");
  }
}

void Host::recall(Now now) {
  auto members = state_->load_members(network_.secret.fingerprint());
  for (const std::string& notice : state_->take_notices()) log(LogLevel::warn, notice);
  if (!members) return log(LogLevel::warn, members.error().message);  // only a cache
  core_->recall(now, *members);
  remembered_version_ = core_->engine().memory_version();
  log(LogLevel::debug, "remembered members: " + std::to_string(members->size()));
}

void Host::remember(Now now) {
  next_memory_ = now.mono + kRememberEvery;
  const std::uint64_t version = core_->engine().memory_version();
  if (version == remembered_version_) return;
  const auto members = core_->engine().memory(now);
  next_memory_ += kRememberEvery * static_cast<int>(members.size() / kMembersPerPause);
  const auto stored = state_->store_members({network_.secret.fingerprint(), members});
  if (stored) {
    remembered_version_ = version;
  } else if (!std::exchange(told_memory_failed_, true)) {
    log(LogLevel::warn, stored.error().message);
  }
}

void Host::warn_unless_alone(Now now) {
  if (told_alone_ || second_member_seen_ || now.mono - started_ < kAloneAfter) return;
  told_alone_ = true;
  say(LogLevel::info, alone(network_.secret.fingerprint()));
}

void Host::note_forbidden(TimePoint now) {
  if (std::exchange(forbidden_before_, sender_.forbidden()) != sender_.forbidden())
    forbidden_at_ = now;
}

control::HereEvidence Host::evidence() const {
  const TimePoint now = io::read_clocks().mono;
  const overlay::Snapshot mesh = core_->engine().snapshot(now);
  control::HereEvidence out;
  out.lan_only = config_.lan_only;
  out.up_s = static_cast<std::uint64_t>((now - started_) / seconds(1));
  out.has_address = has_address(interfaces_);
  if (dht_) {
    const auto bootstraps = dht_->status().bootstraps;
    out.bootstraps = bootstraps.size();
    out.bootstraps_up = static_cast<std::uint64_t>(std::count_if(
        bootstraps.begin(), bootstraps.end(), [](const auto& each) { return each.up; }));
  }
  const bool far = std::any_of(mesh.peers.begin(), mesh.peers.end(), [](const auto& peer) {
    return peer.path && peer.path_kind == discovery::PathKind::direct;
  });
  out.heard_from_afar = far || out.bootstraps_up > 0 || !mesh.reflexive.empty();
  if (forbidden_at_ && now - *forbidden_at_ < kLately) out.sends_forbidden = sender_.forbidden();
  out.nat = to_control(mesh.nat);
  out.known_members = std::max<std::uint64_t>(mesh.known, mesh.peers.size());
  out.fingerprint = network_.secret.fingerprint();
  return out;
}

control::Snapshot Host::status() const {
  StatusFacts facts{*core_, config_, io::read_clocks().mono, started_};
  facts.addresses = own_addresses();
  facts.port = sockets_.port;
  facts.fingerprint = network_.secret.fingerprint();
  facts.drops = drops_;
  facts.drops.add(sender_.drops());
  facts.data_plane.rungs = ladder_;
  facts.data_plane.threads = sealing_ ? 2 : 1;
  if (dht_) {
    facts.drops.add(dht_->drops());
    facts.discovery = dht_->status();
  }
  return make_status(facts);
}

}  // namespace meshnode::node
