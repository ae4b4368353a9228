#include "wire/beacon.h"

namespace meshnode::wire {

Bytes encode_beacon_text(const Beacon& beacon) {
  Bytes out;
  out.reserve(kBeaconTextSize);
  Writer writer(out);
  writer.bytes(beacon.static_key);
  writer.bytes(beacon.node.bytes);
  writer.bytes(beacon.boot);
  writer.u64(beacon.number);
  writer.u16(beacon.port);
  writer.u8(static_cast<std::uint8_t>(beacon.source.family()));
  writer.bytes(beacon.source.bytes());
  writer.zeros(16 - beacon.source.bytes().size());
  writer.u8(beacon.answer_wanted ? 1 : 0);
  writer.u64(static_cast<std::uint64_t>(beacon.clock.ms));
  writer.u8(kProtocolVersion);
  writer.zeros(kBeaconTextSize - out.size());
  return out;
}

std::optional<std::uint8_t> beacon_version(ByteView text) {
  constexpr std::size_t kVersionAt = 108;
  if (text.size() != kBeaconTextSize) return std::nullopt;
  return text[kVersionAt];
}

std::optional<Beacon> parse_beacon_text(ByteView text) {
  if (text.size() != kBeaconTextSize) return std::nullopt;
  Reader reader(text);
  Beacon out;
  out.static_key = reader.block<32>();
  out.node.bytes = reader.block<32>();
  out.boot = reader.block<8>();
  out.number = reader.u64();
  out.port = reader.u16();
  const std::uint8_t family = reader.u8();
  const auto address = reader.block<16>();
  out.answer_wanted = (reader.u8() & 1) != 0;
  out.clock.ms = static_cast<std::int64_t>(reader.u64());
  const std::uint8_t version = reader.u8();
  if ((family != 4 && family != 6) || out.port == 0 || version != kProtocolVersion)
    return std::nullopt;
  const std::size_t used = family == 4 ? 4 : 16;
  if (!all_zero(ByteView(address).subspan(used))) return std::nullopt;
  out.source = IpAddress::from_bytes(ByteView(address).first(used));
  return out;
}

}  // namespace meshnode::wire
