// Data frame, 32 bytes of overhead around a packet:
//
//   0       1       2               4                               8
//   +-------+-------+---------------+-------------------------------+
//   | 0x44  | kind  |  flags (0)    |  receiver index               |
//   +-------+-------+---------------+-------------------------------+
//   |  counter (64 bit)                                             |
//   +---------------------------------------------------------------+
//   |  ciphertext: plaintext with 0 to 15 zeros of padding          |
//   |  tag (16)                                                     |
//   +---------------------------------------------------------------+
//
// The 16 bytes of header are the associated data; the nonce is 4 zero bytes ‖ counter. All integers
// little-endian. An unknown kind or a set flag is dropped: none was negotiated. The sender pads to
// a multiple of 16, which makes AES-GCM faster and lengths coarser, but not beyond the tunnel's
// MTU: a full packet must still fit the path. The plaintext says itself where it ends.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "base/ids.h"
#include "wire/types.h"

namespace meshnode::wire {

enum class FrameKind : std::uint8_t {
  ip = 0,       // an IP packet; its length is in the IP header
  control = 1,  // wire/control.h
  piece = 2,    // of a packet or message that is too large for the path: wire/piece.h
  // 3 Ethernet, 4 carried datagram: reserved
};

inline constexpr std::size_t kFrameHeaderSize = 16;
inline constexpr std::size_t kFrameTagSize = 16;
inline constexpr std::size_t kFrameOverhead = kFrameHeaderSize + kFrameTagSize;

struct FrameHeader {
  FrameKind kind = FrameKind::ip;
  std::uint16_t flags = 0;
  SessionIndex receiver = 0;
  std::uint64_t counter = 0;
};

inline constexpr std::size_t kMaxPadding = 15;

// How long `text` bytes become in a tunnel of this MTU.
constexpr std::size_t padded_size(std::size_t text, std::size_t mtu) {
  const std::size_t rounded = (text + kMaxPadding) & ~kMaxPadding;
  return std::max(text, std::min(rounded, mtu));
}

// `out` holds at least kFrameHeaderSize bytes.
inline void write_frame_header(std::uint8_t* out, const FrameHeader& header) {
  out[0] = static_cast<std::uint8_t>(MessageType::data);
  out[1] = static_cast<std::uint8_t>(header.kind);
  store_le(out + 2, header.flags);
  store_le(out + 4, header.receiver);
  store_le(out + 8, header.counter);
}

// Nothing if the datagram cannot be a data frame.
inline std::optional<FrameHeader> parse_frame_header(ByteView datagram) {
  if (datagram.size() < kFrameOverhead) return std::nullopt;
  if (datagram[0] != static_cast<std::uint8_t>(MessageType::data)) return std::nullopt;
  FrameHeader header;
  header.kind = static_cast<FrameKind>(datagram[1]);
  header.flags = load_le<std::uint16_t>(datagram.data() + 2);
  header.receiver = load_le<std::uint32_t>(datagram.data() + 4);
  header.counter = load_le<std::uint64_t>(datagram.data() + 8);
  return header;
}

}  // namespace meshnode::wire
