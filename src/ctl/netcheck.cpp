#include "ctl/netcheck.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <map>
#include <memory>

#include "base/earliest.h"
#include "crypto/random.h"
#include "io/clock.h"
#include "io/event_loop.h"
#include "io/interface_monitor.h"
#include "io/resolver.h"
#include "io/send_datagram.h"
#include "io/socket_address.h"
#include "io/socket_options.h"
#include "io/unique_fd.h"

namespace meshnode::ctl {
namespace {

using discovery::Netcheck;

constexpr Duration kNamesPatience = seconds(5);
constexpr Duration kTellEvery = seconds(1);
constexpr Duration kTellEveryLater = seconds(10);  // once it is known to take long

// One family's sockets and tests.
struct Family {
  Family(const Netcheck::Options& options, Random& random) : check(options, random) {}

  Status open(meshnode::Family family, std::uint16_t port) {
    std::vector<std::uint16_t> ports;
    for (std::size_t i = 0; i < check.sockets(); ++i) {
      const std::uint16_t wanted = i == Netcheck::kFilter ? port : std::uint16_t{0};
      io::UniqueFd fd;
      int error = io::make_udp(family, fd);
      if (error == 0) error = io::bind_wildcard(fd.get(), family, wanted);
      if (error != 0)
        return Error::world((wanted != 0 ? "cannot use UDP port " + std::to_string(wanted)
                                         : std::string("cannot open a UDP socket")) +
                            ": " + io::system_text(error));
      ports.push_back(io::bound_port(fd.get()));
      sockets.push_back(std::move(fd));
    }
    check.start(io::read_clocks().mono, ports);
    return success();
  }

  void send() {
    while (const auto out = check.poll())
      io::send_datagram(sockets[out->socket].get(), {.remote = out->to, .local = {}},
                        out->datagram);
  }

  void read(std::size_t socket) {
    std::array<std::uint8_t, 2048> buffer;
    for (int turn = 0; turn < 64; ++turn) {
      io::SocketAddress address{};
      socklen_t length = sizeof address;
      const ssize_t size = ::recvfrom(sockets[socket].get(), buffer.data(), buffer.size(),
                                      MSG_DONTWAIT, &address.any, &length);
      if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
      if (size <= 0) continue;  // the late ICMP answer to something that was sent
      check.handle_datagram(io::read_clocks().mono, socket, io::from_socket_address(address),
                            {buffer.data(), static_cast<std::size_t>(size)});
    }
  }

  Netcheck check;
  std::vector<io::UniqueFd> sockets;
};

std::string sentence_for(const Netcheck& check, TimePoint now) {
  switch (check.step()) {
    case Netcheck::Step::reach:
    case Netcheck::Step::open:
      return "waiting for answers";
    case Netcheck::Step::filter:
      return "testing what is let in";
    case Netcheck::Step::mapping:
    case Netcheck::Step::extra:
      return "testing addresses, ports and hairpin";
    case Netcheck::Step::refresh:
      return "making mappings";
    case Netcheck::Step::lifetime:
      return "measuring how long a mapping lasts: up to " +
             std::to_string(std::chrono::ceil<seconds>(check.remaining(now)).count()) + " s to go";
    case Netcheck::Step::done:
      break;
  }
  return "";
}

class Check {
 public:
  Check(const NetcheckWishes& wishes, const std::function<void(const std::string&)>& tell)
      : wishes_(wishes),
        tell_(tell),
        resolver_([this](std::function<void()> work) { loop_.post(std::move(work)); }) {}

  Result<NetcheckFindings> run() {
    if (auto known = look_at_interfaces(); !known) return known.error();
    loop_.on_signals({SIGINT, SIGTERM}, [this](int) { loop_.stop(); });
    loop_.on_deadline([this] { on_deadline(); });
    const TimePoint now = io::read_clocks().mono;
    next_word_ = now + kTellEvery;
    names_until_ = now + kNamesPatience;
    for (const HostPort& name : wishes_.servers) {
      if (asked_.contains(name.to_string())) continue;
      asked_[name.to_string()] = {};
      ++waiting_;
      resolver_.ask(name, [this, name](const std::vector<Endpoint>& found) {
        asked_[name.to_string()] = found;
        if (--waiting_ == 0) begin();
      });
    }
    loop_.set_deadline(std::min(next_word_, names_until_));
    loop_.run();
    if (failed_) return *failed_;
    return findings();
  }

 private:
  Status look_at_interfaces() {
    const auto monitor = io::InterfaceMonitor::open();
    if (!monitor) return monitor.error();
    const auto interfaces = monitor->list();
    if (!interfaces) return interfaces.error();
    for (const Interface& interface : *interfaces)
      for (const Cidr& each : interface.addresses) {
        own_.push_back(each.ip);
        const bool leads_on =
            interface.up && !interface.overlay && !interface.loopback && !each.ip.is_link_local();
        if (leads_on) (each.ip.is_v4() ? findings_.v4 : findings_.v6).address = true;
      }
    return success();
  }

  // Names that did not resolve in time are not asked.
  void begin() {
    if (begun_) return;
    begun_ = true;
    start(meshnode::Family::v4, v4_, findings_.v4);
    start(meshnode::Family::v6, v6_, findings_.v6);
    for (const auto& [name, found] : asked_)
      if (found.empty()) findings_.unresolved.push_back(name);
    go_on();
  }

  void start(meshnode::Family family, std::unique_ptr<Family>& out, FamilyFindings& findings) {
    Netcheck::Options options;
    options.own = own_;
    options.lifetime = wishes_.lifetime;
    // In the order in which they were given; the first of two names for one endpoint counts.
    for (const HostPort& name : wishes_.servers)
      for (const Endpoint& each : asked_[name.to_string()]) {
        if (each.ip.family() != family || options.servers.size() == Netcheck::kMaxServers) continue;
        if (std::find(options.servers.begin(), options.servers.end(), each) !=
            options.servers.end())
          continue;
        options.servers.push_back(each);
        findings.names.push_back(name.to_string());
      }
    if (options.servers.empty() || failed_) return;
    out = std::make_unique<Family>(options, random_);
    if (auto opened = out->open(family, wishes_.port); !opened) {
      out.reset();
      // A machine without IPv6 is no failure: nobody answers there.
      if (family == meshnode::Family::v6 && !findings.address)
        return note_silence(options, findings);
      failed_ = opened.error();
      return loop_.stop();
    }
    Family& opened = *out;
    for (std::size_t i = 0; i < opened.sockets.size(); ++i)
      loop_.watch_readable(opened.sockets[i].get(), [this, &opened, i] {
        opened.read(i);
        go_on();
      });
  }

  static void note_silence(const Netcheck::Options& options, FamilyFindings& findings) {
    for (const Endpoint& each : options.servers) findings.report.servers.push_back({each, {}, {}});
  }

  void on_deadline() {
    const TimePoint now = io::read_clocks().mono;
    if (!begun_ && now >= names_until_) begin();
    for (Family* each : {v4_.get(), v6_.get()})
      if (each != nullptr) each->check.handle_timeout(now);
    speak(now);
    go_on();
  }

  void speak(TimePoint now) {
    if (now < next_word_) return;
    next_word_ = now + kTellEvery;
    if (!begun_) return tell_("looking up names");
    for (Family* each : {v4_.get(), v6_.get()}) {
      if (each == nullptr || each->check.done()) continue;
      if (each->check.step() == Netcheck::Step::lifetime) next_word_ = now + kTellEveryLater;
      return tell_(sentence_for(each->check, now));
    }
  }

  void go_on() {
    if (!begun_) return loop_.set_deadline(std::min(next_word_, names_until_));
    std::optional<TimePoint> due = next_word_;
    bool over = true;
    for (Family* each : {v4_.get(), v6_.get()}) {
      if (each == nullptr) continue;
      each->send();
      over = over && each->check.done();
      due = earliest({due, each->check.next_deadline()});
    }
    if (over) return loop_.stop();
    loop_.set_deadline(due);
  }

  NetcheckFindings findings() {
    if (v4_) findings_.v4.report = v4_->check.report();
    if (v6_) findings_.v6.report = v6_->check.report();
    return findings_;
  }

  NetcheckWishes wishes_;
  std::function<void(const std::string&)> tell_;
  crypto::SystemRandom random_;
  io::EventLoop loop_;
  io::Resolver resolver_;
  std::vector<IpAddress> own_;
  std::map<std::string, std::vector<Endpoint>> asked_;
  std::size_t waiting_ = 0;
  bool begun_ = false;
  std::unique_ptr<Family> v4_;
  std::unique_ptr<Family> v6_;
  NetcheckFindings findings_;
  std::optional<Error> failed_;
  TimePoint next_word_{};
  TimePoint names_until_{};
};

}  // namespace

bool NetcheckFindings::anybody_answered() const {
  const auto answered = [](const FamilyFindings& family) {
    return std::any_of(family.report.servers.begin(), family.report.servers.end(),
                       [](const auto& server) { return server.rtt.has_value(); });
  };
  return answered(v4) || answered(v6);
}

Result<NetcheckFindings> check_network(const NetcheckWishes& wishes,
                                       const std::function<void(const std::string&)>& tell) {
  return Check(wishes, tell).run();
}

}  // namespace meshnode::ctl
