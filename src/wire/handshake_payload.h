// What both handshake messages carry inside Noise:
//
//    0  Ed25519 key (32) | signature that binds the Noise static key to it (64)
//   96  boot id (8) | number (8) | session index (4) | features (4)
//  120  TLVs: type (1) | length (1) | value
//
//   type  value                                    init      response
//   1     ciphers, u16 each, most wanted first     1 to 8    exactly 1: the choice
//   2     observed endpoint (20)                   optional  optional
//   3     name, UTF-8, 1 to 32 bytes               optional  optional
//   4     IPv4 address claim (4), at most two      optional  optional
//   5     answer to a freshness challenge (16)     optional  never
//
// Unknown types are skipped, a repeated or misplaced one refuses the message.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/endpoint.h"
#include "base/ids.h"

namespace meshnode::wire {

inline constexpr std::size_t kMaxName = 32;
inline constexpr std::size_t kMaxClaims = 2;
inline constexpr std::size_t kMaxCiphers = 8;

struct HandshakePayload {
  Block<32> signing_key{};
  Block<64> binding{};
  BootId boot{};
  std::uint64_t number = 0;
  SessionIndex index = 0;  // the same as in the clear header; here it is authenticated
  std::uint32_t features = 0;
  std::vector<std::uint16_t> ciphers;
  Endpoint observed;  // none if not told
  std::string name;
  std::vector<IpAddress> claims;
  std::optional<Block<16>> challenge_answer;
};

enum class PayloadOf { init, response };

Bytes encode_payload(const HandshakePayload& payload);
std::optional<HandshakePayload> parse_payload(ByteView bytes, PayloadOf message);

// An IPv4 address that a member may claim in the overlay.
bool is_claimable(const IpAddress& address);

// Printable, no control characters, no invalid UTF-8: safe to show on a terminal.
bool is_valid_name(std::string_view name);

}  // namespace meshnode::wire
