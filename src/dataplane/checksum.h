// The internet checksum (RFC 1071), fast enough to be made for every byte that passes.
//
// All sums are folded to 16 bits, not complemented, and values of the big-endian words: they can be
// stored with store_be() and added to a length or a protocol number as it is. Zero comes out only
// when everything was zero; a checksum field is right when the sum over it and all that it covers
// is 0xffff.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace meshnode::dataplane {

constexpr std::uint16_t sum_add(std::uint16_t a, std::uint16_t b) {
  const std::uint32_t wide = std::uint32_t{a} + b;
  return static_cast<std::uint16_t>((wide & 0xffff) + (wide >> 16));
}
constexpr std::uint16_t complement(std::uint16_t sum) {
  return static_cast<std::uint16_t>(~sum);
}

// Of `bytes`, continuing from `start`. An odd last byte counts as the upper half of a word, so only
// the last of several parts may be odd. Any alignment.
std::uint16_t sum_of(ByteView bytes, std::uint16_t start = 0);

// The addresses and the protocol of a pseudo header; `ip` is a complete IPv4 or IPv6 header. The
// length of what the checksum covers is still to be added.
std::uint16_t pseudo_header_sum(ByteView ip, std::uint8_t protocol);

// Finishes a checksum of which the field at start + offset holds the pseudo header's part: sums
// from `start` to the end of the packet. False, and nothing changed, if the field is not inside.
bool complete_checksum(MutableBytes packet, std::size_t start, std::size_t offset);

// What sum_of() chooses from, for tests and measurements.
std::uint16_t sum_portable(ByteView bytes, std::uint16_t start);
std::uint16_t sum_wide(ByteView bytes, std::uint16_t start);  // AVX2 where there is, else portable
bool has_wide_sum();

}  // namespace meshnode::dataplane
