#include "dataplane/ecn.h"

#include "dataplane/checksum.h"

namespace meshnode::dataplane {
namespace {

constexpr std::uint8_t kNotEct = 0, kEct1 = 1, kEct0 = 2;

// RFC 1624 equation 3: the checksum is of the whole header, one word of it changes.
void set_v4(MutableBytes packet, std::uint8_t tos) {
  const auto before = load_be<std::uint16_t>(packet.data());
  packet[1] = tos;
  const auto after = load_be<std::uint16_t>(packet.data());
  const auto sum = load_be<std::uint16_t>(packet.data() + 10);
  store_be(packet.data() + 10,
           complement(sum_add(sum_add(complement(sum), complement(before)), after)));
}

void set(MutableBytes packet, std::uint8_t ecn) {
  if (packet[0] >> 4 == 4)
    set_v4(packet, static_cast<std::uint8_t>((packet[1] & 0xfc) | ecn));
  else
    packet[1] = static_cast<std::uint8_t>((packet[1] & 0xcf) | ecn << 4);
}

}  // namespace

bool take_over_ecn(MutableBytes packet, std::uint8_t outer_tos) {
  const std::uint8_t outer = outer_tos & 3;
  if (outer == kNotEct || outer == kEct0) return true;
  const std::uint8_t inner =
      static_cast<std::uint8_t>(packet[0] >> 4 == 4 ? packet[1] & 3 : packet[1] >> 4 & 3);
  if (inner == kNotEct) return outer != kCongested;
  if (outer == kCongested && inner != kCongested) set(packet, kCongested);
  if (outer == kEct1 && inner == kEct0) set(packet, kEct1);
  return true;
}

}  // namespace meshnode::dataplane
