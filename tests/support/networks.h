// Networks for tests, made from two bytes.
#pragma once

#include "overlay/network.h"

namespace meshnode::test {

inline overlay::NetworkSecret network_of(std::uint8_t seed, std::uint8_t secret_byte) {
  overlay::NetworkSecret out;
  out.seed.fill(seed);
  Block<32> secret;
  secret.fill(secret_byte);
  out.secret = Secret32(secret);
  return out;
}

// The network of all virtual hosts that are not told another one.
inline overlay::NetworkSecret default_network() {
  return network_of(0x11, 0x22);
}

}  // namespace meshnode::test
