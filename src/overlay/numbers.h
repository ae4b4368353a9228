// Numbers that only grow, over restarts too: for handshakes, probes and beacons of this node.
#pragma once

#include <cstdint>

namespace meshnode::overlay {

// Handed in like randomness. The program reserves blocks in its state file before it uses them:
// max(stored + 1, unix ms), so that neither a lost file nor a clock that went back alone makes a
// number come twice.
class NumberSource {
 public:
  virtual ~NumberSource() = default;
  virtual std::uint64_t next() = 0;  // never 0, never the same twice
};

}  // namespace meshnode::overlay
