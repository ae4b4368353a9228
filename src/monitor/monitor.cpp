#include "monitor/monitor.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <sys/wait.h>

#include "base/earliest.h"
#include "io/clock.h"
#include "io/log.h"

namespace meshnode::monitor {

using io::log;
using io::LogLevel;
using io::LogModule;
using io::plain;

namespace {

constexpr std::size_t kTurn = 64;           // messages
constexpr std::size_t kLastWords = 10'000;  // more than its socket holds

}  // namespace

int Monitor::run() {
  if (auto started = start_first(); !started) {
    log(LogModule::monitor, LogLevel::error, {plain(started.error().message)});
    return started.error().exit_code();
  }
  loop_.emplace();
  loop_->on_signals({SIGTERM, SIGINT, SIGHUP, SIGUSR2, SIGCHLD},
                    [this](int number) { on_signal(number); });
  loop_->on_deadline([this] { on_deadline(); });
  names_.emplace(*loop_);
  apply(program_.settings);
  if (!program_.dht_program.empty()) open_dht();
  watch(*current_);
  reap();  // it may have ended before anybody listened
  loop_->run();
  return exit_code_.value_or(1);
}

void Monitor::open_dht() {
  dht_.emplace(program_.dht_program, "the DHT's process",
               io::ChildProgram::Doors{[this](int fd, std::function<void()> readable) {
                                         loop_->watch_readable(
                                             fd, [this, readable = std::move(readable)] {
                                               readable();
                                               rearm();
                                             });
                                       },
                                       [this](int fd) { loop_->unwatch(fd); },
                                       [this](const io::UniqueFd& link) {
                                         if (current_)
                                           tell(*current_, {.kind = Kind::dht}, link.get());
                                       }});
}

Status Monitor::start_first() {
  auto process = fork_worker(program_.first_work);
  if (!process) return process.error();
  current_ = Worker{std::move(process).value(), true};
  program_.forget_secrets();
  return success();
}

void Monitor::watch(Worker& worker) {
  loop_->watch_readable(worker.process.channel.fd(),
                        [this, pid = worker.process.pid] { read(pid, kTurn); });
}

void Monitor::forget(std::optional<Worker>& worker) {
  if (!worker) return;
  loop_->unwatch(worker->process.channel.fd());
  worker.reset();
}

// ---- what the workers say

void Monitor::read(pid_t pid, std::size_t most) {
  for (std::size_t count = 0; count < most; ++count) {
    auto& worker = current_ && current_->process.pid == pid ? current_ : next_;
    if (!worker || worker->process.pid != pid) return;
    auto got = worker->process.channel.receive();
    if (got.closed) return loop_->unwatch(worker->process.channel.fd());  // SIGCHLD follows
    if (got.empty) return;
    if (!got.message) continue;
    if (&worker == &current_)
      heard_current(std::move(*got.message));
    else
      heard_next(*got.message);
  }
}

// Nothing of a worker's doing may stop us, not even that it does not listen.
void Monitor::tell(const Worker& worker, const Message& message, int fd) {
  if (worker.process.channel.offer(message, fd) || errno != EAGAIN) return;
  log(LogModule::monitor, LogLevel::error, {"the worker does not listen: it is killed"});
  kill(worker.process.pid, SIGKILL);
}

void Monitor::heard_current(Message message) {
  switch (message.kind) {
    case Kind::ready:
      return manager_.ready(message.text);
    case Kind::alive:
      return manager_.alive(io::read_clocks().mono);
    case Kind::stopping:
      return leaving_ ? void() : manager_.stopping();
    case Kind::keep:
      return keep(std::move(message));
    case Kind::upgrade:
      return upgrade();
    case Kind::happened:
      return happened(message.text);
    case Kind::want_dht:
      if (dht_) dht_->want(io::read_clocks().mono);
      return rearm();
    case Kind::reloaded:
      return reloaded();
    case Kind::names_at:
    case Kind::hosts:
    case Kind::hosts_end:
      return heard_of_names(message);
    default:
      return;
  }
}

void Monitor::keep(Message message) {
  auto& slot = kept_[static_cast<std::size_t>(message.slot)];
  slot = std::move(message.fd);
  if (message.slot == Slot::interface) names_->set_interface(io::read_clocks().mono, slot.get());
  rearm();
}

void Monitor::reloaded() {
  if (auto read = program_.read_settings()) apply(std::move(*read));
  rearm();
}

void Monitor::apply(Settings settings) {
  hooks_.set_programs(std::move(settings.hooks));
  names_->set_settings(io::read_clocks().mono, std::move(settings.names));
}

void Monitor::heard_of_names(const Message& message) {
  const TimePoint now = io::read_clocks().mono;
  if (message.kind == Kind::names_at) names_->server(now, message.text);
  if (message.kind == Kind::hosts) names_->lines(message.text);
  if (message.kind == Kind::hosts_end) names_->lines_end(now);
  rearm();
}

void Monitor::happened(const std::string& text) {
  auto facts = hook_from_text(text);
  if (!facts || facts->event == HookEvent::interface_down) return;
  if (facts->event == HookEvent::interface_up) interface_up_ = facts;
  hooks_.happened(io::read_clocks().mono, std::move(*facts));
  rearm();
}

void Monitor::heard_next(const Message& message) {
  if (message.kind == Kind::prepare_failed) next_->complaint = message.text;
  if (message.kind != Kind::prepared || next_->prepared) return;
  next_->prepared = true;
  if (!current_) return hand_over();
  leaving_ = true;
  tell(*current_, {.kind = Kind::leave});
  give_time();
}

// ---- changing workers

void Monitor::upgrade() {
  if (next_ || ending_) return;
  log(LogModule::monitor, LogLevel::info,
      {"starting ", plain(program_.path), " anew, to take over"});
  start_next();
}

void Monitor::start_next() {
  auto process = exec_worker(program_.path, program_.arguments);
  if (!process) return refuse(process.error().message);
  next_ = Worker{std::move(process).value()};
  watch(*next_);
  give_time();
}

void Monitor::hand_over() {
  patience_.reset();
  leaving_ = false;
  current_ = std::exchange(next_, std::nullopt);
  for (const Slot slot : {Slot::interface, Slot::udp_v4, Slot::udp_v6, Slot::names}) {
    const int fd = kept_[static_cast<std::size_t>(slot)].get();
    if (fd >= 0) tell(*current_, {.kind = Kind::kept, .slot = slot}, fd);
  }
  tell(*current_, {.kind = Kind::go});
}

void Monitor::refuse(const std::string& why) {
  log(LogModule::monitor, LogLevel::error, {plain(why)});
  if (current_)
    tell(*current_, {.kind = Kind::refused, .text = why});
  else
    end(1);
}

// Nobody answers: whoever was to end, to prepare, or to leave.
void Monitor::on_deadline() {
  const TimePoint now = io::read_clocks().mono;
  hooks_.timeout(now);
  names_->timeout(now);
  if (dht_ && !ending_) dht_->timeout(now);
  if (patience_ && *patience_ <= now) out_of_patience();
  end_if_idle();
}

void Monitor::give_time() {
  patience_ = io::read_clocks().mono + program_.patience;
  rearm();
}

void Monitor::rearm() {
  loop_->set_deadline(earliest({hooks_.next_deadline(), names_->next_deadline(), patience_,
                                dht_ && !ending_ ? dht_->next_deadline() : std::nullopt}));
}

void Monitor::out_of_patience() {
  patience_.reset();
  if ((ending_ || leaving_) && current_) {
    log(LogModule::monitor, LogLevel::warn, {"the worker does not end: it is killed"});
    kill(current_->process.pid, SIGKILL);
  } else if (next_) {
    next_->complaint =
        "it did not get ready within " + std::to_string(program_.patience / seconds(1)) + " s";
    kill(next_->process.pid, SIGKILL);
  }
}

// ---- signals and ends

void Monitor::on_signal(int number) {
  if (number == SIGCHLD) return reap();
  if (number == SIGUSR2) return upgrade();
  if (number == SIGHUP) {
    if (current_) kill(current_->process.pid, SIGHUP);
    return;
  }
  ending_ = true;
  if (next_) kill(next_->process.pid, SIGKILL);
  if (!current_) return end(0);
  kill(current_->process.pid, SIGTERM);
  give_time();
}

void Monitor::reap() {
  int status = 0;
  for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG)) {
    read(pid, kLastWords);
    if (current_ && current_->process.pid == pid)
      current_ended(status);
    else if (next_ && next_->process.pid == pid)
      next_ended();
    else if (dht_ && dht_->reaped(pid, status))
      rearm();
    else if (hooks_.ended(io::read_clocks().mono, pid, status))
      end_if_idle();
  }
}

void Monitor::current_ended(int status) {
  forget(current_);
  if (next_ && next_->prepared && !ending_) return hand_over();
  if (WIFEXITED(status)) return end(WEXITSTATUS(status));
  const int number = WTERMSIG(status);
  if (ending_) return end(128 + number);
  log(LogModule::monitor, LogLevel::error,
      {"the worker crashed (", plain(io::how_it_ended(CLD_KILLED, number)), ")"});
  if (next_) return;  // it takes over as soon as it is prepared
  if (!may_start_again(io::read_clocks().mono)) {
    log(LogModule::monitor, LogLevel::error, {"it crashed too often: stopping"});
    return end(1);
  }
  start_next();
}

void Monitor::next_ended() {
  const std::string why =
      next_->complaint.empty() ? "it ended before it was ready" : next_->complaint;
  forget(next_);
  patience_.reset();
  if (!ending_) refuse(program_.path + " cannot take over: " + why);
}

bool Monitor::may_start_again(TimePoint now) {
  std::erase_if(crashes_, [&](TimePoint then) { return now - then > kCrashWindow; });
  crashes_.push_back(now);
  return crashes_.size() <= kMostCrashes;
}

void Monitor::end(int exit_code) {
  if (exit_code_) return;
  exit_code_ = exit_code;
  if (next_) kill(next_->process.pid, SIGKILL);
  if (auto facts = std::exchange(interface_up_, std::nullopt)) {
    facts->event = HookEvent::interface_down;
    hooks_.happened(io::read_clocks().mono, std::move(*facts));
  }
  names_->end(io::read_clocks().mono);
  end_if_idle();
}

void Monitor::end_if_idle() {
  rearm();
  if (exit_code_ && hooks_.idle() && names_->idle()) loop_->stop();
}

}  // namespace meshnode::monitor
