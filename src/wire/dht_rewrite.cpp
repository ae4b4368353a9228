// Changing an inspected datagram: other node lists, or the client's mark.
#include <array>
#include <utility>

#include "wire/dht_message.h"

namespace meshnode::wire {
namespace {

void append_list(Bytes& out, std::string_view key, ByteView nodes) {
  Writer writer(out);
  writer.u8(static_cast<std::uint8_t>(0xa0 | key.size()));
  writer.bytes(as_bytes(key));
  if (nodes.size() <= 0xff) {
    writer.u8(0xc4);
  } else {
    writer.u8(0xc5);
    writer.u8(static_cast<std::uint8_t>(nodes.size() >> 8));
  }
  writer.u8(static_cast<std::uint8_t>(nodes.size()));
  writer.bytes(nodes);
}

}  // namespace

Bytes with_nodes(ByteView datagram, const DhtMessage& message, ByteView nodes4, ByteView nodes6) {
  struct Change {
    ByteRange entry;
    std::string_view key;
    ByteView nodes;
  };
  std::array<Change, 2> changes{
      {{message.nodes4_entry, "n4", nodes4}, {message.nodes6_entry, "n6", nodes6}}};
  if (changes[0].entry.offset > changes[1].entry.offset) std::swap(changes[0], changes[1]);
  Bytes out;
  out.reserve(datagram.size() + nodes4.size() + nodes6.size());
  std::size_t copied = 0;
  std::uint8_t removed = 0;
  for (const Change& change : changes) {
    if (!change.entry) continue;
    Writer(out).bytes(datagram.subspan(copied, change.entry.offset - copied));
    copied = change.entry.offset + change.entry.size;
    if (change.nodes.empty())
      ++removed;
    else
      append_list(out, change.key, change.nodes);
  }
  Writer(out).bytes(datagram.subspan(copied));
  // The body's map header stands in front of the lists and has its count in the low bits.
  out[message.body] = static_cast<std::uint8_t>(out[message.body] - removed);
  return out;
}

Bytes as_client(ByteView datagram, const DhtMessage& message) {
  Bytes out = to_bytes(datagram);
  if (message.client || message.kind == DhtMessage::Kind::value_part || out.empty()) return out;
  out[0] = static_cast<std::uint8_t>(out[0] + 1);
  Writer(out).bytes(Block<3>{0xa1, 's', 0xc3});
  return out;
}

}  // namespace meshnode::wire
