// Control message: the plaintext of a data frame of kind 1.
//
//   type (1) | zero (1) | length of body (2) | body | zero padding to the frame's size
//
//   type 0  keep-alive, no body: also the initiator's first frame, which confirms the session
//   type 1  goodbye, no body: the sender stops now
//   type 2  record: one signed record (wire/record.h)
//   type 3  digest: what the sender knows (wire/gossip.h)
//   type 4  want: records that the sender would like (wire/gossip.h)
//   type 5  summary: the same as a digest in a few bytes (wire/gossip.h)
//   type 6  object: something else that a member signed (wire/envelope.h)
//   type 7  introduction (wire/introduction.h)
//   type 8  mtu probe: number (4) | zeros, so many that the datagram has the size that is tried
//   type 9  mtu answer: number (4) of the probe that came
//   type 10 trace ask, type 11 trace answer (wire/trace.h)
//   type 12 edges ask, type 13 edges answer (wire/edges.h)
//
// Unknown types are ignored, so that later versions can add some.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "wire/data_frame.h"

namespace meshnode::wire {

enum class ControlType : std::uint8_t {
  keepalive = 0,
  goodbye = 1,
  record = 2,
  digest = 3,
  want = 4,
  summary = 5,
  object = 6,
  introduction = 7,
  mtu_probe = 8,
  mtu_answer = 9,
  trace_ask = 10,
  trace_answer = 11,
  edges_ask = 12,
  edges_answer = 13
};

struct Control {
  ControlType type = ControlType::keepalive;
  ByteView body;
};

inline constexpr std::size_t kControlHeaderSize = 4;

inline Bytes encode_control(const Control& control) {
  Bytes out;
  Writer writer(out);
  writer.u8(static_cast<std::uint8_t>(control.type));
  writer.u8(0);
  writer.u16(static_cast<std::uint16_t>(control.body.size()));
  writer.bytes(control.body);
  return out;
}

// A probe whose frame is a datagram of `datagram` bytes, as long as sealing adds no padding.
inline Bytes encode_mtu_probe(std::uint32_t number, std::size_t datagram) {
  Bytes body(datagram - kFrameOverhead - kControlHeaderSize);
  store_le(body.data(), number);
  return encode_control({ControlType::mtu_probe, body});
}

inline Bytes encode_mtu_answer(std::uint32_t number) {
  Block<4> body;
  store_le(body.data(), number);
  return encode_control({ControlType::mtu_answer, body});
}

// The number in the body of a probe or its answer.
inline std::optional<std::uint32_t> parse_mtu_number(ByteView body) {
  if (body.size() < sizeof(std::uint32_t)) return std::nullopt;
  return load_le<std::uint32_t>(body.data());
}

// `plaintext` includes the padding, which must be zero and shorter than 16 bytes.
inline std::optional<Control> parse_control(ByteView plaintext) {
  Reader reader(plaintext);
  Control out;
  out.type = static_cast<ControlType>(reader.u8());
  const std::uint8_t zero = reader.u8();
  out.body = reader.bytes(reader.u16());
  if (!reader.ok() || zero != 0 || reader.left() >= 16) return std::nullopt;
  if (!all_zero(plaintext.last(reader.left()))) return std::nullopt;
  return out;
}

}  // namespace meshnode::wire
