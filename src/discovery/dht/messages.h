// What a host and its child process with OpenDHT say to each other over a SOCK_SEQPACKET socket.
//
//   host → child   packets of one or more  length (u16) | message   (kMaxPacket in all)
//   child → host   packets of one message each
//   message        kind (u8) | fields, little-endian, endpoints as in wire/endpoint.h
//
// The first message is Open, answered by Opened; both begin with the version of all others.
// Parsers are total: anything but exactly such a message is nothing. The host trusts the child no
// more than a stranger, since a stranger's datagrams are what it lives on.
#pragma once

#include <optional>
#include <variant>

#include "discovery/dht/types.h"

namespace meshnode::dht {

inline constexpr std::uint8_t kLinkVersion = 1;
// Of a message: the largest is a Picture with all its nodes and addresses.
inline constexpr std::size_t kMaxMessage = 2048;
// Of a packet to the child.
inline constexpr std::size_t kMaxPacket = 32768;

// ---- host → child ----

struct Open {
  std::uint8_t version = kLinkVersion;  // of another version nothing else is read
  std::uint32_t network = 0;
  NodeKey node{};
  std::uint64_t store_bytes = 0;
  bool operator==(const Open&) const = default;
};
// What came for OpenDHT, and what it wants to send.
struct Datagram {
  Endpoint remote;
  Bytes bytes;
  bool operator==(const Datagram&) const = default;
};
struct Put {
  Ticket ticket{};
  Key key{};
  ValueId id = 0;
  Bytes data;
  bool operator==(const Put&) const = default;
};
struct TakeBack {
  Key key{};
  ValueId id = 0;
  bool operator==(const TakeBack&) const = default;
};
struct Get {
  Ticket ticket{};
  Key key{};
  bool operator==(const Get&) const = default;
};
struct Listen {
  Ticket ticket{};
  Key key{};
  bool operator==(const Listen&) const = default;
};
struct Cancel {
  Ticket ticket{};
  bool operator==(const Cancel&) const = default;
};
struct Ping {
  Ticket ticket{};
  Endpoint node;
  bool operator==(const Ping&) const = default;
};
struct ConnectivityChanged {
  bool operator==(const ConnectivityChanged&) const = default;
};
// Asks for a Picture.
struct Look {
  bool operator==(const Look&) const = default;
};
// A datagram was not sent, since that node cannot be reached (or its family).
struct Refused {
  Endpoint node;
  Sent why = Sent::unreachable;
  bool operator==(const Refused&) const = default;
};
using ToChild = std::variant<Open, Datagram, Put, TakeBack, Get, Listen, Cancel, Ping,
                             ConnectivityChanged, Look, Refused>;

Bytes encode(const ToChild& message);
std::optional<ToChild> parse_to_child(ByteView message);

void append_to_packet(Bytes& packet, ByteView message);
// Takes the first message off; nothing at the end, or if there is no whole one (`packet` stays).
std::optional<ByteView> take_from_packet(ByteView& packet);

// ---- child → host ----

struct Opened {
  std::uint8_t version = kLinkVersion;
  bool operator==(const Opened&) const = default;
};
struct Ended {
  Ticket ticket{};
  bool ok = false;
  bool operator==(const Ended&) const = default;
};
struct Found {
  Ticket ticket{};
  ValueId id = 0;
  Bytes data;
  bool operator==(const Found&) const = default;
};
struct StateChanged {
  State v4 = State::disconnected;
  State v6 = State::disconnected;
  bool operator==(const StateChanged&) const = default;
};
using FromChild = std::variant<Opened, Datagram, Ended, Found, StateChanged, Picture>;

Bytes encode(const FromChild& message);
std::optional<FromChild> parse_from_child(ByteView message);

}  // namespace meshnode::dht
