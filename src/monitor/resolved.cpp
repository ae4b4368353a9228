#include "monitor/resolved.h"

#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#include <systemd/sd-bus.h>

#include "io/clock.h"
#include "io/log.h"

namespace meshnode::monitor {

using io::log;
using io::LogLevel;
using io::LogModule;
using io::plain;

namespace {

constexpr const char* kService = "org.freedesktop.resolve1";
constexpr const char* kPath = "/org/freedesktop/resolve1";
constexpr const char* kInterface = "org.freedesktop.resolve1.Manager";
constexpr const char* kOwnerChanged =
    "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
    "member='NameOwnerChanged',arg0='org.freedesktop.resolve1'";
// While a call is under way: the bus's own deadlines, and what it could not write at once.
constexpr Duration kLookEvery = milliseconds(100);

struct CloseBus {
  void operator()(sd_bus* bus) const { sd_bus_close_unref(bus); }
};
struct FreeMessage {
  void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
};
using Bus = std::unique_ptr<sd_bus, CloseBus>;
using BusMessage = std::unique_ptr<sd_bus_message, FreeMessage>;

// Nobody is there, which is nothing to complain about.
bool is_absence(const sd_bus_error& error) {
  for (const char* name :
       {SD_BUS_ERROR_SERVICE_UNKNOWN, SD_BUS_ERROR_NAME_HAS_NO_OWNER, SD_BUS_ERROR_DISCONNECTED})
    if (sd_bus_error_has_name(&error, name) != 0) return true;
  return false;
}

}  // namespace

struct Resolved::Impl {
  explicit Impl(io::EventLoop& to) : loop(to) {}
  ~Impl() { disconnect(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  // Nobody asks for next_deadline() after what the bus says by itself.
  void be_asked() { loop.set_deadline(io::read_clocks().mono); }

  // ---- the bus

  bool connect(TimePoint now) {
    if (bus) return true;
    sd_bus* opened = nullptr;
    if (sd_bus_open_system(&opened) < 0) {
      retry_at = now + kReconnectEvery;
      return false;
    }
    bus.reset(opened);
    retry_at.reset();
    sd_bus_add_match_async(opened, nullptr, kOwnerChanged, &Impl::owner_changed, nullptr, this);
    loop.watch_readable(sd_bus_get_fd(opened), [this] { process(); });
    return true;
  }

  void disconnect() {
    if (!bus) return;
    loop.unwatch(sd_bus_get_fd(bus.get()));
    bus.reset();
    under_way = 0;
    told = false;
  }

  void process() {
    for (int done = 1; done > 0;) {
      done = sd_bus_process(bus.get(), nullptr);
      if (done >= 0) continue;
      disconnect();
      if (wanted) retry_at = io::read_clocks().mono + kReconnectEvery;
      return be_asked();
    }
  }

  BusMessage call(const char* method, int index) const {
    sd_bus_message* made = nullptr;
    if (sd_bus_message_new_method_call(bus.get(), &made, kService, kPath, kInterface, method) < 0)
      return {};
    BusMessage out(made);
    // Whoever does not run it does not want it.
    sd_bus_message_set_auto_start(made, 0);
    if (sd_bus_message_append(made, "i", index) < 0) return {};
    return out;
  }

  // Most calls are worth a line if they fail; some switch off what may not be there.
  void send(TimePoint now, const BusMessage& message, bool matters) {
    constexpr auto kMicroseconds =
        static_cast<std::uint64_t>(kPatience / std::chrono::microseconds(1));
    if (!message || sd_bus_call_async(bus.get(), nullptr, message.get(),
                                      matters ? &Impl::answered : &Impl::answered_whatever, this,
                                      kMicroseconds) < 0)
      return;
    ++under_way;
    patience = now + kPatience;
  }

  // ---- what is told

  void tell(TimePoint now) {
    if (!wanted || !connect(now)) return;
    complained = false;
    told = true;
    told_index = wanted->index;
    confirmed = 0;
    send(now, servers(), true);
    send(now, domains(), true);
    send_flag(now, "SetLinkDefaultRoute");
    for (const char* method :
         {"SetLinkLLMNR", "SetLinkMulticastDNS", "SetLinkDNSOverTLS", "SetLinkDNSSEC"})
      send_no(now, method);
    process();
  }

  BusMessage servers() const {
    BusMessage out = call("SetLinkDNSEx", wanted->index);
    sd_bus_message* to = out.get();
    const ByteView raw = wanted->server.bytes();
    const int family = wanted->server.is_v4() ? AF_INET : AF_INET6;
    const bool right = to != nullptr && sd_bus_message_open_container(to, 'a', "(iayqs)") >= 0 &&
                       sd_bus_message_open_container(to, 'r', "iayqs") >= 0 &&
                       sd_bus_message_append(to, "i", family) >= 0 &&
                       sd_bus_message_append_array(to, 'y', raw.data(), raw.size()) >= 0 &&
                       sd_bus_message_append(to, "qs", wanted->port, "") >= 0 &&
                       sd_bus_message_close_container(to) >= 0 &&
                       sd_bus_message_close_container(to) >= 0;
    return right ? std::move(out) : BusMessage();
  }

  BusMessage domains() const {
    BusMessage out = call("SetLinkDomains", wanted->index);
    sd_bus_message* to = out.get();
    bool right = to != nullptr && sd_bus_message_open_container(to, 'a', "(sb)") >= 0;
    constexpr int kRouteOnly = 1;  // never appended to what somebody asks for
    for (const std::string& zone : wanted->zones)
      right = right && sd_bus_message_append(to, "(sb)", zone.c_str(), kRouteOnly) >= 0;
    right = right && sd_bus_message_close_container(to) >= 0;
    return right ? std::move(out) : BusMessage();
  }

  void send_flag(TimePoint now, const char* method) {
    BusMessage out = call(method, wanted->index);
    if (out && sd_bus_message_append(out.get(), "b", 0) >= 0) send(now, out, true);
  }

  void send_no(TimePoint now, const char* method) {
    BusMessage out = call(method, wanted->index);
    if (out && sd_bus_message_append(out.get(), "s", "no") >= 0) send(now, out, false);
  }

  void take_back(TimePoint now) {
    if (!bus || !told) return;
    told = false;
    send(now, call("RevertLink", told_index), false);
    patience = now + kLastPatience;
    process();
  }

  // ---- what is answered

  void note_answer(const sd_bus_error* error, bool matters) {
    if (under_way > 0) --under_way;
    constexpr int kThatMatter = 3;
    if (error == nullptr && matters && ++confirmed == kThatMatter)
      log(LogModule::monitor, LogLevel::info, {"systemd-resolved asks us for names of the mesh"});
    if (error == nullptr || !matters || complained) return;
    complained = true;
    if (is_absence(*error))
      return log(LogModule::monitor, LogLevel::debug, {"systemd-resolved does not run"});
    log(LogModule::monitor, LogLevel::warn,
        {"systemd-resolved does not take the names of the mesh: ",
         plain(error->message != nullptr ? error->message : error->name)});
  }

  static int answered(sd_bus_message* message, void* self, sd_bus_error*) {
    static_cast<Impl*>(self)->note_answer(sd_bus_message_get_error(message), true);
    return 0;
  }
  static int answered_whatever(sd_bus_message* message, void* self, sd_bus_error*) {
    static_cast<Impl*>(self)->note_answer(sd_bus_message_get_error(message), false);
    return 0;
  }
  // Told from the loop, not from inside the bus's own handler.
  static int owner_changed(sd_bus_message* message, void* self, sd_bus_error*) {
    const char* name = nullptr;
    const char* before = nullptr;
    const char* after = nullptr;
    if (sd_bus_message_read(message, "sss", &name, &before, &after) < 0 || *after == '\0') return 0;
    auto* const impl = static_cast<Impl*>(self);
    impl->loop.post([impl] {
      impl->tell(io::read_clocks().mono);
      impl->be_asked();
    });
    return 0;
  }

  io::EventLoop& loop;
  Bus bus;
  std::optional<Link> wanted;
  std::optional<TimePoint> retry_at;
  TimePoint patience{};       // with what is under way
  std::size_t under_way = 0;  // calls
  int confirmed = 0;          // of the calls that matter
  bool told = false;
  int told_index = 0;
  bool complained = false;
};

Resolved::Resolved(io::EventLoop& loop) : impl_(std::make_unique<Impl>(loop)) {}
Resolved::~Resolved() = default;

void Resolved::set(TimePoint now, std::optional<Link> link) {
  if (link == impl_->wanted) return;
  impl_->wanted = std::move(link);
  impl_->take_back(now);
  impl_->retry_at.reset();
  impl_->tell(now);
}

void Resolved::timeout(TimePoint now) {
  if (impl_->retry_at && *impl_->retry_at <= now) {
    impl_->retry_at.reset();
    impl_->tell(now);
  }
  if (impl_->bus) impl_->process();
  if (impl_->patience <= now) impl_->under_way = 0;
}

std::optional<TimePoint> Resolved::next_deadline() const {
  if (impl_->under_way > 0) return io::read_clocks().mono + kLookEvery;
  return impl_->wanted ? impl_->retry_at : std::nullopt;
}

bool Resolved::idle() const {
  return impl_->wanted || impl_->under_way == 0;
}

}  // namespace meshnode::monitor
