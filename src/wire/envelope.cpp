#include "wire/envelope.h"

namespace meshnode::wire {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kHeader = 1 + 1 + 32 + 8;

}  // namespace

Bytes encode_object_text(const Envelope& envelope) {
  Bytes out;
  Writer writer(out);
  writer.u8(kVersion);
  writer.u8(static_cast<std::uint8_t>(envelope.kind));
  writer.bytes(envelope.signer);
  writer.u64(envelope.sequence);
  writer.bytes(envelope.body);
  return out;
}

std::optional<ParsedEnvelope> parse_object(ByteView bytes) {
  constexpr std::size_t least = kHeader + kObjectSignatureSize;
  if (bytes.size() < least || bytes.size() > least + kMaxObjectBody) return std::nullopt;
  ParsedEnvelope out;
  out.text = bytes.first(bytes.size() - kObjectSignatureSize);
  out.signature = bytes.last(kObjectSignatureSize);
  Reader reader(out.text);
  if (reader.u8() != kVersion) return std::nullopt;
  out.envelope.kind = static_cast<ObjectKind>(reader.u8());
  out.envelope.signer = reader.block<32>();
  out.envelope.sequence = reader.u64();
  out.envelope.body = reader.bytes(reader.left());
  return out;
}

std::optional<BootId> parse_goodbye(const Envelope& envelope) {
  if (envelope.kind != ObjectKind::goodbye || envelope.body.size() != BootId{}.size())
    return std::nullopt;
  return Reader(envelope.body).block<8>();
}

}  // namespace meshnode::wire
