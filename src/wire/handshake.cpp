#include "wire/handshake.h"

namespace meshnode::wire {
namespace {

// Noise_IK: message 1 is e ‖ sealed s ‖ sealed payload, message 2 is e ‖ sealed payload.
constexpr std::size_t kSmallestNoiseInit = 32 + 48 + 16;
constexpr std::size_t kSmallestNoiseResponse = 32 + 16;

Bytes common_header(MessageType type, SessionIndex sender) {
  Bytes out;
  out.reserve(kMaxHandshakeSize);
  Writer writer(out);
  writer.u8(static_cast<std::uint8_t>(type));
  writer.u8(kProtocolVersion);
  writer.u16(0);
  writer.u32(sender);
  return out;
}

bool read_common_header(Reader& reader, MessageType type) {
  return reader.u8() == static_cast<std::uint8_t>(type) && reader.u8() == kProtocolVersion &&
         reader.u16() == 0;
}

}  // namespace

Bytes init_header(SessionIndex sender) {
  return common_header(MessageType::handshake_init, sender);
}

std::optional<HandshakeInit> parse_init(ByteView datagram) {
  if (datagram.size() < kInitHeaderSize + kSmallestNoiseInit + 2 * kMacSize) return std::nullopt;
  if (datagram.size() > kMaxHandshakeSize) return std::nullopt;
  Reader reader(datagram);
  if (!read_common_header(reader, MessageType::handshake_init)) return std::nullopt;
  HandshakeInit out;
  out.sender = reader.u32();
  out.header = datagram.first(kInitHeaderSize);
  out.before_mac1 = datagram.first(datagram.size() - 2 * kMacSize);
  out.before_mac2 = datagram.first(datagram.size() - kMacSize);
  out.noise = reader.bytes(reader.left() - 2 * kMacSize);
  out.mac1 = reader.block<kMacSize>();
  out.mac2 = reader.block<kMacSize>();
  return out;
}

Bytes response_header(SessionIndex sender, SessionIndex receiver) {
  Bytes out = common_header(MessageType::handshake_response, sender);
  Writer(out).u32(receiver);
  return out;
}

std::optional<HandshakeResponse> parse_response(ByteView datagram) {
  if (datagram.size() < kResponseHeaderSize + kSmallestNoiseResponse + kMacSize)
    return std::nullopt;
  if (datagram.size() > kMaxHandshakeSize) return std::nullopt;
  Reader reader(datagram);
  if (!read_common_header(reader, MessageType::handshake_response)) return std::nullopt;
  HandshakeResponse out;
  out.sender = reader.u32();
  out.receiver = reader.u32();
  out.before_mac1 = datagram.first(datagram.size() - kMacSize);
  out.noise = reader.bytes(reader.left() - kMacSize);
  out.mac1 = reader.block<kMacSize>();
  return out;
}

Bytes challenge_body(const Challenge& challenge) {
  Bytes out;
  Writer writer(out);
  writer.u8(static_cast<std::uint8_t>(MessageType::challenge));
  writer.u8(static_cast<std::uint8_t>(challenge.kind));
  writer.u16(0);
  writer.u32(challenge.receiver);
  writer.bytes(challenge.value);
  return out;
}

std::optional<Challenge> parse_challenge(ByteView datagram) {
  if (datagram.size() != kChallengeSize) return std::nullopt;
  Reader reader(datagram);
  const std::uint8_t type = reader.u8();
  const std::uint8_t kind = reader.u8();
  const std::uint16_t zero = reader.u16();
  if (type != static_cast<std::uint8_t>(MessageType::challenge) || kind > 1 || zero != 0)
    return std::nullopt;
  Challenge out;
  out.kind = static_cast<Challenge::Kind>(kind);
  out.receiver = reader.u32();
  out.value = reader.block<16>();
  out.mac = reader.block<kMacSize>();
  return out;
}

}  // namespace meshnode::wire
