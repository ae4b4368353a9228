#include "wire/introduction.h"

namespace meshnode::wire {

Bytes Introduction::statement() const {
  Bytes out;
  Writer writer(out);
  writer.bytes(target.bytes);
  writer.u64(number);
  writer.bytes(record);
  return out;
}

Bytes encode_introduction(const Introduction& introduction) {
  Bytes out;
  Writer writer(out);
  writer.u8(introduction.hops);
  writer.u8(0);
  writer.bytes(introduction.target.bytes);
  writer.u64(introduction.number);
  writer.bytes(introduction.signature);
  writer.bytes(introduction.record);
  return out;
}

std::optional<Introduction> parse_introduction(ByteView body) {
  Reader reader(body);
  Introduction out;
  out.hops = reader.u8();
  const std::uint8_t zero = reader.u8();
  out.target.bytes = reader.block<32>();
  out.number = reader.u64();
  out.signature = reader.block<64>();
  out.record = reader.bytes(reader.left());
  if (!reader.ok() || zero != 0 || out.hops > kMaxIntroductionHops) return std::nullopt;
  if (out.record.empty() || out.record.size() > kMaxRecordSize) return std::nullopt;
  return out;
}

}  // namespace meshnode::wire
