#include <gtest/gtest.h>

#include "crypto/random.h"

namespace meshnode::crypto {
namespace {

TEST(SystemRandom, GivesDifferentBlocks) {
  SystemRandom first, second;
  const auto a = first.block<32>();
  const auto b = first.block<32>();
  const auto c = second.block<32>();
  EXPECT_NE(a, b);
  EXPECT_NE(a, c);
  EXPECT_NE(b, c);
}

TEST(SystemRandom, FillsAllSizes) {
  SystemRandom random;
  random.fill({});
  // A byte that stays zero in 64 draws would be a hole: by chance it happens once in 2^500.
  for (const std::size_t size : {1U, 7U, 32U, 1000U}) {
    Bytes seen(size);
    for (int draw = 0; draw < 64; ++draw) {
      Bytes out(size);
      random.fill(out);
      for (std::size_t i = 0; i < size; ++i) seen[i] = static_cast<std::uint8_t>(seen[i] | out[i]);
    }
    EXPECT_TRUE(std::all_of(seen.begin(), seen.end(), [](std::uint8_t b) { return b != 0; }));
  }
}

}  // namespace
}  // namespace meshnode::crypto
