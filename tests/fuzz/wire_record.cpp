#include "fuzz/fuzz.h"
#include "wire/handshake_payload.h"
#include "wire/record.h"

namespace meshnode::fuzz {
namespace {

void in_bounds(const wire::Record& record) {
  MESH_ASSERT(record.candidates.size() <= wire::kMaxCandidates);
  for (const wire::Candidate& candidate : record.candidates) {
    const IpAddress& ip = candidate.endpoint.ip;
    MESH_ASSERT(ip && candidate.endpoint.port != 0 && !ip.is_unspecified());
    MESH_ASSERT(!ip.is_loopback() && !ip.is_multicast());
  }
  MESH_ASSERT(record.name.empty() || wire::is_valid_name(record.name));
  MESH_ASSERT(record.claims.size() <= 2);
  for (const IpAddress& claim : record.claims) MESH_ASSERT(wire::is_claimable(claim));
}

}  // namespace

// What is unknown here is skipped, so the text is not canonical; what was understood is.
void one_input(ByteView input) {
  const auto parsed = wire::parse_record(input);
  if (!parsed) return;
  MESH_ASSERT(input.size() <= wire::kMaxRecordSize);
  MESH_ASSERT(same(to_bytes(parsed->text) + parsed->signature, input));
  in_bounds(parsed->record);
  const Bytes again = wire::encode_record_text(parsed->record) + parsed->signature;
  MESH_ASSERT(again.size() <= wire::kMaxRecordSize);
  const auto reparsed = wire::parse_record(again);
  MESH_ASSERT(reparsed && reparsed->record == parsed->record);
}

}  // namespace meshnode::fuzz
