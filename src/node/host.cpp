#include "node/host.h"

#include <csignal>
#include <cstdio>

#include <unistd.h>

#include "base/earliest.h"
#include "crypto/providers.h"
#include "crypto/suite.h"
#include "io/clock.h"
#include "io/log.h"
#include "monitor/rights.h"
#include "node/cpu.h"
#include "node/evidence.h"
#include "node/status.h"
#include "node/story.h"
#include "node/terminal.h"
#include "tun/configure.h"

namespace meshnode::node {

using io::log, io::plain;

namespace {

// Where datagrams come in runs; only touched pages cost memory.
constexpr std::size_t kRunSlots = 32;
// Where they come singly: room for the largest frame of a peer with the largest MTU we allow.
constexpr std::size_t kDatagramSlots = 64;
constexpr std::size_t kDatagramSlot = 10 * 1024;
// Batches per turn, where they are small.
constexpr int kTurns = 4;
constexpr Duration kTick = seconds(1);
// Of sockets for meshctl; no other folder around a socket is ours.
constexpr const char* kRunFolder = "/run/meshnode/";
// What explains the present.
constexpr Duration kLately = seconds(30);

}  // namespace

Result<std::unique_ptr<Host>> Host::open(Config config, std::vector<std::string> arguments,
                                         const monitor::Link& link, monitor::Kept kept) {
  std::unique_ptr<Host> host(
      new Host(std::move(config), std::move(arguments), link, std::move(kept)));
  host->story_ = is_terminal(STDOUT_FILENO);
  using Step = Status (Host::*)();
  for (const Step step : {&Host::open_state, &Host::open_network, &Host::open_interface,
                          &Host::open_names, &Host::open_control, &Host::open_metrics,
                          &Host::give_up_rights, &Host::open_dht, &Host::open_sealing}) {
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
  auto state = lock_state_dir(config_.state_dir, getppid());
  if (!state) return state.error();
  state_ = std::move(state).value();
  auto network = settle_network(config_, *state_, random_,
                                [this] { say(LogModule::node, LogLevel::info, deriving_key()); });
  if (!network) return network.error();
  network_ = std::move(network).value();
  auto seed = state_->identity(random_);
  // Said at once: a lost identity must not go unsaid because something fails later.
  warn_of(state_->take_notices());
  if (!seed) return seed.error();
  auto port = state_->port();
  if (!port) return port.error();
  numbers_ = std::make_unique<ReservedNumbers>(
      [this](std::uint64_t count) {
        return state_->reserve_numbers(io::read_clocks().unix, count);
      },
      [](const Error& error) { log(LogModule::node, LogLevel::error, {plain(error.message)}); });
  auto sockets = sockets_for(*port);
  if (!sockets) return sockets.error();
  sockets_ = std::move(sockets).value();
  if (sockets_.v4) link_.keep(monitor::Slot::udp_v4, sockets_.v4->fd());
  if (sockets_.v6) link_.keep(monitor::Slot::udp_v6, sockets_.v6->fd());
  if (auto stored = state_->store_port(sockets_.port); !stored) return stored.error();
  make_core(std::move(seed).value());
  return success();
}

Result<PortSockets> Host::sockets_for(std::optional<std::uint16_t> remembered) {
  auto v4 = kept_.take(monitor::Slot::udp_v4);
  auto v6 = kept_.take(monitor::Slot::udp_v6);
  if (v4 || v6) {
    auto kept = adopt_port(std::move(v4), std::move(v6), config_.data_plane);
    if (!config_.port || *config_.port == kept.port) return kept;
  }
  return open_port(config_.port, remembered, config_.data_plane, random_);
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
  engine.share_map = config_.share_map;
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

Result<std::unique_ptr<tun::Device>> Host::device() {
  tun::DeviceOptions options;
  options.offloads = config_.data_plane.tun_offloads;
  options.tcp_coalescing = config_.data_plane.tun_tcp_coalescing;
  options.udp_coalescing = config_.data_plane.tun_udp_coalescing;
  options.splitter = &splitter_;
  auto kept = kept_.take(monitor::Slot::interface);
  interface_is_new_ = !kept || tun::interface_of(kept.get()) != config_.interface;
  if (!interface_is_new_) return tun::adopt_device(kept.release(), options);
  return tun::open_device(config_.interface, options);
}

Status Host::open_interface() {
  auto opened = device();
  if (!opened) return opened.error();
  tun_ = std::move(opened).value();
  link_.keep(monitor::Slot::interface, tun_->fd());
  tun::Settings settings;
  settings.name = config_.interface;
  settings.mtu = config_.mtu;
  settings.passed_on = !interface_is_new_;
  settings.addresses.push_back(
      {core_->engine().address(), overlay::overlay_prefix(network_.secret.id()).prefix});
  settings.addresses.insert(settings.addresses.end(), config_.addresses.begin(),
                            config_.addresses.end());
  auto configured = tun::configure(settings);
  if (!configured) return configured.error();
  if (!configured->ipv6) config_.notices.push_back(configured->why_no_ipv6);
  return success();
}

// All that needs them has been opened. Where the service's user cannot work in the state folder,
// the process keeps its user, and no more than that.
Status Host::give_up_rights() {
  auto user = monitor::service_user();
  if (user && !monitor::give_folder(config_.state_dir, *user, &StateDir::is_ours)) {
    config_.notices.push_back("the user " + std::string(monitor::kServiceUser) + " cannot use " +
                              config_.state_dir + ": staying root, without its capabilities");
    user.reset();
  }
  // Where it removes its socket at the end.
  if (user && config_.control.starts_with(kRunFolder))
    monitor::give_folder(kRunFolder, *user, [](std::string_view) { return true; });
  if (auto done = monitor::drop_rights(user); !done) return done;
  return monitor::filter_system_calls();
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
  doors.say = [this](LogLevel level, const io::LogLine& line) {
    say(LogModule::discovery, level, line);
  };
  doors.bootstrap_changed = [this](const std::string& name, bool up) {
    if (control_) control_->bootstrap_changed(name, up);
  };
  doors.watch = [this](int fd, std::function<void()> readable) { watch(fd, std::move(readable)); };
  doors.unwatch = [this](int fd) { loop_.unwatch(fd); };
  doors.want_dht_child = [this] { link_.want_dht(); };
  auto dht = DhtService::open(config_, sockets_, random_, *core_, std::move(doors));
  if (!dht) return dht.error();
  dht_ = std::move(dht).value();
  return success();
}

Status Host::open_control() {
  control::LoopDoor door{
      [this](int fd, std::function<void()> readable) { watch(fd, std::move(readable)); },
      [this](int fd) { loop_.unwatch(fd); }};
  ControlDesk::Facts facts{[this] { return status(); },
                           [this] { return join_line(config_, network_.secret); },
                           [this] { return evidence(); },
                           [] { return io::read_clocks(); },
                           [this]() -> Result<std::string> {
                             auto plan = reload();
                             if (!plan) return plan.error();
                             return to_json(*plan);
                           },
                           [this] { link_.ask_for_upgrade(); }};
  auto desk = ControlDesk::open(config_, sockets_.port, *core_, std::move(door), std::move(facts));
  if (!desk) return desk.error();
  control_ = std::move(desk).value();
  return success();
}

Status Host::open_metrics() {
  if (!config_.metrics) return success();
  auto desk = MetricsDesk::open(*config_.metrics, loop_, [this] { return status(); });
  if (!desk) return desk.error();
  metrics_ = std::move(desk).value();
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
  loop_.on_signals({SIGTERM, SIGINT, SIGHUP}, [this](int number) { on_signal(number); });
  loop_.watch_readable(link_.fd(), [this] {
    link_.read({.leave = [this] { leave(); },
                .refused = [this](const std::string& why) { control_->upgrade_refused(why); },
                .dht =
                    [this](io::UniqueFd dht) {
                      if (dht_) dht_->attach(std::move(dht));
                      rearm();
                    },
                .gone = [] { std::_Exit(1); }});
  });
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
  memory_.recall(now, *state_, network_.secret.fingerprint(), *core_);
  if (dht_) {
    dht_->interfaces_changed(interfaces_);
    dht_->start(now);
  }
  start_names();
  rearm();
  if (interface_is_new_)
    link_.happened(interface_facts(monitor::HookEvent::interface_up, hook_subject()));
  link_.ready(config_.interface + " is up");
  loop_.run();
  return exit_code_;
}

void Host::stop(int exit_code) {
  if (std::exchange(stopping_, true)) return;
  exit_code_ = exit_code;
  link_.stopping();
  remember(io::read_clocks());
  core_->shutdown(io::read_clocks());
  if (sealing_) sealing_->stop();  // when it has sent the goodbyes
  log(LogModule::node, LogLevel::info, {"stopped"});
  loop_.stop();
}

void Host::on_signal(int number) {
  if (number != SIGHUP) return stop(0);
  const auto plan = reload();
  log(LogModule::node, plan ? LogLevel::info : LogLevel::error,
      {plain(plan ? sentence(*plan) : plan.error().message)});
}

// All of it is right, or nothing of it is taken.
Result<ReloadPlan> Host::reload() {
  auto parsed = parse_again(arguments_);
  if (const auto* error = std::get_if<Error>(&parsed)) return *error;
  const auto* wanted = std::get_if<Config>(&parsed);
  if (wanted == nullptr) return Error::usage("the options ask for no work");
  const ReloadPlan plan = plan_reload(config_, *wanted);
  take_live(config_, *wanted);
  io::set_log(config_.log);
  core_->set_copy_dscp(config_.data_plane.copy_dscp);
  if (dht_) dht_->settings_changed(io::read_clocks());
  link_.reloaded();
  tell_hosts_file();
  rearm();
  return plan;
}

// Another worker goes on where this one ends: the others hear nothing of it.
void Host::leave() {
  if (std::exchange(stopping_, true)) return;
  remember(io::read_clocks());
  if (sealing_) sealing_->stop();
  log(LogModule::node, LogLevel::info, {"a successor takes over"});
  control_->leave();
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
  log(LogModule::tun, LogLevel::error,
      {"the interface ", plain(config_.interface), " was deleted: stopping"});
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
  for (const std::string& line : lost_rungs(ladder_, now))
    log(LogModule::dataplane, LogLevel::info, {plain(line)});
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
    link_.alive();
    io::log_tick();
    control_->tick(now.mono);
    if (metrics_) metrics_->tick();
    note_forbidden(now.mono);
    look_at_ladder();
    look_at_names(now.mono);
    if (dht_) dht_->tick(now);
    warn_unless_alone(now);
    if (memory_.due(now.mono)) remember(now);
  }
  rearm();
}

// After each input of the core.
void Host::rearm() {
  tell_too_big();
  loop_.set_deadline(
      earliest({next_tick_, core_->next_deadline(), dht_ ? dht_->next_deadline() : std::nullopt}));
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

void Host::say(LogModule module, LogLevel level, const io::LogLine& line) {
  if (!story_) return log(module, level, line);
  std::printf("%s\n", line.text().c_str());
  std::fflush(stdout);
}

void Host::greet() {
  for (const std::string& notice : network_.notices)
    say(LogModule::node, LogLevel::info, {plain(notice)});
  warn_of(state_->take_notices());
  if (!sockets_.notice.empty()) config_.notices.push_back(sockets_.notice);
  warn_of(config_.notices);
  const auto join = join_line(config_, network_.secret);
  // The join line holds the secret: for a person at a terminal, never for a log.
  for (const io::LogLine& line : started(config_.interface, own_addresses(),
                                         network_.secret.fingerprint(), story_ ? &join : nullptr))
    say(LogModule::node, LogLevel::info, line);
}

void Host::tell(const overlay::Event& event) {
  if (const auto facts = peer_facts(event, hook_subject())) link_.happened(*facts);
  if (control_) control_->tell(event);
  if (std::holds_alternative<overlay::PeerConnected>(event) && !second_member_seen_) {
    second_member_seen_ = true;
    if (auto noted = state_->note_second_member(); !noted)
      log(LogModule::node, LogLevel::error, {plain(noted.error().message)});
  }
  if (const auto* nat = std::get_if<overlay::NatKnown>(&event); nat != nullptr && dht_)
    dht_->nat_known(*nat);
  if (const auto* servers = std::get_if<overlay::ServersKnown>(&event); servers != nullptr && dht_)
    dht_->servers_known(*servers);
  if (const auto line = told(event, state_->path()))
    say(LogModule::overlay, line->level, line->line);
}

HookSubject Host::hook_subject() const {
  return {config_, network_.secret, core_->engine().address()};
}

void Host::remember(Now now) {
  memory_.remember(now, *state_, network_.secret.fingerprint(), *core_);
}

void Host::warn_unless_alone(Now now) {
  if (told_alone_ || second_member_seen_ || now.mono - started_ < kAloneAfter) return;
  told_alone_ = true;
  say(LogModule::overlay, LogLevel::info, {plain(alone(network_.secret.fingerprint()))});
}

void Host::note_forbidden(TimePoint now) {
  if (std::exchange(forbidden_before_, sender_.forbidden()) != sender_.forbidden())
    forbidden_at_ = now;
}

control::HereEvidence Host::evidence() const {
  HereFacts facts{*core_, config_, interfaces_, io::read_clocks(), started_};
  facts.fingerprint = network_.secret.fingerprint();
  if (dht_) facts.discovery = dht_->status();
  if (forbidden_at_ && facts.now.mono - *forbidden_at_ < kLately)
    facts.sends_forbidden = sender_.forbidden();
  return here_evidence(facts);
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
  facts.names = names_status();
  if (dht_) {
    facts.drops.add(dht_->drops());
    facts.discovery = dht_->status();
  }
  return make_status(facts);
}

}  // namespace meshnode::node
