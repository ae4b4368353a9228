#include "base/endpoint.h"

#include <charconv>

#include <arpa/inet.h>  // inet_pton and inet_ntop: pure text conversion, no socket

namespace meshnode {
namespace {

template <typename Int>
std::optional<Int> parse_number(std::string_view text, Int max) {
  unsigned long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  if (value > max) return std::nullopt;
  return static_cast<Int>(value);
}

}  // namespace

IpAddress IpAddress::v4(const Block<4>& bytes) {
  IpAddress out;
  out.family_ = Family::v4;
  std::copy(bytes.begin(), bytes.end(), out.bytes_.begin());
  return out;
}

IpAddress IpAddress::v6(const Block<16>& bytes) {
  IpAddress out;
  out.family_ = Family::v6;
  out.bytes_ = bytes;
  return out;
}

IpAddress IpAddress::from_bytes(ByteView bytes) {
  IpAddress out;
  if (bytes.size() != 4 && bytes.size() != 16) return out;
  out.family_ = bytes.size() == 4 ? Family::v4 : Family::v6;
  std::copy(bytes.begin(), bytes.end(), out.bytes_.begin());
  return out;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (text.find('\0') != text.npos) return std::nullopt;  // inet_pton would stop there
  const std::string copy(text);
  Block<16> raw{};
  if (inet_pton(AF_INET, copy.c_str(), raw.data()) == 1) return from_bytes(ByteView(raw).first(4));
  if (inet_pton(AF_INET6, copy.c_str(), raw.data()) == 1) return v6(raw);
  return std::nullopt;
}

std::string IpAddress::to_string() const {
  if (family_ == Family::none) return "none";
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes_.data(), text, sizeof text);
  return text;
}

bool IpAddress::is_loopback() const {
  if (is_v4()) return bytes_[0] == 127;
  return is_v6() && all_zero(ByteView(bytes_).first(15)) && bytes_[15] == 1;
}

bool IpAddress::is_multicast() const {
  return (is_v4() && (bytes_[0] & 0xf0) == 0xe0) || (is_v6() && bytes_[0] == 0xff);
}

bool IpAddress::is_link_local() const {
  if (is_v4()) return bytes_[0] == 169 && bytes_[1] == 254;
  return is_v6() && bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
}

bool IpAddress::is_private() const {
  if (is_v6()) return (bytes_[0] & 0xfe) == 0xfc;
  if (!is_v4()) return false;
  return bytes_[0] == 10 || (bytes_[0] == 172 && (bytes_[1] & 0xf0) == 16) ||
         (bytes_[0] == 192 && bytes_[1] == 168) || (bytes_[0] == 100 && (bytes_[1] & 0xc0) == 64);
}

bool IpAddress::is_limited_broadcast() const {
  return is_v4() &&
         std::all_of(bytes_.begin(), bytes_.begin() + 4, [](std::uint8_t b) { return b == 0xff; });
}

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == text.npos) return std::nullopt;
  const auto port = parse_number<std::uint16_t>(text.substr(colon + 1), 65535);
  if (!port || *port == 0) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto ip = IpAddress::parse(host);
  if (!ip || ip->is_v6() != bracketed) return std::nullopt;
  return Endpoint{*ip, *port};
}

std::string Endpoint::to_string() const {
  const std::string host = ip.is_v6() ? "[" + ip.to_string() + "]" : ip.to_string();
  return host + ":" + std::to_string(port);
}

std::optional<Cidr> Cidr::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto ip = IpAddress::parse(text.substr(0, slash));
  if (!ip) return std::nullopt;
  const auto widest = static_cast<std::uint8_t>(ip->is_v4() ? 32 : 128);
  if (slash == text.npos) return Cidr{*ip, widest};
  const auto prefix = parse_number<std::uint8_t>(text.substr(slash + 1), widest);
  if (!prefix) return std::nullopt;
  return Cidr{*ip, *prefix};
}

std::string Cidr::to_string() const {
  return ip.to_string() + "/" + std::to_string(prefix);
}

bool Cidr::contains(const IpAddress& other) const {
  if (ip.family() != other.family() || !ip) return false;
  const ByteView a = ip.bytes();
  const ByteView b = other.bytes();
  for (std::size_t bit = 0; bit < prefix; bit += 8) {
    const unsigned in_byte = std::min(8U, prefix - static_cast<unsigned>(bit));
    const auto mask = static_cast<std::uint8_t>(0xff00U >> in_byte);
    if (((a[bit / 8] ^ b[bit / 8]) & mask) != 0) return false;
  }
  return true;
}

IpAddress Cidr::broadcast() const {
  if (!ip.is_v4() || prefix >= 31) return {};
  const auto host_mask = static_cast<std::uint32_t>(0xffffffffULL >> prefix);
  Block<4> raw;
  store_be(raw.data(), load_be<std::uint32_t>(ip.bytes().data()) | host_mask);
  return IpAddress::v4(raw);
}

std::string Path::to_string() const {
  std::string out = remote.to_string();
  if (scope != 0) out += "%" + std::to_string(scope);
  return out;
}

std::size_t hash_value(const IpAddress& ip) {
  // FNV-1a: tables keyed by it hold only addresses that members proved, never strangers' choices.
  std::uint64_t hash = 0xcbf29ce484222325ULL ^ static_cast<std::uint64_t>(ip.family());
  for (std::uint8_t b : ip.bytes()) hash = (hash ^ b) * 0x100000001b3ULL;
  return hash;
}

}  // namespace meshnode
