#include "wire/endpoint.h"

namespace meshnode::wire {

void append_endpoint(Writer& out, const Endpoint& endpoint) {
  out.u8(static_cast<std::uint8_t>(endpoint.ip.family()));
  out.u8(0);
  out.u16(endpoint.port);
  out.bytes(endpoint.ip.bytes());
  out.zeros(16 - endpoint.ip.bytes().size());
}

std::optional<Endpoint> read_endpoint(Reader& in) {
  const std::uint8_t family = in.u8();
  const std::uint8_t zero = in.u8();
  const std::uint16_t port = in.u16();
  const auto address = in.block<16>();
  if (!in.ok() || zero != 0) return std::nullopt;
  const std::size_t used = family == 4 ? 4 : family == 6 ? 16 : 0;
  if (family != 0 && used == 0) return std::nullopt;
  if (!all_zero(ByteView(address).subspan(used)) || (used == 0 && port != 0)) return std::nullopt;
  return Endpoint{IpAddress::from_bytes(ByteView(address).first(used)), port};
}

}  // namespace meshnode::wire
