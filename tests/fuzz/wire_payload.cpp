#include "fuzz/fuzz.h"
#include "wire/handshake_payload.h"

namespace meshnode::fuzz {
namespace {

// TLVs may come in any order and unknown ones are skipped: not canonical, but what we write of it
// says the same, and once more the same bytes.
void parse_as(ByteView input, wire::PayloadOf message) {
  const auto payload = wire::parse_payload(input, message);
  if (!payload) return;
  MESH_ASSERT(!payload->ciphers.empty() && payload->ciphers.size() <= wire::kMaxCiphers);
  MESH_ASSERT(payload->claims.size() <= wire::kMaxClaims);
  MESH_ASSERT(payload->name.empty() || wire::is_valid_name(payload->name));
  const Bytes written = wire::encode_payload(*payload);
  MESH_ASSERT(written.size() <= input.size());
  const auto again = wire::parse_payload(written, message);
  MESH_ASSERT(again.has_value());
  MESH_ASSERT(same(wire::encode_payload(*again), written));
  MESH_ASSERT(again->name == payload->name && again->claims == payload->claims &&
              again->observed == payload->observed && again->ciphers == payload->ciphers &&
              again->challenge_answer == payload->challenge_answer);
}

}  // namespace

void one_input(ByteView input) {
  parse_as(input, wire::PayloadOf::init);
  parse_as(input, wire::PayloadOf::response);
}

}  // namespace meshnode::fuzz
