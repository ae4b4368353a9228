// meshnode's machine around the core: sockets, TUN device, clocks, control socket, one event loop.
// Almost no logic.
#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "crypto/random.h"
#include "io/event_loop.h"
#include "io/interface_monitor.h"
#include "io/lan_socket.h"
#include "monitor/link.h"
#include "node/config.h"
#include "node/control_desk.h"
#include "node/data_plane.h"
#include "node/dht_service.h"
#include "node/hook_facts.h"
#include "node/member_memory.h"
#include "node/metrics_desk.h"
#include "node/name_service.h"
#include "node/reload.h"
#include "node/reserved_numbers.h"
#include "node/sealing_thread.h"
#include "node/sockets.h"
#include "node/start_rules_settle.h"
#include "node/state_dir.h"
#include "node/tun_reader.h"
#include "node/underlay_sender.h"
#include "overlay/core.h"
#include "tun/device.h"

namespace meshnode::node {

class Host final : public overlay::Machine {
 public:
  // Everything that can fail, fails here. Privileges have been checked.
  // Afterwards only the rights are left that it needs to run; `kept` is what an earlier worker
  // left. `arguments` are read again by reload().
  static Result<std::unique_ptr<Host>> open(Config config, std::vector<std::string> arguments,
                                            const monitor::Link& link, monitor::Kept kept);
  ~Host() override;

  // Until SIGTERM or SIGINT (0), or until the world takes something away that it cannot work
  // without (1). Says goodbye to the peers, unless a successor takes over.
  int run();

  // overlay::Machine
  void send(std::span<const DatagramRun> runs) override;
  void open_way(const Path& path) override;
  void send_beacon(const discovery::BeaconTransmit& beacon) override;
  void to_tun(std::span<const TunFrame> frames) override;
  void tell(const overlay::Event& event) override;
  void ask_dht(const discovery::DhtRequest& request) override;
  void pass_on(wire::Protocol protocol, const Path& path, ByteView datagram) override;

 private:
  Host(Config config, std::vector<std::string> arguments, const monitor::Link& link,
       monitor::Kept kept)
      : config_(std::move(config)),
        arguments_(std::move(arguments)),
        link_(link),
        kept_(std::move(kept)) {}

  Status open_state();
  Result<PortSockets> sockets_for(std::optional<std::uint16_t> remembered);
  void make_core(crypto::Ed25519Seed seed);
  Status open_network();
  Status open_interface();
  Result<std::unique_ptr<tun::Device>> device();
  Status open_names();
  Status open_control();
  Status open_metrics();
  Status give_up_rights();
  Status open_dht();
  Status open_sealing();
  void make_buffers();

  void watch();
  void watch(int fd, std::function<void()> readable) {
    loop_.watch_readable(fd, [this, readable = std::move(readable)] {
      readable();
      rearm();
    });
  }
  void note_spoken(const Path& path, ByteView datagram);

  void start_names();
  void look_at_names(TimePoint now);
  void tell_hosts_file();
  control::NamesStatus names_status() const;

  void read_tun();
  void interface_gone();
  void read_underlay(io::UdpSocket& socket);
  void read_lan();
  void look_at_interfaces();
  void look_at_ladder();
  void on_deadline();
  void tell_too_big();
  void rearm();
  void stop(int exit_code);
  void leave();
  Result<ReloadPlan> reload();
  void on_signal(int number);

  void greet();
  // To a person at a terminal, who sees addresses: it is nothing that is kept. Else to the log.
  void say(LogModule module, LogLevel level, const io::LogLine& line);
  HookSubject hook_subject() const;
  void remember(Now now);
  void warn_unless_alone(Now now);
  std::vector<IpAddress> own_addresses() const;
  control::Snapshot status() const;
  control::HereEvidence evidence() const;
  void note_forbidden(TimePoint now);

  Config config_;
  std::vector<std::string> arguments_;  // without secrets
  const monitor::Link& link_;
  monitor::Kept kept_;
  bool story_ = false;  // on a terminal: lines for a person, on stdout
  std::unique_ptr<StateDir> state_;
  SettledNetwork network_;
  crypto::SystemRandom random_;
  std::unique_ptr<ReservedNumbers> numbers_;
  io::EventLoop loop_;
  PortSockets sockets_;
  std::optional<io::LanSocket> lan_;
  std::optional<io::InterfaceMonitor> monitor_;
  Interfaces interfaces_;
  SuperFrameSplitter splitter_;
  std::unique_ptr<tun::Device> tun_;
  Ladder ladder_;
  std::unique_ptr<overlay::Core> core_;
  std::unique_ptr<SealingThread> sealing_;  // null where the loop does it
  std::unique_ptr<DhtService> dht_;         // null with --lan-only
  std::unique_ptr<ControlDesk> control_;
  std::unique_ptr<NameService> names_;
  std::unique_ptr<MetricsDesk> metrics_;  // null unless they are wanted
  TimePoint started_{};
  TimePoint next_tick_{};
  bool second_member_seen_ = false;
  bool told_alone_ = false;
  MemberMemory memory_;
  bool interface_is_new_ = true;  // not kept from an earlier worker
  bool stopping_ = false;
  int exit_code_ = 0;
  DropCounters drops_;
  std::uint64_t forbidden_before_ = 0;  // sends, up to the last tick
  std::optional<TimePoint> forbidden_at_;

  UnderlaySender sender_{sockets_};

  // Lent to devices and pumps, one call at a time. Not zeroed: pages that nothing touches cost
  // nothing.
  TunReader tun_reader_;
  std::unique_ptr<std::uint8_t[]> udp_memory_;
  std::vector<io::RecvSlot> udp_slots_;
  std::vector<DatagramRun> udp_runs_;
};

}  // namespace meshnode::node
