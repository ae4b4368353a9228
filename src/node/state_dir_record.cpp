#include "node/state_dir_record.h"

#include <algorithm>
#include <limits>

#include <nlohmann/json.hpp>

#include "base/text.h"

namespace meshnode::node {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kVersion = 1;
constexpr const char* kIdentity = "meshnode identity";
constexpr const char* kNetwork = "meshnode network";
constexpr const char* kCounters = "meshnode state";
constexpr const char* kMembers = "meshnode members";
constexpr std::size_t kMaxMembers = 4096;
constexpr std::size_t kMaxClaims = 8;

std::string checksum_of(const Json& envelope) {
  const std::string text = envelope.dump();
  return to_hex(crypto::sha256({as_bytes("meshnode state file"), as_bytes(text)}));
}

std::string sealed(const char* format, Json content) {
  Json envelope = {{"format", format}, {"version", kVersion}, {"content", std::move(content)}};
  envelope["checksum"] = checksum_of(envelope);
  return envelope.dump(2) + "\n";
}

// The envelope's content, if it is whole. Throws nlohmann's exceptions for wrong types.
Condition opened(std::string_view text, const char* format, Json& content, std::uint64_t& version) {
  if (nests_deeper_than(text, kJsonDepth)) return Condition::damaged;
  Json envelope = Json::parse(text);
  const auto checksum = envelope.at("checksum").get<std::string>();
  envelope.erase("checksum");
  if (checksum != checksum_of(envelope) || envelope.at("format") != format)
    return Condition::damaged;
  version = envelope.at("version").get<std::uint64_t>();
  if (version > kVersion) return Condition::newer;
  content = envelope.at("content");
  return version == kVersion ? Condition::good : Condition::damaged;
}

template <std::size_t N>
std::optional<Block<N>> block_at(const Json& content, const char* field) {
  const auto raw = from_hex(content.at(field).get<std::string>());
  if (!raw || raw->size() != N) return std::nullopt;
  Block<N> out{};
  std::copy(raw->begin(), raw->end(), out.begin());
  return out;
}

template <typename Int>
std::optional<Int> number_at(const Json& content, const char* field) {
  const Json& value = content.at(field);
  if (!value.is_number_unsigned()) return std::nullopt;
  const auto number = value.get<std::uint64_t>();
  if (number > std::numeric_limits<Int>::max()) return std::nullopt;
  return static_cast<Int>(number);
}

std::optional<crypto::Ed25519Seed> identity_of(const Json& content) {
  const auto seed = block_at<32>(content, "signing_seed");
  if (!seed) return std::nullopt;
  return crypto::Ed25519Seed(*seed);
}

std::optional<StoredNetwork> network_of(const Json& content) {
  const auto seed = block_at<16>(content, "seed");
  const auto generation = number_at<std::uint32_t>(content, "generation");
  const auto secret = block_at<32>(content, "secret");
  if (!seed || !generation || *generation == 0 || !secret) return std::nullopt;
  StoredNetwork out;
  out.secret.seed = *seed;
  out.secret.generation = *generation;
  out.secret.secret = Secret32(*secret);
  out.made_here = content.at("made_here").get<bool>();
  out.had_second_member = content.at("had_second_member").get<bool>();
  if (content.at("seed_check").is_null()) return out;
  out.seed_check = block_at<32>(content, "seed_check");
  if (!out.seed_check) return std::nullopt;
  return out;
}

std::optional<StoredCounters> counters_of(const Json& content) {
  const auto port = number_at<std::uint16_t>(content, "port");
  const auto next = number_at<std::uint64_t>(content, "next_number");
  if (!port || !next) return std::nullopt;
  return StoredCounters{*port, *next};
}

std::optional<overlay::RememberedMember> member_of(const Json& content) {
  const auto id = block_at<32>(content, "id");
  const auto key = block_at<32>(content, "static_key");
  const auto record = from_hex(content.at("record").get<std::string>());
  if (!id || !key || !record || content.at("claims").size() > kMaxClaims) return std::nullopt;
  overlay::RememberedMember out{.id = NodeId{*id}, .static_key = *key, .record = *record};
  if (!content.at("endpoint").is_null()) {
    out.endpoint = Endpoint::parse(content.at("endpoint").get<std::string>());
    if (!out.endpoint) return std::nullopt;
  }
  for (const Json& claim : content.at("claims")) {
    const auto address = IpAddress::parse(claim.get<std::string>());
    if (!address || !address->is_v4()) return std::nullopt;
    out.claims.push_back(*address);
  }
  out.seen_ms = content.at("seen_ms").get<std::int64_t>();
  return out;
}

std::optional<StoredMembers> members_of(const Json& content) {
  StoredMembers out;
  out.network = content.at("network").get<std::string>();
  if (content.at("members").size() > kMaxMembers) return std::nullopt;
  for (const Json& each : content.at("members")) {
    auto member = member_of(each);
    if (!member) return std::nullopt;
    out.members.push_back(std::move(*member));
  }
  return out;
}

template <typename T>
Decoded<T> decoded(std::string_view text, const char* format,
                   std::optional<T> (*value_of)(const Json&)) {
  Decoded<T> out;
  try {
    Json content;
    out.condition = opened(text, format, content, out.version);
    if (out.condition != Condition::good) return out;
    auto value = value_of(content);
    if (!value) return {};
    out.value = std::move(*value);
    return out;
  } catch (const std::exception&) {
    return {};
  }
}

}  // namespace

std::string encode_members(const StoredMembers& stored) {
  Json members = Json::array();
  for (const overlay::RememberedMember& member : stored.members) {
    Json claims = Json::array();
    for (const IpAddress& claim : member.claims) claims.push_back(claim.to_string());
    members.push_back(
        {{"id", to_hex(member.id.bytes)},
         {"static_key", to_hex(member.static_key)},
         {"record", to_hex(member.record)},
         {"endpoint", member.endpoint ? Json(member.endpoint->to_string()) : Json(nullptr)},
         {"claims", std::move(claims)},
         {"seen_ms", member.seen_ms}});
  }
  return sealed(kMembers, {{"network", stored.network}, {"members", std::move(members)}});
}

Decoded<StoredMembers> decode_members(std::string_view text) {
  return decoded(text, kMembers, &members_of);
}

std::string encode_identity(const crypto::Ed25519Seed& seed) {
  return sealed(kIdentity, {{"signing_seed", to_hex(seed.view())}});
}

std::string encode_network(const StoredNetwork& network) {
  Json check = network.seed_check ? Json(to_hex(*network.seed_check)) : Json(nullptr);
  return sealed(kNetwork, {{"seed", to_hex(network.secret.seed)},
                           {"generation", network.secret.generation},
                           {"secret", to_hex(network.secret.secret.view())},
                           {"made_here", network.made_here},
                           {"had_second_member", network.had_second_member},
                           {"seed_check", std::move(check)}});
}

std::string encode_counters(const StoredCounters& counters) {
  return sealed(kCounters, {{"port", counters.port}, {"next_number", counters.next_number}});
}

Decoded<crypto::Ed25519Seed> decode_identity(std::string_view text) {
  return decoded(text, kIdentity, &identity_of);
}

Decoded<StoredNetwork> decode_network(std::string_view text) {
  return decoded(text, kNetwork, &network_of);
}

Decoded<StoredCounters> decode_counters(std::string_view text) {
  return decoded(text, kCounters, &counters_of);
}

}  // namespace meshnode::node
