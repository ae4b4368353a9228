#include "overlay/icmp.h"

#include "dataplane/checksum.h"
#include "wire/ip.h"

namespace meshnode::overlay {
namespace {

using dataplane::complement;
using dataplane::sum_of;

// As much of the packet as fits: RFC 1812 wants ≤ 576 bytes in all, RFC 4443 ≤ 1280.
constexpr std::size_t kQuoteV4 = 576 - 20 - 8;
constexpr std::size_t kQuoteV6 = 1280 - 40 - 8;

bool is_icmp_error(const wire::IpHeader& header, ByteView packet) {
  if (packet.size() <= header.header_size) return false;
  const std::uint8_t type = packet[header.header_size];
  if (header.source.is_v6()) return header.protocol == wire::icmpv6 && type < 128;
  // Everything but requests and replies (RFC 792 types 0, 8, 13 to 18).
  return header.protocol == wire::icmp && type != 0 && type != 8 && (type < 13 || type > 18);
}

// RFC 1122 §3.2.2, RFC 4443 §2.4 (e): an error goes to one machine, about a packet to one machine.
bool is_one_machine(const IpAddress& ip) {
  const bool class_e = ip.is_v4() && ip.bytes()[0] >= 240;
  return !ip.is_multicast() && !ip.is_unspecified() && !ip.is_loopback() && !class_e;
}

bool may_answer(const wire::IpHeader& header, ByteView packet, const IpAddress& router) {
  return router && router.family() == header.source.family() && is_one_machine(header.source) &&
         is_one_machine(header.destination) && header.fragment_offset == 0 &&
         !is_icmp_error(header, packet);
}

Bytes icmp_body(std::uint8_t type, std::uint8_t code, ByteView quote) {
  Bytes out{type, code, 0, 0, 0, 0, 0, 0};
  Writer(out).bytes(quote);
  return out;
}

Bytes answer_v4(const wire::IpHeader& header, const IpAddress& router, Bytes body) {
  store_be(body.data() + 2, complement(sum_of(body)));
  Bytes out(20, 0);
  out[0] = 0x45;
  out[1] = 0xc0;  // RFC 1812 §4.3.2.5: internetwork control
  store_be(out.data() + 2, static_cast<std::uint16_t>(20 + body.size()));
  out[8] = 64;
  out[9] = wire::icmp;
  std::copy_n(router.bytes().begin(), 4, out.begin() + 12);
  std::copy_n(header.source.bytes().begin(), 4, out.begin() + 16);
  store_be(out.data() + 10, complement(sum_of(out)));
  Writer(out).bytes(body);
  return out;
}

Bytes answer_v6(const wire::IpHeader& header, const IpAddress& router, Bytes body) {
  Bytes out(40, 0);
  out[0] = 0x60;
  store_be(out.data() + 4, static_cast<std::uint16_t>(body.size()));
  out[6] = wire::icmpv6;
  out[7] = 64;
  std::copy_n(router.bytes().begin(), 16, out.begin() + 8);
  std::copy_n(header.source.bytes().begin(), 16, out.begin() + 24);
  const std::uint16_t pseudo = dataplane::sum_add(dataplane::pseudo_header_sum(out, wire::icmpv6),
                                                  static_cast<std::uint16_t>(body.size()));
  store_be(body.data() + 2, complement(sum_of(body, pseudo)));
  Writer(out).bytes(body);
  return out;
}

}  // namespace

std::optional<Bytes> unreachable(ByteView packet, const IpAddress& router, Unreachable why) {
  const auto header = wire::parse_ip(packet);
  if (!header || !may_answer(*header, packet, router)) return std::nullopt;
  const ByteView whole = packet.first(header->total_size);
  if (header->source.is_v4()) {
    // Type 3: code 0 network unreachable, 1 host unreachable.
    const std::uint8_t code = why == Unreachable::no_route ? 0 : 1;
    return answer_v4(*header, router,
                     icmp_body(3, code, whole.first(std::min(whole.size(), kQuoteV4))));
  }
  // Type 1: code 0 no route to destination, 3 address unreachable.
  const std::uint8_t code = why == Unreachable::no_route ? 0 : 3;
  return answer_v6(*header, router,
                   icmp_body(1, code, whole.first(std::min(whole.size(), kQuoteV6))));
}

std::optional<Bytes> too_big(ByteView packet, const IpAddress& router, std::size_t mtu) {
  const auto header = wire::parse_ip(packet);
  if (!header || !may_answer(*header, packet, router)) return std::nullopt;
  const ByteView whole = packet.first(header->total_size);
  if (header->source.is_v4()) {
    // Type 3, code 4: fragmentation needed and don't-fragment set.
    Bytes body = icmp_body(3, 4, whole.first(std::min(whole.size(), kQuoteV4)));
    store_be(body.data() + 6, static_cast<std::uint16_t>(mtu));
    return answer_v4(*header, router, std::move(body));
  }
  Bytes body = icmp_body(2, 0, whole.first(std::min(whole.size(), kQuoteV6)));
  store_be(body.data() + 4, static_cast<std::uint32_t>(mtu));
  return answer_v6(*header, router, std::move(body));
}

}  // namespace meshnode::overlay
