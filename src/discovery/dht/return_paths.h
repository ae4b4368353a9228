// From which of our own addresses was a stranger spoken to us? OpenDHT knows only remote addresses;
// a machine with several must answer from the one that was asked.
//
// A table of fixed size: a new remote takes the place of one with the same hash. Losing an entry
// costs only that the kernel chooses the source address.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/endpoint.h"

namespace meshnode::dht {

class ReturnPaths {
 public:
  static constexpr std::size_t kSlots = 4096;

  explicit ReturnPaths(std::uint64_t salt) : slots_(kSlots), salt_(salt) {}

  void heard(const Path& path);
  // The way back to `remote`; without a local address if it was not heard (lately).
  Path to(const Endpoint& remote) const;

 private:
  std::size_t slot_of(const Endpoint& remote) const;
  std::vector<Path> slots_;
  std::uint64_t salt_;
};

}  // namespace meshnode::dht
