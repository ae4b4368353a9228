// Published values are hex: these turn them into bytes and die of a typing error.
#pragma once

#include <algorithm>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/text.h"

namespace meshnode::test {

inline Bytes hex(std::string_view text) {
  const std::optional<Bytes> bytes = from_hex(text);
  MESH_ASSERT(bytes.has_value());
  return *bytes;
}

template <std::size_t N>
Block<N> hex_block(std::string_view text) {
  const Bytes bytes = hex(text);
  MESH_ASSERT(bytes.size() == N);
  Block<N> out;
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}

inline Secret32 hex_secret(std::string_view text) {
  return Secret32(hex_block<32>(text));
}

}  // namespace meshnode::test
