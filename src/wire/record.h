// Endpoint record: what a member tells the others about itself, above all where it may be reached.
// This is the signed text and its signature; who may read it and whether it holds is not asked
// here.
//
// A msgpack array of 11 to 15 items in their shortest forms, the signature (64) right behind it:
//
//    0  version, 1
//    1  Ed25519 public key, bin 32: the NodeId follows from it
//    2  X25519 static key, bin 32
//    3  sequence, uint: the higher one is the newer record
//    4  boot id, bin 8
//    5  issued, uint: unix seconds of the sender's clock
//    6  candidates, array of at most 8 bins of at most 32 bytes:
//         kind (1) | transport (1) | flags (1) | priority (1) | port (2) | address (4 or 16)
//       flags: 0x01 serves: DHT and STUN requests of anybody are answered there. Others are kept
//       and mean nothing here.
//    7  NAT behaviour, uint below 256
//    8  protocol versions, array of 2 uints below 256: the lowest and the highest
//    9  name, str of at most 32 bytes; empty for none
//   10  IPv4 claims, array of at most 2 bins of 4 bytes
//   11… later additions: uint, bin or str each; skipped
//
// Candidates of an unknown kind or transport are skipped, whatever they hold. A record is handed on
// as the bytes that were received, never encoded again: so what is unknown here survives.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/endpoint.h"
#include "base/ids.h"

namespace meshnode::wire {

inline constexpr std::size_t kMaxCandidates = 8;
inline constexpr std::size_t kRecordSignatureSize = 64;
// Text and signature: sealed and padded it makes kSealedRecordSize bytes (discovery/directory.h).
inline constexpr std::size_t kMaxRecordSize = 462;

// RFC 8445's words. The numbers are on the wire.
enum class CandidateKind : std::uint8_t {
  host = 1,            // an address of one of its interfaces
  reflexive = 2,       // as a STUN server saw it
  peer_reflexive = 3,  // as another member saw it
  guessed = 4,         // an address as others see it, with the local port
};

// Flag of a candidate: whoever asks there, also somebody unheard of, gets an answer of the DHT and
// of STUN.
inline constexpr std::uint8_t kServes = 0x01;

struct Candidate {
  CandidateKind kind = CandidateKind::host;
  std::uint8_t priority = 0;  // higher is tried first
  std::uint8_t flags = 0;     // kServes, and what a later version may add
  Endpoint endpoint;          // UDP; neither address nor port is zero
  auto operator<=>(const Candidate&) const = default;
};

// How the sender's NAT maps, as far as it could find out. RFC 4787's words; on the wire.
enum class NatMapping : std::uint8_t {
  unknown = 0,
  none = 1,                  // it was seen at an address of its own
  endpoint_independent = 2,  // all who were asked saw the same endpoint
  dependent = 3,             // on address, or address and port, of who is asked: "symmetric"
};

struct Record {
  Block<32> signing_key{};
  Block<32> static_key{};
  std::uint64_t sequence = 0;
  BootId boot{};
  std::uint64_t issued = 0;  // unix seconds
  std::vector<Candidate> candidates;
  NatMapping nat = NatMapping::unknown;
  std::uint8_t lowest_version = 1;
  std::uint8_t highest_version = 1;
  std::string name;
  std::vector<IpAddress> claims;
  bool operator==(const Record&) const = default;
};

// The text that gets signed; the caller appends the signature. At most kMaxRecordSize -
// kRecordSignatureSize bytes, whatever the record holds within its bounds.
Bytes encode_record_text(const Record& record);

struct ParsedRecord {
  Record record;
  ByteView text;  // views into the input
  ByteView signature;
};
// Nothing unless all of it is as above. A NAT behaviour that we do not know reads as unknown;
// versions that do not hold 1 refuse nothing here.
std::optional<ParsedRecord> parse_record(ByteView bytes);

}  // namespace meshnode::wire
