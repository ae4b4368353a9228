// A name or address with a port, as people write it.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace meshnode {

struct HostPort {
  std::string host;  // a name, an IPv4 address, or an IPv6 address without brackets
  std::uint16_t port = 0;

  // "name:port", "192.0.2.1:port" or "[2001:db8::1]:port". Names are not looked up: letters,
  // digits,
  // '-', '_' and '.' in labels of 1 to 63, 253 in all.
  static std::optional<HostPort> parse(std::string_view text);
  std::string to_string() const;
  auto operator<=>(const HostPort&) const = default;
};

}  // namespace meshnode
