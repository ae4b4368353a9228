// The strict door in front of OpenDHT 2.4.12, which one malformed datagram kills. Only what
// OpenDHT itself sends is accepted: msgpack maps of known keys, each once, each value of exactly
// its type and within its bounds, integers and lengths in their shortest form, nothing behind.
//
//   request  {a: BODY, q: "ping"…, t: uint32, y: "q", v: text, [n: uint32], [s: bool]}
//     ping     {id}                            find    {id, target, [w]}
//     get      {id, h, [q], [w]}               put     {id, h, values, [c], token}
//     refresh  {id, h, vid, token}             listen  {id, [ve], h, token, sid, [q]}
//     update   {id, [ve], h, sid, values | re | exp, [token]}     (to a listener; with re, h may
//     miss)
//   reply    {r: BODY, t, y: "r", v, [n], [s]}
//     {id, [sa], vid}  or  {id, [sa], [n4], [n6], [token], [values | fileds]}
//   error    {e: [code, text], r: {id}, t, y: "e", v, [n], [s]}
//   update   {u: {id, [token], [re | exp]}, t, y: "r", v, [n], [s]}        (older nodes)
//   part     {p: {index: {o: offset, d: bytes}}, y: "p", t, [n]}
//
//   id, h, target: 20 bytes. n4: 26 bytes per node (id, IPv4, port), n6: 38, at most 8 nodes.
//   w: [2], [10] or [2, 10]. q: {s: [fields], w: [{f: field, v: value}]}. fileds (so spelt):
//   {f: [fields], v: [one value per field, over and over]}. values: either complete ones, together
//   below 600 bytes, or for larger sets the size of each, the bytes following in parts.
//   value: {id, dat: sealed bytes | {body: {[seq, owner, [to]], type, data, [utype]}, [sig]}, [p]}
//
// The walk is by grammar, so its depth is the grammar's (7) and its items are bounded by the
// datagram; nothing is allocated.
#pragma once

#include <optional>

#include "base/bytes.h"

namespace meshnode::wire {

inline constexpr std::size_t kMaxDhtDatagram = 1500;
inline constexpr std::size_t kDhtIdSize = 20;
inline constexpr std::size_t kDhtNode4Size = 26;
inline constexpr std::size_t kDhtNode6Size = 38;
inline constexpr std::size_t kMaxDhtNodes = 8;
// OpenDHT's MAX_PACKET_VALUE_SIZE: values together at or above it travel in parts.
inline constexpr std::size_t kMaxInlineValues = 600;
// OpenDHT's MTU for parts: a value up to this size is one part.
inline constexpr std::size_t kMaxDhtPart = 1280;

// A place inside the datagram; size 0 means that it is not there.
struct ByteRange {
  std::size_t offset = 0;
  std::size_t size = 0;
  ByteView in(ByteView datagram) const { return datagram.subspan(offset, size); }
  explicit operator bool() const { return size != 0; }
};

struct DhtMessage {
  enum class Kind : std::uint8_t { request, reply, error, value_part, update };
  enum class Query : std::uint8_t { none, ping, find, get, put, listen, refresh, update };
  enum Want : std::uint8_t { want_v4 = 1, want_v6 = 2 };

  Kind kind = Kind::request;
  Query query = Query::none;  // of a request
  std::uint32_t transaction = 0;
  std::uint32_t network = 0;
  bool client = false;       // the sender asks not to be named to others
  std::uint8_t want = 0;     // Want bits
  std::uint32_t socket = 0;  // sid: listen, and the update that answers it
  std::uint16_t error_code = 0;

  ByteRange id;   // the sender's node id; none in a part
  ByteRange key;  // h, or find's target
  ByteRange token;
  ByteRange nodes4;  // whole nodes
  ByteRange nodes6;

  // Values: complete ones and announced parts, id lists and field lists alike.
  std::size_t values = 0;
  std::size_t value_bytes = 0;  // complete: packed; announced: the sum of the sizes
  std::size_t largest_value = 0;
  bool split = false;  // the values follow in parts
  // All complete values are plain data: neither signed nor sealed by OpenDHT's own cryptography, of
  // no type that OpenDHT itself would parse (its own are below 256, plain data is 0).
  bool plain = true;
  std::uint64_t value_id = 0;  // of the first complete value, or vid

  std::size_t part_index = 0;
  std::size_t part_offset = 0;
  ByteRange part;
  bool part_whole = false;  // the part is by itself one well-formed value; then `plain` and
                            // `value_id` speak of it

  ByteRange nodes4_entry;  // key and value of n4, as with_nodes() replaces them
  ByteRange nodes6_entry;
  std::size_t body = 0;  // where the body's map begins
};

std::optional<DhtMessage> inspect_dht(ByteView datagram);

// The datagram with other node lists, whole nodes each. A list that was not there is not added; one
// that becomes empty is taken out, as OpenDHT does.
Bytes with_nodes(ByteView datagram, const DhtMessage& message, ByteView nodes4, ByteView nodes6);

// The datagram with the mark that keeps OpenDHT from naming its sender to others.
Bytes as_client(ByteView datagram, const DhtMessage& message);

}  // namespace meshnode::wire
