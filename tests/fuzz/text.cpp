// Everything that reads text: what is accepted has one value, and its text leads back to it.
#include "base/text.h"

#include "base/endpoint.h"
#include "base/ids.h"
#include "fuzz/fuzz.h"
#include "overlay/network.h"

namespace meshnode::fuzz {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

template <typename T>
void round_trip(std::string_view text) {
  const auto value = T::parse(text);
  if (!value) return;
  MESH_ASSERT(text.find('\0') == text.npos);
  const auto again = T::parse(value->to_string());
  MESH_ASSERT(again && *again == *value);
}

void encodings(std::string_view text) {
  if (const auto bytes = from_hex(text)) MESH_ASSERT(to_hex(*bytes) == lower(text));
  if (const auto bytes = from_base32(text)) MESH_ASSERT(to_base32(*bytes) == lower(text));
  const ByteView raw = as_bytes(text);
  MESH_ASSERT(same(*from_hex(to_hex(raw)), raw));
  MESH_ASSERT(same(*from_base32(to_base32(raw)), raw));
}

void token(std::string_view text) {
  const auto network = overlay::parse_token(text);
  if (!network) return;
  MESH_ASSERT(network->generation != 0);
  MESH_ASSERT(overlay::to_token(*network) == lower(text));
}

// Any address has a text.
void addresses(ByteView input) {
  for (const std::size_t size : {std::size_t{4}, std::size_t{16}}) {
    if (input.size() < size) return;
    const IpAddress ip = IpAddress::from_bytes(input.first(size));
    MESH_ASSERT(IpAddress::parse(ip.to_string()) == ip);
    const Endpoint endpoint{ip, static_cast<std::uint16_t>(input[0] + 1)};
    MESH_ASSERT(Endpoint::parse(endpoint.to_string()) == endpoint);
  }
}

void prefix(std::string_view text) {
  const auto cidr = Cidr::parse(text);
  if (!cidr) return;
  MESH_ASSERT(cidr->contains(cidr->ip));
  const IpAddress broadcast = cidr->broadcast();
  MESH_ASSERT(!broadcast || cidr->contains(broadcast));
}

}  // namespace

void one_input(ByteView input) {
  const std::string_view text = as_text(input);
  encodings(text);
  token(text);
  addresses(input);
  prefix(text);
  round_trip<NodeId>(text);
  round_trip<IpAddress>(text);
  round_trip<Endpoint>(text);
  round_trip<Cidr>(text);
}

}  // namespace meshnode::fuzz
