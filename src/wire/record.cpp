#include "wire/record.h"

#include "wire/handshake_payload.h"
#include "wire/msgpack_cursor.h"
#include "wire/msgpack_writer.h"
#include "wire/types.h"

namespace meshnode::wire {
namespace {

constexpr std::size_t kLeastItems = 11;
constexpr std::size_t kMostItems = 15;
constexpr std::size_t kMaxCandidateSize = 32;
constexpr std::size_t kMaxExtra = 255;
constexpr std::uint8_t kUdp = 1;

Bytes encode_candidate(const Candidate& candidate) {
  Bytes out;
  Writer writer(out);
  writer.u8(static_cast<std::uint8_t>(candidate.kind));
  writer.u8(kUdp);
  writer.u8(candidate.flags);
  writer.u8(candidate.priority);
  writer.u16(candidate.endpoint.port);
  writer.bytes(candidate.endpoint.ip.bytes());
  return out;
}

bool is_known(std::uint8_t kind) {
  return kind >= static_cast<std::uint8_t>(CandidateKind::host) &&
         kind <= static_cast<std::uint8_t>(CandidateKind::guessed);
}

bool can_be_reached(const Endpoint& endpoint) {
  const IpAddress& ip = endpoint.ip;
  return ip && endpoint.port != 0 && !ip.is_unspecified() && !ip.is_loopback() &&
         !ip.is_multicast() && !ip.is_limited_broadcast();
}

// Nothing if it is of no kind or form that we know.
std::optional<Candidate> parse_candidate(ByteView bytes) {
  Reader reader(bytes);
  const std::uint8_t kind = reader.u8();
  const std::uint8_t transport = reader.u8();
  Candidate out;
  out.flags = reader.u8();
  out.priority = reader.u8();
  out.endpoint.port = reader.u16();
  out.endpoint.ip = IpAddress::from_bytes(reader.bytes(reader.left()));
  if (!reader.ok() || !is_known(kind) || transport != kUdp || !can_be_reached(out.endpoint))
    return std::nullopt;
  out.kind = static_cast<CandidateKind>(kind);
  return out;
}

template <std::size_t N>
Block<N> block(MsgpackCursor& cursor, ByteView in) {
  Block<N> out{};
  const ByteRange range = cursor.bin(N, N);
  if (cursor.ok()) std::copy_n(range.in(in).begin(), N, out.begin());
  return out;
}

void read_candidates(MsgpackCursor& cursor, ByteView in, Record& out) {
  const std::size_t count = cursor.array();
  cursor.require(count <= kMaxCandidates);
  for (std::size_t i = 0; cursor.ok() && i < count; ++i) {
    const ByteRange range = cursor.bin(0, kMaxCandidateSize);
    if (!cursor.ok()) return;
    if (const auto candidate = parse_candidate(range.in(in))) out.candidates.push_back(*candidate);
  }
}

void read_nat(MsgpackCursor& cursor, Record& out) {
  const auto nat = static_cast<std::uint8_t>(cursor.uint(0xff));
  if (nat <= static_cast<std::uint8_t>(NatMapping::dependent)) out.nat = NatMapping{nat};
}

void read_name(MsgpackCursor& cursor, ByteView in, Record& out) {
  const ByteRange range = cursor.text(kMaxName);
  if (!cursor.ok()) return;
  out.name = as_text(range.in(in));
  cursor.require(out.name.empty() || is_valid_name(out.name));
}

void read_claims(MsgpackCursor& cursor, ByteView in, Record& out) {
  const std::size_t count = cursor.array();
  cursor.require(count <= kMaxClaims);
  for (std::size_t i = 0; cursor.ok() && i < count; ++i) {
    out.claims.push_back(IpAddress::v4(block<4>(cursor, in)));
    cursor.require(is_claimable(out.claims.back()));
  }
}

void skip_extra(MsgpackCursor& cursor) {
  const std::uint8_t head = cursor.peek();
  if (head <= 0x7f || (head >= 0xcc && head <= 0xcf))
    cursor.uint(~std::uint64_t{0});
  else if (head == 0xc4)
    cursor.bin(0, kMaxExtra);
  else
    cursor.text(kMaxExtra);
}

}  // namespace

Bytes encode_record_text(const Record& record) {
  Bytes out;
  MsgpackWriter pack(out);
  pack.array(kLeastItems);
  pack.uint(kProtocolVersion);
  pack.bin(record.signing_key);
  pack.bin(record.static_key);
  pack.uint(record.sequence);
  pack.bin(record.boot);
  pack.uint(record.issued);
  pack.array(record.candidates.size());
  for (const Candidate& candidate : record.candidates) pack.bin(encode_candidate(candidate));
  pack.uint(static_cast<std::uint8_t>(record.nat));
  pack.array(2);
  pack.uint(record.lowest_version);
  pack.uint(record.highest_version);
  pack.text(record.name);
  pack.array(record.claims.size());
  for (const IpAddress& claim : record.claims) pack.bin(claim.bytes());
  return out;
}

std::optional<ParsedRecord> parse_record(ByteView bytes) {
  if (bytes.size() <= kRecordSignatureSize || bytes.size() > kMaxRecordSize) return std::nullopt;
  ParsedRecord out;
  out.text = bytes.first(bytes.size() - kRecordSignatureSize);
  out.signature = bytes.last(kRecordSignatureSize);
  Record& record = out.record;
  MsgpackCursor cursor(out.text, 0, out.text.size());
  const std::size_t items = cursor.array();
  cursor.require(items >= kLeastItems && items <= kMostItems);
  cursor.require(cursor.uint(0xff) == kProtocolVersion);
  record.signing_key = block<32>(cursor, out.text);
  record.static_key = block<32>(cursor, out.text);
  record.sequence = cursor.uint(~std::uint64_t{0});
  record.boot = block<8>(cursor, out.text);
  record.issued = cursor.uint(~std::uint64_t{0});
  read_candidates(cursor, out.text, record);
  read_nat(cursor, record);
  cursor.require(cursor.array() == 2);
  record.lowest_version = static_cast<std::uint8_t>(cursor.uint(0xff));
  record.highest_version = static_cast<std::uint8_t>(cursor.uint(0xff));
  read_name(cursor, out.text, record);
  read_claims(cursor, out.text, record);
  for (std::size_t i = kLeastItems; cursor.ok() && i < items; ++i) skip_extra(cursor);
  if (!cursor.done()) return std::nullopt;
  return out;
}

}  // namespace meshnode::wire
