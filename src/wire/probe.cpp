#include "wire/probe.h"

#include "wire/endpoint.h"

namespace meshnode::wire {

Bytes probe_body(const Probe& probe) {
  Bytes out;
  out.reserve(kProbeSize);
  Writer writer(out);
  writer.u8(static_cast<std::uint8_t>(MessageType::probe));
  writer.u8(static_cast<std::uint8_t>(probe.kind));
  writer.u16(0);
  writer.u64(probe.tag);
  writer.u64(probe.number);
  writer.bytes(probe.boot);
  append_endpoint(writer, probe.observed);
  return out;
}

std::optional<Probe> parse_probe(ByteView datagram) {
  if (datagram.size() != kProbeSize) return std::nullopt;
  Reader reader(datagram);
  const std::uint8_t type = reader.u8();
  const std::uint8_t kind = reader.u8();
  const std::uint16_t zero = reader.u16();
  if (type != static_cast<std::uint8_t>(MessageType::probe) || kind > 2 || zero != 0)
    return std::nullopt;
  Probe probe;
  probe.kind = static_cast<Probe::Kind>(kind);
  probe.tag = reader.u64();
  probe.number = reader.u64();
  probe.boot = reader.block<8>();
  const auto observed = read_endpoint(reader);
  if (!observed) return std::nullopt;
  probe.observed = *observed;
  probe.mac = reader.block<kMacSize>();
  return probe;
}

}  // namespace meshnode::wire
