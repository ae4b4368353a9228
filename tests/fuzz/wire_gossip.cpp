// What parses is written back the same, and within its bounds.
#include "fuzz/fuzz.h"
#include "wire/envelope.h"
#include "wire/gossip.h"

namespace meshnode::fuzz {
namespace {

void digests(ByteView body) {
  const auto digest = wire::parse_digest(body);
  if (!digest) return;
  MESH_ASSERT(same(wire::encode_digest(*digest), body));
  MESH_ASSERT(digest->entries.size() <= wire::kMaxDigest);
  MESH_ASSERT(digest->announces() ? !digest->entries.empty() : digest->lower <= digest->upper);
  for (std::size_t i = 0; i < digest->entries.size(); ++i) {
    const wire::ShortId id = digest->entries[i].id;
    MESH_ASSERT(digest->announces() || (digest->lower <= id && id <= digest->upper));
    MESH_ASSERT(i == 0 || digest->entries[i - 1].id < id);
  }
}

void wants(ByteView body) {
  const auto want = wire::parse_want(body);
  if (!want) return;
  MESH_ASSERT(!want->empty() && want->size() <= wire::kMaxDigest);
  MESH_ASSERT(same(wire::encode_want(*want), body));
}

void summaries(ByteView body) {
  const auto summary = wire::parse_summary(body);
  if (!summary) return;
  MESH_ASSERT(same(wire::encode_summary(*summary), body));
  MESH_ASSERT(!summary->ranges.empty() && summary->ranges.size() <= wire::kMaxRanges);
  for (std::size_t i = 0; i < summary->ranges.size(); ++i) {
    MESH_ASSERT(summary->ranges[i].lower <= summary->ranges[i].upper);
    MESH_ASSERT(i == 0 || summary->ranges[i - 1].upper < summary->ranges[i].lower);
  }
}

void objects(ByteView body) {
  const auto parsed = wire::parse_object(body);
  if (!parsed) return;
  MESH_ASSERT(parsed->envelope.body.size() <= wire::kMaxObjectBody);
  MESH_ASSERT(same(wire::encode_object_text(parsed->envelope) + parsed->signature, body));
  MESH_ASSERT(parsed->envelope.kind == wire::ObjectKind::goodbye ||
              !wire::parse_goodbye(parsed->envelope));
}

}  // namespace

void one_input(ByteView input) {
  digests(input);
  wants(input);
  summaries(input);
  objects(input);
}

}  // namespace meshnode::fuzz
