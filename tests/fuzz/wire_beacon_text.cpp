#include "fuzz/fuzz.h"
#include "wire/beacon.h"

namespace meshnode::fuzz {

// Flags and the bytes behind the version are for later: the rest is canonical.
void one_input(ByteView input) {
  const auto beacon = wire::parse_beacon_text(input);
  if (!beacon) return;
  MESH_ASSERT(beacon->source && beacon->port != 0);
  constexpr std::size_t kFlags = 99;
  constexpr std::size_t kLater = 109;
  Bytes expected = to_bytes(input);
  expected[kFlags] &= 1;
  std::fill(expected.begin() + kLater, expected.end(), std::uint8_t{0});
  MESH_ASSERT(same(wire::encode_beacon_text(*beacon), expected));
}

}  // namespace meshnode::fuzz
