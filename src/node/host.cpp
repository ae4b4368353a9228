#include "node/host.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "base/earliest.h"
#include "io/clock.h"
#include "io/log.h"
#include "node/evidence.h"
#include "node/status.h"
#include "node/story.h"
#include "node/terminal.h"

namespace meshnode::node {

using io::log, io::plain;

namespace {

// Batches per turn, where they are small.
constexpr int kTurns = 4;
constexpr Duration kTick = seconds(1);
// What explains the present.
constexpr Duration kLately = seconds(30);

}  // namespace

// The threads use the sockets, the interface and the loop: they end first.
Host::~Host() {
  sealing_.reset();
  dht_.reset();
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
