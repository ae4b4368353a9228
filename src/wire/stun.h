// STUN Binding (RFC 8489), the only method spoken here; big-endian:
//
//    0  type (2): 0x0001 request, 0x0101 success | length of all attributes (2), a multiple of 4
//    4  magic cookie 0x2112a442 (4)
//    8  transaction (12)
//   20  attributes: type (2) | length (2) | value | zero padding to a multiple of 4
//
// Request as our client sends it, 60 bytes: SOFTWARE with 36 characters, so that an answer over
// IPv6 with everything in it (116 bytes) stays within twice its request.
// Behind it what netcheck asks for, each 8 bytes: CHANGE-REQUEST (RFC 5780 §7.2), RESPONSE-PORT
// (§7.5).
// Answer, in this order, each only if the budget has room for it: XOR-MAPPED-ADDRESS (12 bytes
// over IPv4, 24 over IPv6), START-ID (0xc0de, 12 bytes: ours; a value that is fresh in each start
// of the server, so that a client notices that it lost its store), OTHER-ADDRESS, RESPONSE-ORIGIN
// (RFC 5780 §7.3, §7.4), SERVER-TIME (0xc0df, 12 bytes: ours; milliseconds since 1970 by the
// server's clock).
#pragma once

#include <optional>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/endpoint.h"

namespace meshnode::wire {

using StunTransaction = Block<12>;
inline constexpr std::size_t kStunHeaderSize = 20;
inline constexpr std::size_t kStunRequestSize = 60;
// Nothing longer is looked at, either way.
inline constexpr std::size_t kMaxStunSize = 548;
// An answer is at most this many times as long as its request.
inline constexpr std::size_t kStunAmplification = 2;

struct StunRequest {
  StunTransaction transaction{};
  std::size_t size = 0;    // of the whole request: the measure of the answer
  bool change_ip = false;  // CHANGE-REQUEST, RFC 5780 §7.2
  bool change_port = false;
  std::uint16_t response_port = 0;  // RESPONSE-PORT; 0: where the request came from
};

// What a request may ask besides; nothing is left out.
struct StunWishes {
  bool change_ip = false;
  bool change_port = false;
  std::uint16_t response_port = 0;
};

struct StunResponse {
  Endpoint mapped;  // always there
  Endpoint other;   // none if the server did not say
  Endpoint origin;  // likewise
  std::optional<std::uint64_t> start_id;
  std::optional<UnixTime> time;  // its word, and nobody vouches for it
};

// Nothing unless it is a well-formed Binding request whose comprehension-required attributes we
// know. Credentials and ICE attributes are known and ignored.
std::optional<StunRequest> parse_stun_request(ByteView datagram);

// The answer to `request`. None endpoints are left out, and so is what would exceed the budget;
// empty if not even the mapped address fits (a request below 22 bytes over IPv6).
Bytes stun_response(const StunRequest& request, const Endpoint& mapped, std::uint64_t start_id,
                    const Endpoint& other_address, const Endpoint& response_origin,
                    std::optional<UnixTime> time = {});

Bytes stun_request(const StunTransaction& transaction, const StunWishes& wishes = {});

// The answer to our request with this transaction; nothing for any other. Servers older than RFC
// 5389 say MAPPED-ADDRESS only, which is taken if there is nothing better.
std::optional<StunResponse> parse_stun_response(ByteView datagram,
                                                const StunTransaction& transaction);

}  // namespace meshnode::wire
