// Handshake messages as they stand on the wire; their Noise part is opaque here.
//
//   init (0x40)      type | version | zero (2) | sender index (4) |
//                    Noise message 1 | mac1 (16) | mac2 (16)
//   response (0x41)  type | version | zero (2) | sender index (4) | receiver index (4) |
//                    Noise message 2 | mac1 (16)
//   challenge (0x42) type | kind (0 cookie, 1 freshness) | zero (2) | receiver index (4) |
//                    value (16) | mac (16)
//
// mac1 covers everything before it, mac2 everything before it (mac1 included).
#pragma once

#include <optional>

#include "base/bytes.h"
#include "base/ids.h"
#include "wire/types.h"

namespace meshnode::wire {

inline constexpr std::size_t kInitHeaderSize = 8;
inline constexpr std::size_t kResponseHeaderSize = 12;
inline constexpr std::size_t kChallengeSize = 40;

// Views point into the datagram that was parsed.
struct HandshakeInit {
  SessionIndex sender = 0;
  ByteView header;  // what the Noise prologue binds
  ByteView noise;
  ByteView before_mac1;
  ByteView before_mac2;
  Mac mac1{};
  Mac mac2{};
};
std::optional<HandshakeInit> parse_init(ByteView datagram);
// The header alone; the caller appends the Noise message and the macs.
Bytes init_header(SessionIndex sender);

struct HandshakeResponse {
  SessionIndex sender = 0;
  SessionIndex receiver = 0;
  ByteView noise;
  ByteView before_mac1;
  Mac mac1{};
};
std::optional<HandshakeResponse> parse_response(ByteView datagram);
Bytes response_header(SessionIndex sender, SessionIndex receiver);

struct Challenge {
  enum class Kind : std::uint8_t { cookie = 0, freshness = 1 };
  Kind kind = Kind::cookie;
  SessionIndex receiver = 0;
  Block<16> value{};
  Mac mac{};
};
// All but the mac.
Bytes challenge_body(const Challenge& challenge);
std::optional<Challenge> parse_challenge(ByteView datagram);

}  // namespace meshnode::wire
