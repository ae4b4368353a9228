#include "discovery/dht/messages.h"

#include "base/result.h"
#include "wire/endpoint.h"

namespace meshnode::dht {
namespace {

enum class To : std::uint8_t {
  open = 1,
  datagram = 2,
  put = 3,
  take_back = 4,
  get = 5,
  listen = 6,
  cancel = 7,
  ping = 8,
  connectivity_changed = 9,
  look = 10,
  refused = 11,
};

enum class From : std::uint8_t {
  opened = 0x81,
  datagram = 0x82,
  done = 0x83,
  found = 0x84,
  state = 0x85,
  picture = 0x86,
};

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

// Writer and Reader with what messages are made of. The reader's fields fail like its numbers.
struct Out : Writer {
  using Writer::Writer;
  template <typename Kind>
  void kind(Kind kind) {
    u8(static_cast<std::uint8_t>(kind));
  }
  void ticket(Ticket ticket) { u64(static_cast<std::uint64_t>(ticket)); }
  void endpoint(const Endpoint& endpoint) { wire::append_endpoint(*this, endpoint); }
  void family(const FamilyStats& stats) {
    u8(static_cast<std::uint8_t>(stats.state));
    u32(stats.good);
    u32(stats.dubious);
  }
};

struct In : Reader {
  using Reader::Reader;
  bool fine = true;

  void want(bool condition) { fine = fine && condition; }
  bool whole() const { return fine && done(); }
  Ticket ticket() {
    const std::uint64_t number = u64();
    want(number != 0);
    return Ticket{number};
  }
  ValueId value_id() {
    const ValueId id = u64();
    want(id != 0);
    return id;
  }
  Endpoint endpoint() {
    const auto read = wire::read_endpoint(*this);
    want(read && read->ip && read->port != 0);
    return read.value_or(Endpoint{});
  }
  IpAddress address() {
    const auto read = wire::read_endpoint(*this);
    want(read && read->ip && read->port == 0);
    return read.value_or(Endpoint{}).ip;
  }
  Bytes rest(std::size_t most) {
    want(left() <= most);
    return fine ? to_bytes(bytes(left())) : Bytes{};
  }
  bool flag() {
    const std::uint8_t value = u8();
    want(value <= 1);
    return value == 1;
  }
  State state() {
    const std::uint8_t value = u8();
    want(value <= static_cast<std::uint8_t>(State::connected));
    return fine ? State{value} : State::disconnected;
  }
  FamilyStats family() {
    FamilyStats out;
    out.state = state();
    out.good = u32();
    out.dubious = u32();
    return out;
  }
  Sent why() {
    const std::uint8_t value = u8();
    want(value == static_cast<std::uint8_t>(Sent::unreachable) ||
         value == static_cast<std::uint8_t>(Sent::no_family));
    return fine ? Sent{value} : Sent::unreachable;
  }
};

template <typename Kind>
void write(Out& out, Kind kind, const Datagram& datagram) {
  out.kind(kind);
  out.endpoint(datagram.remote);
  out.bytes(datagram.bytes);
}

Datagram read_datagram(In& in) {
  Datagram out;
  out.remote = in.endpoint();
  out.bytes = in.rest(kMaxDatagram);
  in.want(!out.bytes.empty());
  return out;
}

void write(Out& out, const Picture& picture) {
  out.kind(From::picture);
  out.family(picture.v4);
  out.family(picture.v6);
  out.u64(picture.stored_values);
  out.u64(picture.stored_bytes);
  MESH_ASSERT(picture.addresses.size() <= Picture::kMaxAddresses &&
              picture.nodes.size() <= Picture::kMaxNodes);
  out.u8(static_cast<std::uint8_t>(picture.addresses.size()));
  for (const IpAddress& ip : picture.addresses) out.endpoint({ip, 0});
  out.u8(static_cast<std::uint8_t>(picture.nodes.size()));
  for (const Endpoint& node : picture.nodes) out.endpoint(node);
}

Picture read_picture(In& in) {
  Picture out;
  out.v4 = in.family();
  out.v6 = in.family();
  out.stored_values = in.u64();
  out.stored_bytes = in.u64();
  const std::uint8_t addresses = in.u8();
  in.want(addresses <= Picture::kMaxAddresses);
  for (unsigned i = 0; in.fine && i < addresses; ++i) out.addresses.push_back(in.address());
  const std::uint8_t nodes = in.u8();
  in.want(nodes <= Picture::kMaxNodes);
  for (unsigned i = 0; in.fine && i < nodes; ++i) out.nodes.push_back(in.endpoint());
  return out;
}

Open read_open(In& in) {
  Open out;
  out.version = in.u8();
  if (out.version != kLinkVersion) {
    in.bytes(in.left());
    return out;
  }
  out.network = in.u32();
  out.node = in.block<20>();
  out.store_bytes = in.u64();
  return out;
}

ToChild read_to_child(To kind, In& in) {
  switch (kind) {
    case To::open:
      return read_open(in);
    case To::datagram:
      return read_datagram(in);
    case To::put: {
      Put put{in.ticket(), in.block<20>(), in.value_id(), {}};
      put.data = in.rest(kMaxPut);
      return put;
    }
    case To::take_back:
      return TakeBack{in.block<20>(), in.value_id()};
    case To::get:
      return Get{in.ticket(), in.block<20>()};
    case To::listen:
      return Listen{in.ticket(), in.block<20>()};
    case To::cancel:
      return Cancel{in.ticket()};
    case To::ping:
      return Ping{in.ticket(), in.endpoint()};
    case To::connectivity_changed:
      return ConnectivityChanged{};
    case To::look:
      return Look{};
    case To::refused:
      return Refused{in.endpoint(), in.why()};
  }
  in.want(false);
  return Look{};
}

FromChild read_from_child(From kind, In& in) {
  switch (kind) {
    case From::opened: {
      const Opened out{in.u8()};
      if (out.version != kLinkVersion) in.bytes(in.left());
      return out;
    }
    case From::datagram:
      return read_datagram(in);
    case From::done:
      return Ended{in.ticket(), in.flag()};
    case From::found: {
      Found found{in.ticket(), in.value_id(), {}};
      found.data = in.rest(kMaxValue);
      return found;
    }
    case From::state:
      return StateChanged{in.state(), in.state()};
    case From::picture:
      return read_picture(in);
  }
  in.want(false);
  return StateChanged{};
}

}  // namespace

Bytes encode(const ToChild& message) {
  Bytes bytes;
  Out out(bytes);
  std::visit(Overloaded{[&](const Open& m) {
                          out.kind(To::open);
                          out.u8(m.version);
                          out.u32(m.network);
                          out.bytes(m.node);
                          out.u64(m.store_bytes);
                        },
                        [&](const Datagram& m) { write(out, To::datagram, m); },
                        [&](const Put& m) {
                          out.kind(To::put);
                          out.ticket(m.ticket);
                          out.bytes(m.key);
                          out.u64(m.id);
                          out.bytes(m.data);
                        },
                        [&](const TakeBack& m) {
                          out.kind(To::take_back);
                          out.bytes(m.key);
                          out.u64(m.id);
                        },
                        [&](const Get& m) {
                          out.kind(To::get);
                          out.ticket(m.ticket);
                          out.bytes(m.key);
                        },
                        [&](const Listen& m) {
                          out.kind(To::listen);
                          out.ticket(m.ticket);
                          out.bytes(m.key);
                        },
                        [&](const Cancel& m) {
                          out.kind(To::cancel);
                          out.ticket(m.ticket);
                        },
                        [&](const Ping& m) {
                          out.kind(To::ping);
                          out.ticket(m.ticket);
                          out.endpoint(m.node);
                        },
                        [&](const ConnectivityChanged&) { out.kind(To::connectivity_changed); },
                        [&](const Look&) { out.kind(To::look); },
                        [&](const Refused& m) {
                          out.kind(To::refused);
                          out.endpoint(m.node);
                          out.u8(static_cast<std::uint8_t>(m.why));
                        }},
             message);
  return bytes;
}

std::optional<ToChild> parse_to_child(ByteView message) {
  if (message.size() > kMaxMessage) return std::nullopt;
  In in(message);
  const ToChild out = read_to_child(To{in.u8()}, in);
  return in.whole() ? std::optional(out) : std::nullopt;
}

void append_to_packet(Bytes& packet, ByteView message) {
  MESH_ASSERT(message.size() <= kMaxMessage);
  Writer out(packet);
  out.u16(static_cast<std::uint16_t>(message.size()));
  out.bytes(message);
}

std::optional<ByteView> take_from_packet(ByteView& packet) {
  Reader in(packet);
  const ByteView message = in.bytes(in.u16());
  if (!in.ok()) return std::nullopt;
  packet = packet.last(in.left());
  return message;
}

Bytes encode(const FromChild& message) {
  Bytes bytes;
  Out out(bytes);
  std::visit(Overloaded{[&](const Opened& m) {
                          out.kind(From::opened);
                          out.u8(m.version);
                        },
                        [&](const Datagram& m) { write(out, From::datagram, m); },
                        [&](const Ended& m) {
                          out.kind(From::done);
                          out.ticket(m.ticket);
                          out.u8(m.ok ? 1 : 0);
                        },
                        [&](const Found& m) {
                          out.kind(From::found);
                          out.ticket(m.ticket);
                          out.u64(m.id);
                          out.bytes(m.data);
                        },
                        [&](const StateChanged& m) {
                          out.kind(From::state);
                          out.u8(static_cast<std::uint8_t>(m.v4));
                          out.u8(static_cast<std::uint8_t>(m.v6));
                        },
                        [&](const Picture& m) { write(out, m); }},
             message);
  return bytes;
}

std::optional<FromChild> parse_from_child(ByteView message) {
  if (message.size() > kMaxMessage) return std::nullopt;
  In in(message);
  const FromChild out = read_from_child(From{in.u8()}, in);
  return in.whole() ? std::optional(out) : std::nullopt;
}

}  // namespace meshnode::dht
