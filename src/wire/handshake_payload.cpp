#include "wire/handshake_payload.h"

#include <iterator>

#include "wire/endpoint.h"

namespace meshnode::wire {
namespace {

enum Tlv : std::uint8_t { ciphers = 1, observed = 2, name = 3, claim = 4, challenge_answer = 5 };

void append_tlv(Writer& out, Tlv type, ByteView value) {
  out.u8(type);
  out.u8(static_cast<std::uint8_t>(value.size()));
  out.bytes(value);
}

bool read_ciphers(ByteView value, HandshakePayload& out) {
  if (!out.ciphers.empty() || value.empty() || value.size() % 2 != 0) return false;
  if (value.size() > 2 * kMaxCiphers) return false;
  for (Reader reader(value); reader.left() > 0;) out.ciphers.push_back(reader.u16());
  return true;
}

bool read_observed(ByteView value, HandshakePayload& out) {
  Reader reader(value);
  const auto endpoint = read_endpoint(reader);
  if (out.observed.ip || !endpoint || !endpoint->ip || !reader.done()) return false;
  out.observed = *endpoint;
  return true;
}

bool read_name(ByteView value, HandshakePayload& out) {
  if (!out.name.empty() || !is_valid_name(as_text(value))) return false;
  out.name = as_text(value);
  return true;
}

bool read_claim(ByteView value, HandshakePayload& out) {
  if (value.size() != 4 || out.claims.size() == kMaxClaims) return false;
  const IpAddress address = IpAddress::from_bytes(value);
  if (!is_claimable(address)) return false;
  out.claims.push_back(address);
  return true;
}

bool read_challenge_answer(ByteView value, HandshakePayload& out) {
  if (out.challenge_answer || value.size() != 16) return false;
  Reader reader(value);
  out.challenge_answer = reader.block<16>();
  return true;
}

bool read_tlv(std::uint8_t type, ByteView value, HandshakePayload& out) {
  switch (type) {
    case Tlv::ciphers:
      return read_ciphers(value, out);
    case Tlv::observed:
      return read_observed(value, out);
    case Tlv::name:
      return read_name(value, out);
    case Tlv::claim:
      return read_claim(value, out);
    case Tlv::challenge_answer:
      return read_challenge_answer(value, out);
    default:
      return true;
  }
}

bool has_what_its_message_needs(const HandshakePayload& payload, PayloadOf message) {
  if (message == PayloadOf::init) return !payload.ciphers.empty();
  return payload.ciphers.size() == 1 && !payload.challenge_answer;
}

// Length of the UTF-8 sequence at the front (RFC 3629 §4), 0 if there is none.
std::size_t utf8_length(std::string_view text) {
  const auto at = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto tail = [&](std::size_t i) { return (at(i) & 0xc0U) == 0x80U; };
  const unsigned first = at(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return tail(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool overlong = first == 0xe0 && at(1) < 0xa0;
    const bool surrogate = first == 0xed && at(1) > 0x9f;
    return tail(1) && tail(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool overlong = first == 0xf0 && at(1) < 0x90;
    const bool too_large = first == 0xf4 && at(1) > 0x8f;
    return tail(1) && tail(2) && tail(3) && !overlong && !too_large ? 4 : 0;
  }
  return 0;
}

char32_t decode(std::string_view character) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  if (character.size() == 1) return at(0);
  auto out = static_cast<char32_t>(at(0) & (0xffU >> (character.size() + 1)));
  for (std::size_t i = 1; i < character.size(); ++i)
    out = static_cast<char32_t>(out << 6 | (at(i) & 0x3fU));
  return out;
}

// Controls, characters that draw nothing, and those that turn the direction of writing: two names
// that look the same must not be two.
bool is_invisible(char32_t c) {
  struct Range {
    char32_t first, last;
  };
  constexpr Range kInvisible[] = {
      {0x0000, 0x001f}, {0x007f, 0x009f}, {0x034f, 0x034f}, {0x061c, 0x061c},   {0x115f, 0x1160},
      {0x17b4, 0x17b5}, {0x180b, 0x180f}, {0x2000, 0x207f}, {0x3164, 0x3164},   {0xfe00, 0xfe0f},
      {0xfeff, 0xfeff}, {0xffa0, 0xffa0}, {0xfff0, 0xfffb}, {0xe0000, 0xe0fff},
  };
  return std::any_of(std::begin(kInvisible), std::end(kInvisible),
                     [&](const Range& r) { return c >= r.first && c <= r.last; });
}

}  // namespace

bool is_valid_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxName) return false;
  while (!name.empty()) {
    const std::size_t length = utf8_length(name);
    if (length == 0 || is_invisible(decode(name.substr(0, length)))) return false;
    name.remove_prefix(length);
  }
  return true;
}

bool is_claimable(const IpAddress& address) {
  // 0/8 is this network, 224/3 multicast and reserved (RFC 6890): nobody's address.
  return address.is_v4() && address.bytes()[0] != 0 && address.bytes()[0] < 224 &&
         !address.is_loopback();
}

Bytes encode_payload(const HandshakePayload& payload) {
  Bytes out;
  Writer writer(out);
  writer.bytes(payload.signing_key);
  writer.bytes(payload.binding);
  writer.bytes(payload.boot);
  writer.u64(payload.number);
  writer.u32(payload.index);
  writer.u32(payload.features);
  Bytes value;
  for (std::uint16_t cipher : payload.ciphers) Writer(value).u16(cipher);
  append_tlv(writer, Tlv::ciphers, value);
  if (payload.observed.ip) {
    value.clear();
    Writer value_writer(value);
    append_endpoint(value_writer, payload.observed);
    append_tlv(writer, Tlv::observed, value);
  }
  if (!payload.name.empty()) append_tlv(writer, Tlv::name, as_bytes(payload.name));
  for (const IpAddress& address : payload.claims) append_tlv(writer, Tlv::claim, address.bytes());
  if (payload.challenge_answer)
    append_tlv(writer, Tlv::challenge_answer, *payload.challenge_answer);
  return out;
}

std::optional<HandshakePayload> parse_payload(ByteView bytes, PayloadOf message) {
  Reader reader(bytes);
  HandshakePayload out;
  out.signing_key = reader.block<32>();
  out.binding = reader.block<64>();
  out.boot = reader.block<8>();
  out.number = reader.u64();
  out.index = reader.u32();
  out.features = reader.u32();
  while (reader.ok() && reader.left() > 0) {
    const std::uint8_t type = reader.u8();
    const ByteView value = reader.bytes(reader.u8());
    if (!reader.ok() || !read_tlv(type, value, out)) return std::nullopt;
  }
  if (!reader.ok() || !has_what_its_message_needs(out, message)) return std::nullopt;
  return out;
}

}  // namespace meshnode::wire
