#include "base/host_port.h"

#include <algorithm>
#include <charconv>

#include "base/endpoint.h"

namespace meshnode {
namespace {

constexpr std::string_view kLetters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t kLongestName = 253;
constexpr std::size_t kLongestLabel = 63;

bool is_name(std::string_view host) {
  if (host.empty() || host.size() > kLongestName || host.front() == '-') return false;
  while (!host.empty()) {
    const auto dot = std::min(host.find('.'), host.size());
    const std::string_view label = host.substr(0, dot);
    if (label.empty() || label.size() > kLongestLabel ||
        label.find_first_not_of(kLetters) != label.npos)
      return false;
    host.remove_prefix(std::min(dot + 1, host.size()));
  }
  return true;
}

// Without the brackets; nothing if it is no host.
std::optional<std::string> parse_host(std::string_view host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    const auto address = IpAddress::parse(host);
    if (!address || !address->is_v6()) return std::nullopt;
    return std::string(host);
  }
  const bool numeric = host.find_first_not_of("0123456789.") == host.npos;
  if (numeric ? !IpAddress::parse(host) : !is_name(host)) return std::nullopt;
  return std::string(host);
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (wrong != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

}  // namespace

std::optional<HostPort> HostPort::parse(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == text.npos) return std::nullopt;
  const auto host = parse_host(text.substr(0, colon));
  const auto port = parse_port(text.substr(colon + 1));
  if (!host || !port) return std::nullopt;
  return HostPort{*host, *port};
}

std::string HostPort::to_string() const {
  const bool v6 = host.find(':') != host.npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace meshnode
