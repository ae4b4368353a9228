// Addresses of the underlay and the overlay: plain values, no sockaddr.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace meshnode {

enum class Family : std::uint8_t { none = 0, v4 = 4, v6 = 6 };

// An IPv4 or IPv6 address in network order. IPv4 uses the first 4 bytes, the rest is zero: values
// compare bytewise. A v4-mapped IPv6 address is not equal to the IPv4 one; io/ maps before it gets
// here.
class IpAddress {
 public:
  constexpr IpAddress() = default;
  static IpAddress v4(const Block<4>& bytes);
  static IpAddress v6(const Block<16>& bytes);
  // From 4 or 16 bytes; anything else is the none address.
  static IpAddress from_bytes(ByteView bytes);
  static std::optional<IpAddress> parse(std::string_view text);

  Family family() const { return family_; }
  bool is_v4() const { return family_ == Family::v4; }
  bool is_v6() const { return family_ == Family::v6; }
  explicit operator bool() const { return family_ != Family::none; }
  ByteView bytes() const {
    return {bytes_.data(), is_v4() ? std::size_t{4} : is_v6() ? std::size_t{16} : std::size_t{0}};
  }
  std::string to_string() const;

  bool is_unspecified() const { return all_zero(bytes_); }
  bool is_loopback() const;
  bool is_multicast() const;
  bool is_link_local() const;
  bool is_private() const;            // RFC 1918, RFC 6598 (carriers' NATs), RFC 4193
  bool is_limited_broadcast() const;  // 255.255.255.255

  auto operator<=>(const IpAddress&) const = default;

 private:
  Family family_ = Family::none;
  Block<16> bytes_{};
};

struct Endpoint {
  IpAddress ip;
  std::uint16_t port = 0;

  // "a.b.c.d:p" or "[v6]:p"; both ways.
  static std::optional<Endpoint> parse(std::string_view text);
  std::string to_string() const;
  auto operator<=>(const Endpoint&) const = default;
};

// An address with a prefix length, e.g. 10.77.0.1/24; the host part is kept.
struct Cidr {
  IpAddress ip;
  std::uint8_t prefix = 0;

  // A missing "/n" means a single address.
  static std::optional<Cidr> parse(std::string_view text);
  std::string to_string() const;
  bool contains(const IpAddress& other) const;
  // The last address of an IPv4 prefix shorter than /31; none otherwise.
  IpAddress broadcast() const;
  auto operator<=>(const Cidr&) const = default;
};

// Which way a datagram goes or came: our own address and the peer's endpoint. A plain value, so
// that datagrams from strangers create no state (docs/decisions/0002).
struct Path {
  Endpoint remote;
  IpAddress local;          // none: the kernel chooses
  std::uint32_t scope = 0;  // interface index, only where `remote` is link-local

  std::string to_string() const;
  // The far end is the same, whichever address of ours is used.
  bool same_remote(const Path& other) const {
    return remote == other.remote && scope == other.scope;
  }
  auto operator<=>(const Path&) const = default;
};

std::size_t hash_value(const IpAddress& ip);

}  // namespace meshnode

template <>
struct std::hash<meshnode::IpAddress> {
  std::size_t operator()(const meshnode::IpAddress& ip) const { return meshnode::hash_value(ip); }
};
