// The small parent of a program: it keeps the rights that its worker gives up, the descriptors that
// a later worker goes on with, and the line to the service manager. It reads nothing that comes
// from a network.
//
//   monitor ── socketpair, fixed messages (message.h) ── worker
//
// Invariants
//  1. The program ends with its worker, and with its exit code, unless another worker takes over:
//     after an upgrade, or after a crash (a signal that nobody here sent), at most kMostCrashes
//     times in kCrashWindow.
//  2. Of an upgrade either all happens or nothing: the worker leaves when its successor has said
//     that it is prepared, never before. Patience with who is to prepare or to end is bounded.
//  3. What one worker keeps is handed to the next, never to both at once for use.
//  4. Every interface-up is followed by an interface-down, when the worker has ended for good and
//     the interface is still there.
//  5. When the monitor ends in any way, the worker ends (PR_SET_PDEATHSIG).
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "io/child_program.h"
#include "io/event_loop.h"
#include "io/service_manager.h"
#include "monitor/hooks.h"
#include "monitor/link.h"
#include "monitor/names.h"
#include "monitor/start.h"

namespace meshnode::monitor {

// What of the configuration the monitor itself acts on.
struct Settings {
  HookPrograms hooks{};
  NameSettings names{};
};

struct Program {
  std::string path;                        // of later workers
  std::vector<std::string> arguments;      // of later workers: without secrets
  std::function<int(Channel)> first_work;  // of the first one, in a fork of this process
  std::function<void()> forget_secrets;    // after that fork, in this process
  std::string dht_program;                 // the process with OpenDHT; empty: none is wanted
  Settings settings;
  // As the configuration says now; nothing if it cannot be read.
  std::function<std::optional<Settings>()> read_settings;
  Duration patience = seconds(8);  // with a worker that is to prepare, to leave or to end
};

class Monitor {
 public:
  static constexpr std::size_t kMostCrashes = 5;
  static constexpr Duration kCrashWindow = minutes(1);

  explicit Monitor(Program program) : program_(std::move(program)) {}

  // Until the worker has ended for good; the exit code. Handles SIGTERM and SIGINT (end), SIGHUP
  // (passed on) and SIGUSR2 (upgrade).
  int run();

 private:
  struct Worker {
    Process process;
    bool prepared = false;
    std::string complaint{};  // why it cannot go on
  };

  Status start_first();
  void start_next();
  void watch(Worker& worker);
  void forget(std::optional<Worker>& worker);
  // At most `most` messages: one worker's talk holds up neither signals nor timers.
  void read(pid_t pid, std::size_t most);
  void tell(const Worker& worker, const Message& message, int fd = -1);
  void heard_current(Message message);
  void happened(const std::string& text);
  void keep(Message message);
  void reloaded();
  void apply(Settings settings);
  void heard_of_names(const Message& message);
  void open_dht();
  void heard_next(const Message& message);
  void upgrade();
  void hand_over();
  void give_time();
  void out_of_patience();
  void refuse(const std::string& why);

  void on_signal(int number);
  void on_deadline();
  void reap();
  void current_ended(int status);
  void next_ended();
  bool may_start_again(TimePoint now);
  void end(int exit_code);
  void end_if_idle();
  void rearm();

  Program program_;
  io::ServiceManager manager_;
  std::optional<Worker> current_;
  std::optional<Worker> next_;  // started anew, not at work yet
  bool leaving_ = false;        // current_ was told to leave
  bool ending_ = false;         // we were told to end
  std::array<io::UniqueFd, kSlots> kept_;
  std::vector<TimePoint> crashes_;
  std::optional<int> exit_code_;  // the worker has ended for good
  Hooks hooks_;
  std::optional<HookFacts> interface_up_;  // told, and not taken back yet
  std::optional<TimePoint> patience_;      // with whoever is to prepare, or to leave
  std::optional<io::EventLoop> loop_;      // only after the first fork
  std::optional<Names> names_;             // as long as the loop
  std::optional<io::ChildProgram> dht_;  // its sockets go to the worker, and nothing of it is read
};

}  // namespace meshnode::monitor
