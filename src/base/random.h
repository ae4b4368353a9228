// Randomness is handed in, so that a whole mesh can be replayed from one seed.
#pragma once

#include "base/bytes.h"
#include "base/secret.h"

namespace meshnode {

class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(MutableBytes out) = 0;

  std::uint64_t u64() {
    Block<8> raw;
    fill(raw);
    return load_le<std::uint64_t>(raw.data());
  }
  std::uint32_t u32() { return static_cast<std::uint32_t>(u64()); }
  // Uniform enough for jitter; `bound` > 0.
  std::uint64_t below(std::uint64_t bound) { return u64() % bound; }
  template <std::size_t N>
  Block<N> block() {
    Block<N> out;
    fill(out);
    return out;
  }
  template <std::size_t N>
  Secret<N> secret() {
    Secret<N> out;
    fill(out.mutable_view());
    return out;
  }
};

}  // namespace meshnode
