#include "node/config_check.h"

#include <algorithm>
#include <charconv>

#include "control/printable.h"
#include "wire/handshake_payload.h"

namespace meshnode::node {
namespace {

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kNameCharacters =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._";
constexpr std::string_view kBlank = " \t\r\n";
constexpr std::size_t kTokenSize = 95;
constexpr std::uint8_t kWidestClaim = 8;

bool only(std::string_view text, std::string_view allowed) {
  return text.find_first_not_of(allowed) == text.npos;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kBlank);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// The address of a single machine, as opposed to a group, a network or this host itself.
bool is_host_address(const Cidr& claim) {
  const IpAddress& ip = claim.ip;
  const std::uint8_t first = ip.bytes()[0];
  if (first == 0 || first >= 224 || ip.is_loopback() || ip.is_link_local()) return false;
  if (claim.prefix >= 31) return true;
  const auto value = load_be<std::uint32_t>(ip.bytes().data());
  const bool network_itself = (value & (0xffffffffU >> claim.prefix)) == 0;
  return !network_itself && ip != claim.broadcast();
}

}  // namespace

std::optional<std::uint32_t> parse_number(std::string_view text, std::uint32_t low,
                                          std::uint32_t high) {
  std::uint32_t value = 0;
  if (text.empty() || !only(text, kDigits)) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || value < low || value > high) return std::nullopt;
  return value;
}

Result<Cidr> parse_claim(const std::string& text) {
  const auto claim = Cidr::parse(text);
  if (!claim) return Error::usage("needs an IPv4 address with a prefix length, like 10.77.0.1/24");
  if (claim->ip.is_v6())
    return Error::usage(
        "IPv6 addresses cannot be chosen (every member has one of its own); give "
        "an IPv4 address, like 10.77.0.1/24");
  if (claim->prefix < kWidestClaim)
    return Error::usage("a prefix length is 8 to 32, like 10.77.0.1/24");
  if (!is_host_address(*claim))
    return Error::usage("is no address of a single machine; give one, like 10.77.0.1/24");
  return *claim;
}

Result<overlay::NetworkSecret> parse_key(std::string_view text) {
  text = trimmed(text);
  if (text.empty()) return Error::usage("no key there");
  if (!text.starts_with("mesh1"))
    return Error::usage(
        "no join token: those begin with mesh1 (meshctl genkey makes one, a text "
        "of your own goes to --seed)");
  if (const auto network = overlay::parse_token(text)) return *network;
  if (text.size() != kTokenSize)
    return Error::usage("the key is not whole: it has " + std::to_string(text.size()) +
                        " characters instead of " + std::to_string(kTokenSize));
  return Error::usage("the key has a typing error: its checksum does not fit");
}

Status check_interface(std::string_view text) {
  const bool fits = !text.empty() && text.size() <= 15 && only(text, kNameCharacters) &&
                    !text.starts_with('-') && text != "." && text != "..";
  if (!fits)
    return Error::usage("an interface's name has 1 to 15 of A-Z a-z 0-9 _ . - (no - first)");
  // They stand for all interfaces in the kernel's settings.
  if (text == "all" || text == "default")
    return Error::usage("the kernel keeps this name for itself; take another one, like mesh1");
  return success();
}

Status check_name(std::string_view text) {
  // The first is what the others accept in a handshake, the second what terminals show as it is.
  if (wire::is_valid_name(text) && control::is_printable(text)) return success();
  return Error::usage("a name has 1 to 32 bytes of printable UTF-8");
}

Result<HostPort> parse_host_port(std::string_view text) {
  if (const auto parsed = HostPort::parse(text)) return *parsed;
  return Error::usage("needs HOST:PORT, like hub.example.org:3731 or [2001:db8::1]:3731");
}

bool weak_seed(std::string_view text) {
  return control::width(text) < 12 || trimmed(text).find_first_of(kBlank) == text.npos;
}

}  // namespace meshnode::node
