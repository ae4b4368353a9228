// The machine's randomness, for the programs; tests hand in seeded ones.
#pragma once

#include "base/random.h"

namespace meshnode::crypto {

class SystemRandom final : public Random {
 public:
  void fill(MutableBytes out) override;  // aborts if the system has none
};

}  // namespace meshnode::crypto
