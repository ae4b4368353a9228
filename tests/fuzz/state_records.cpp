#include <nlohmann/json.hpp>

#include "base/text.h"
#include "crypto/hash.h"
#include "fuzz/fuzz.h"
#include "node/state_dir_record.h"

namespace meshnode::fuzz {
namespace {

template <typename T, typename Encode, typename Decode>
void round_trip(std::string_view text, Encode encode, Decode decode) {
  const node::Decoded<T> first = decode(text);
  if (first.condition != node::Condition::good) return;
  const node::Decoded<T> again = decode(encode(first.value));
  MESH_ASSERT(again.condition == node::Condition::good && again.value == first.value);
}

void all(std::string_view text) {
  round_trip<crypto::Ed25519Seed>(text, node::encode_identity, node::decode_identity);
  round_trip<node::StoredNetwork>(text, node::encode_network, node::decode_network);
  round_trip<node::StoredMembers>(text, node::encode_members, node::decode_members);
  round_trip<node::StoredCounters>(text, node::encode_counters, node::decode_counters);
}

// The input as content under a checksum that fits, so that what lies behind it is reached.
void all_under_checksum(std::string_view text) {
  using Json = nlohmann::ordered_json;
  if (text.size() > 4096) return;  // dump() is recursive: depth is not for here
  const Json content = Json::parse(text, nullptr, false);
  if (content.is_discarded()) return;
  for (const char* format :
       {"meshnode identity", "meshnode network", "meshnode state", "meshnode members"}) {
    Json envelope = {{"format", format}, {"version", 1}, {"content", content}};
    const std::string covered = envelope.dump();
    envelope["checksum"] =
        to_hex(crypto::sha256({as_bytes("meshnode state file"), as_bytes(covered)}));
    all(envelope.dump());
  }
}

}  // namespace

void one_input(ByteView input) {
  all(as_text(input));
  all_under_checksum(as_text(input));
}

}  // namespace meshnode::fuzz
