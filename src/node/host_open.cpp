// Host: all that it opens, up to the line behind which it has no rights.
#include <unistd.h>

#include "crypto/providers.h"
#include "crypto/suite.h"
#include "io/clock.h"
#include "io/log.h"
#include "monitor/rights.h"
#include "node/cpu.h"
#include "node/host.h"
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
// Of sockets for meshctl; no other folder around a socket is ours.
constexpr const char* kRunFolder = "/run/meshnode/";

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
  io::LoopDoor door{
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

}  // namespace meshnode::node
