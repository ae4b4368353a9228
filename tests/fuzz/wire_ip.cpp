#include "dataplane/checksum.h"
#include "fuzz/fuzz.h"
#include "overlay/icmp.h"
#include "wire/ip.h"

namespace meshnode::fuzz {
namespace {

const IpAddress kRouterV4 = IpAddress::v4({10, 77, 0, 1});
const IpAddress kRouterV6 = *IpAddress::parse("fd12:3456:789a::1");

void check_checksum(ByteView packet, const wire::IpHeader& header) {
  const ByteView body = packet.subspan(header.header_size);
  std::uint16_t sum = 0;
  if (header.source.is_v6())
    sum = dataplane::sum_add(dataplane::pseudo_header_sum(packet, wire::icmpv6),
                             static_cast<std::uint16_t>(body.size()));
  else
    MESH_ASSERT(dataplane::sum_of(packet.first(20)) == 0xffff);
  MESH_ASSERT(dataplane::sum_of(body, sum) == 0xffff);
}

void answer(ByteView input, const IpAddress& router, overlay::Unreachable why) {
  const auto packet = overlay::unreachable(input, router, why);
  if (!packet) return;
  const auto asked = wire::parse_ip(input);
  const auto header = wire::parse_ip(*packet);
  MESH_ASSERT(asked && header);
  MESH_ASSERT(header->total_size == packet->size());
  MESH_ASSERT(packet->size() <= (router.is_v4() ? 576U : 1280U));
  MESH_ASSERT(header->source == router && header->destination == asked->source);
  check_checksum(*packet, *header);
  // Never an error about an error.
  MESH_ASSERT(!overlay::unreachable(*packet, router, why));
}

}  // namespace

void one_input(ByteView input) {
  if (const auto header = wire::parse_ip(input)) {
    MESH_ASSERT(header->header_size <= header->total_size && header->total_size <= input.size());
    MESH_ASSERT(header->source && header->source.family() == header->destination.family());
    // Bytes behind the packet change nothing.
    const auto bare = wire::parse_ip(exact(input.first(header->total_size)));
    MESH_ASSERT(bare && bare->total_size == header->total_size && bare->source == header->source);
  }
  for (const IpAddress& router : {kRouterV4, kRouterV6, IpAddress{}})
    for (const auto why : {overlay::Unreachable::no_route, overlay::Unreachable::host})
      answer(input, router, why);
}

}  // namespace meshnode::fuzz
