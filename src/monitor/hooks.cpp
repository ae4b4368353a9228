#include "monitor/hooks.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <net/if.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/endpoint.h"
#include "base/ids.h"
#include "io/child_program.h"
#include "io/log.h"

namespace meshnode::monitor {
namespace {

using io::log;
using io::LogLevel;
using io::LogModule;
using io::plain;

constexpr std::string_view kNames[kHookEvents] = {"interface-up", "interface-down", "peer-up",
                                                  "peer-down"};
constexpr int kCannotStart = 127;

bool is_plain(std::string_view value) {
  return std::none_of(value.begin(), value.end(),
                      [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
}

// What tun/name.cpp lets through, but for what a program may take for an option.
bool is_interface(std::string_view value) {
  const auto usable = [](char c) {
    return c > ' ' && c < 0x7f && c != '/' && c != ':' && c != '%';
  };
  return !value.empty() && value.size() < IFNAMSIZ && value.front() != '-' && value != "." &&
         value != ".." && std::all_of(value.begin(), value.end(), usable);
}

bool is_address(std::string_view value) {
  return IpAddress::parse(value).has_value();
}

bool is_size(std::string_view value) {
  return !value.empty() && value.size() <= 5 && value.find_first_not_of("0123456789") == value.npos;
}

bool is_id(std::string_view value) {
  const auto id = NodeId::parse(value);
  return id && id->to_string() == value;
}

// What an administrator's script may rely on, even if the worker is in an attacker's hands: it may
// well use an id as a file's name.
struct Field {
  std::string_view key;
  bool (*fits)(std::string_view value);
};
constexpr Field kFields[] = {
    {"INTERFACE", &is_interface}, {"ADDRESS", &is_address},      {"MTU", &is_size},
    {"PEER_ID", &is_id},          {"PEER_ADDRESS", &is_address}, {"PEER_NAME", &is_plain}};

bool is_field(std::string_view key, std::string_view value) {
  return std::any_of(std::begin(kFields), std::end(kFields),
                     [&](const Field& each) { return each.key == key && each.fits(value); });
}

std::string_view next_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

std::vector<std::string> environment_of(const HookFacts& facts) {
  const char* path = std::getenv("PATH");
  std::vector<std::string> out{
      std::string("PATH=") + (path != nullptr ? path : "/usr/sbin:/usr/bin:/sbin:/bin"),
      "MESHNODE_EVENT=" + std::string(name(facts.event))};
  for (const auto& [key, value] : facts.fields) out.push_back("MESHNODE_" + key + "=" + value);
  return out;
}

// In the child. Its words go where ours go.
[[noreturn]] void become(const std::string& program, std::vector<std::string> environment) {
  setpgid(0, 0);
  const int nothing = open("/dev/null", O_RDONLY);
  if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
    _exit(kCannotStart);
  closefrom(STDERR_FILENO + 1);
  std::vector<char*> pointers;
  for (std::string& each : environment) pointers.push_back(each.data());
  pointers.push_back(nullptr);
  std::string path = program;
  char* arguments[] = {path.data(), nullptr};
  execve(path.c_str(), arguments, pointers.data());
  _exit(kCannotStart);
}

}  // namespace

std::string_view name(HookEvent event) {
  return kNames[static_cast<std::size_t>(event)];
}

std::string to_text(const HookFacts& facts) {
  std::string out(name(facts.event));
  for (const auto& [key, value] : facts.fields) out += "\n" + key + "=" + value;
  return out;
}

std::optional<HookFacts> hook_from_text(std::string_view text) {
  const std::string_view event = next_line(text);
  const auto* const found = std::find(std::begin(kNames), std::end(kNames), event);
  if (found == std::end(kNames)) return std::nullopt;
  HookFacts out;
  out.event = static_cast<HookEvent>(found - std::begin(kNames));
  while (!text.empty()) {
    const std::string_view line = next_line(text);
    const auto equals = line.find('=');
    if (equals == line.npos) return std::nullopt;
    const std::string_view key = line.substr(0, equals);
    const std::string_view value = line.substr(equals + 1);
    const bool again = std::any_of(out.fields.begin(), out.fields.end(),
                                   [&](const auto& before) { return before.first == key; });
    if (again || !is_field(key, value)) return std::nullopt;
    out.fields.emplace_back(key, value);
  }
  return out;
}

void Hooks::happened(TimePoint now, HookFacts facts) {
  if (programs_[static_cast<std::size_t>(facts.event)].empty()) return;
  if (waiting_.size() >= kMostWaiting && facts.event != HookEvent::interface_down) {
    if (!std::exchange(told_full_, true))
      log(LogModule::monitor, LogLevel::warn, {"the hooks are too slow: some events are left out"});
    return;
  }
  waiting_.push_back(std::move(facts));
  if (!running_) start_next(now);
}

void Hooks::start_next(TimePoint now) {
  while (!running_ && !waiting_.empty()) {
    const HookFacts facts = std::move(waiting_.front());
    waiting_.pop_front();
    const std::string& program = programs_[static_cast<std::size_t>(facts.event)];
    if (program.empty()) continue;  // it was taken out meanwhile
    const pid_t pid = fork();
    if (pid == 0) become(program, environment_of(facts));
    if (pid < 0)
      log(LogModule::monitor, LogLevel::error,
          {"cannot start the hook ", plain(program), ": ", plain(std::strerror(errno))});
    else
      running_ = Running{pid, program, now + kPatience};
  }
  if (waiting_.empty()) told_full_ = false;
}

bool Hooks::ended(TimePoint now, pid_t pid, int status) {
  if (!running_ || running_->pid != pid) return false;
  const std::string& program = running_->program;
  if (running_->killed)
    log(LogModule::monitor, LogLevel::warn,
        {"the hook ", plain(program), " took too long and was killed"});
  else if (WIFSIGNALED(status))
    log(LogModule::monitor, LogLevel::warn,
        {"the hook ", plain(program), " was ",
         plain(io::how_it_ended(CLD_KILLED, WTERMSIG(status)))});
  else if (WEXITSTATUS(status) == kCannotStart)
    log(LogModule::monitor, LogLevel::error, {"the hook ", plain(program), " cannot be run"});
  else if (WEXITSTATUS(status) != 0)
    log(LogModule::monitor, LogLevel::warn,
        {"the hook ", plain(program), " ended with exit code ", WEXITSTATUS(status)});
  running_.reset();
  start_next(now);
  return true;
}

void Hooks::timeout(TimePoint now) {
  if (!running_ || running_->killed || now < running_->until) return;
  running_->killed = true;
  kill(-running_->pid, SIGKILL);
  kill(running_->pid, SIGKILL);  // it may not have a group of its own yet
}

std::optional<TimePoint> Hooks::next_deadline() const {
  if (!running_ || running_->killed) return std::nullopt;
  return running_->until;
}

}  // namespace meshnode::monitor
