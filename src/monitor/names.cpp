#include "monitor/names.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <ifaddrs.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>

#include "base/earliest.h"
#include "io/log.h"
#include "io/socket_address.h"
#include "names/label.h"
#include "names/responder.h"

namespace meshnode::monitor {
namespace {

constexpr std::uint8_t kPrefixBits = 48;  // of the mesh's addresses
constexpr std::size_t kMaxLine = 256;

// Some fdxx:…/48 address of the interface: meshnode sets no other IPv6 ones.
IpAddress mesh_address(const std::string& interface) {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return {};
  IpAddress out;
  for (const ifaddrs* each = list; each != nullptr && !out; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || each->ifa_addr->sa_family != AF_INET6 ||
        interface != each->ifa_name)
      continue;
    io::SocketAddress address{};
    std::memcpy(&address.v6, each->ifa_addr, sizeof address.v6);
    const IpAddress ip = io::from_socket_address(address).ip;
    if (ip.is_v6() && ip.bytes()[0] == 0xfd) out = ip;
  }
  freeifaddrs(list);
  return out;
}

Cidr prefix_of(const IpAddress& address) {
  Block<16> raw{};
  if (address.is_v6()) std::copy_n(address.bytes().begin(), kPrefixBits / 8, raw.begin());
  return {IpAddress::v6(raw), kPrefixBits};
}

std::string_view next_word(std::string_view& text, char end) {
  const auto size = std::min(text.find(end), text.size());
  const std::string_view out = text.substr(0, size);
  text.remove_prefix(std::min(size + 1, text.size()));
  return out;
}

bool may_be_a_members(const IpAddress& ip, const Cidr& prefix) {
  if (ip.is_v6()) return prefix.contains(ip);
  return ip.is_v4() && ip.bytes()[0] != 0 && ip.bytes()[0] < 224 && !ip.is_loopback();
}

}  // namespace

bool is_hosts_line(std::string_view line, const Cidr& prefix) {
  if (line.size() > kMaxLine || line.ends_with(' ')) return false;
  const auto ip = IpAddress::parse(next_word(line, ' '));
  if (!ip || !may_be_a_members(*ip, prefix) || line.empty()) return false;
  while (!line.empty())
    if (!names::is_name(next_word(line, ' '))) return false;
  return true;
}

void Names::set_settings(TimePoint now, NameSettings settings) {
  settings_ = std::move(settings);
  complaint_.clear();
  tell_resolved(now);
  want_hosts(now);
}

void Names::set_interface(TimePoint now, int tun) {
  ifreq request{};
  if (ioctl(tun, TUNGETIFF, &request) != 0) return;
  const std::string name(request.ifr_name, strnlen(request.ifr_name, sizeof request.ifr_name));
  const int index = static_cast<int>(if_nametoindex(name.c_str()));
  if (name == interface_ && index == index_) return;  // another worker goes on with it
  if (written_) {
    block_.clear();
    write_hosts(now);
  }
  interface_ = name;
  index_ = index;
  port_.reset();
  tell_resolved(now);
}

void Names::server(TimePoint now, std::string_view port) {
  std::uint16_t value = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), value);
  const bool right = error == std::errc() && end == port.data() + port.size() && value != 0;
  port_ = right ? std::optional(value) : std::nullopt;
  server_due_ = std::max(now, next_server_);
  if (*server_due_ <= now) tell_server(now);
}

void Names::tell_server(TimePoint now) {
  server_due_.reset();
  next_server_ = now + kServerEvery;
  tell_resolved(now);
}

void Names::tell_resolved(TimePoint now) {
  if (!interface_.empty()) address_ = mesh_address(interface_);
  if (!settings_.dns || !port_ || !address_ || index_ == 0) return resolved_.set(now, std::nullopt);
  resolved_.set(
      now, Resolved::Link{index_,
                          address_,
                          *port_,
                          {std::string(names::kZone), names::reverse_zone(prefix_of(address_))}});
}

void Names::lines(std::string_view text) {
  const Cidr prefix = prefix_of(address_);
  while (!text.empty()) {
    const std::string_view line = next_word(text, '\n');
    if (incoming_.size() < kMostLines && address_ && is_hosts_line(line, prefix))
      incoming_.emplace_back(line);
  }
}

void Names::lines_end(TimePoint now) {
  block_.clear();
  for (const std::string& line : incoming_) block_ += line + "\n";
  incoming_.clear();
  want_hosts(now);
}

void Names::want_hosts(TimePoint now) {
  if ((settings_.hosts || written_) && !interface_.empty()) due_ = std::max(now, next_write_);
}

// An empty block is taken out.
void Names::write_hosts(TimePoint now) {
  due_.reset();
  next_write_ = now + kWriteEvery;
  const std::string& block = settings_.hosts ? block_ : std::string();
  const auto done = monitor::write_hosts(settings_.hosts_file, interface_, block);
  if (done) written_ = !block.empty();
  const std::string complaint = done ? "" : done.error().message;
  if (!complaint.empty() && complaint != complaint_)
    io::log(io::LogModule::monitor, io::LogLevel::warn,
            {"names of the mesh: ", io::plain(complaint)});
  complaint_ = complaint;
}

void Names::end(TimePoint now) {
  server_due_.reset();
  resolved_.set(now, std::nullopt);
  block_.clear();
  if (written_) write_hosts(now);
  due_.reset();
}

void Names::timeout(TimePoint now) {
  resolved_.timeout(now);
  if (server_due_ && *server_due_ <= now) tell_server(now);
  if (due_ && *due_ <= now) write_hosts(now);
}

std::optional<TimePoint> Names::next_deadline() const {
  return earliest({resolved_.next_deadline(), server_due_, due_});
}

}  // namespace meshnode::monitor
