#include "wire/probe.h"

#include "wire/endpoint.h"

namespace meshnode::wire {
namespace {

constexpr std::size_t kZerosAfterNonce = kEndpointSize - ProbeNonce{}.size();

void append_by_kind(Writer& out, const Probe& probe) {
  switch (probe.kind) {
    case Probe::Kind::request:
      out.bytes(probe.nonce);
      return out.zeros(kZerosAfterNonce);
    case Probe::Kind::answer:
      return append_endpoint(out, probe.observed);
    case Probe::Kind::goodbye:
      return out.zeros(kEndpointSize);
  }
}

bool read_by_kind(Reader& in, Probe& probe) {
  switch (probe.kind) {
    case Probe::Kind::request:
      probe.nonce = in.block<ProbeNonce{}.size()>();
      return all_zero(in.bytes(kZerosAfterNonce));
    case Probe::Kind::answer:
      if (const auto observed = read_endpoint(in)) {
        probe.observed = *observed;
        return true;
      }
      return false;
    case Probe::Kind::goodbye:
      return all_zero(in.bytes(kEndpointSize));
  }
  return false;
}

}  // namespace

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
  append_by_kind(writer, probe);
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
  if (!read_by_kind(reader, probe)) return std::nullopt;
  probe.mac = reader.block<kMacSize>();
  return probe;
}

}  // namespace meshnode::wire
