// Both ends of the socket to the DHT's process, and the Port behind ours: the first byte chooses.
#include "discovery/dht/port.h"
#include "fuzz/fuzz.h"

namespace meshnode::fuzz {
namespace {

// What parses is written back as it was, except what is said to be of another version.
template <typename Message, typename First>
void round_trip(ByteView input, const std::optional<Message>& parsed) {
  if (!parsed) return;
  const auto* first = std::get_if<First>(&*parsed);
  if (first && first->version != dht::kLinkVersion) return;
  MESH_ASSERT(same(dht::encode(*parsed), input));
}

void packets(ByteView input) {
  std::size_t size = 0;
  while (const auto message = dht::take_from_packet(input)) {
    size += message->size();
    round_trip<dht::ToChild, dht::Open>(*message, dht::parse_to_child(*message));
  }
  MESH_ASSERT(size <= 65536);
}

// A child that says anything at all: packets of a length byte each.
void port(ByteView input) {
  const TimePoint now = TimePoint{} + hours(1);
  int done = 0;
  dht::Doors doors;
  doors.send = [](const Path& path, ByteView bytes) {
    MESH_ASSERT(path.remote.port == 4000 && !bytes.empty() && bytes.size() <= dht::kMaxDatagram);
    return dht::Sent::unreachable;
  };
  doors.tell = [](ByteView packet) {
    MESH_ASSERT(packet.size() <= dht::kMaxPacket);
    return packet.size() % 2 == 0;
  };
  doors.lost = [](const std::string&) {};
  doors.now = [&] { return now; };
  dht::Port port({}, std::move(doors));
  port.add_bootstrap({IpAddress::v4({192, 0, 2, 1}), 4000});
  port.attached({});
  port.from_child(now, dht::encode(dht::FromChild{dht::Opened{}}));
  const auto note = [&](dht::Outcome) { ++done; };
  std::size_t values = 0;
  const auto value = [&](const dht::Value& found) {
    ++values;
    MESH_ASSERT(found.id != 0 && found.data.size() <= dht::kMaxValue);
  };
  port.listen({}, value);
  port.get({}, value, note);
  port.put({}, 1, {}, note);
  Script script(input);
  while (!script.over()) port.from_child(now, exact(script.bytes(script.u8())));
  port.timeout(now + dht::kPatience);
  MESH_ASSERT(done == 2 && values <= input.size());
}

}  // namespace

void one_input(ByteView input) {
  if (input.empty()) return;
  const Bytes rest = exact(input.subspan(1));
  switch (input[0] % 4) {
    case 0:
      return round_trip<dht::FromChild, dht::Opened>(rest, dht::parse_from_child(rest));
    case 1:
      return round_trip<dht::ToChild, dht::Open>(rest, dht::parse_to_child(rest));
    case 2:
      return packets(rest);
    default:
      return port(rest);
  }
}

}  // namespace meshnode::fuzz
