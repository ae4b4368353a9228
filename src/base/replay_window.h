// Sliding window against replays (RFC 6479): a ring of words, so that moving the window clears
// whole words instead of shifting bits.
//
// Invariants
//  1. mark(n) is true at most once for each n.
//  2. Nothing is marked before the caller has authenticated the message: would_accept() only looks.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace meshnode {

// `kBits` is a multiple of 64; numbers up to kBits - 64 behind the highest are still accepted.
template <std::size_t kBits>
class ReplayWindow {
  static_assert(kBits % 64 == 0 && kBits >= 128);

 public:
  // The largest number of all is never accepted: nothing could come after it.
  bool would_accept(std::uint64_t number) const {
    if (number == ~std::uint64_t{0}) return false;
    if (number >= next_) return true;
    if (next_ - number > kBits - 64) return false;
    return (words_[word_of(number)] & bit_of(number)) == 0;
  }

  // Records an authentic number; false if it had been seen or is too old.
  bool mark(std::uint64_t number) {
    if (!would_accept(number)) return false;
    if (number >= next_) advance(number);
    words_[word_of(number)] |= bit_of(number);
    return true;
  }

  // One past the highest number seen.
  std::uint64_t next() const { return next_; }

  // Everything up to and including `number` counts as seen.
  void restart_at(std::uint64_t number) {
    number = std::min(number, ~std::uint64_t{0} - 1);
    words_.fill(~std::uint64_t{0});
    next_ = number + 1;
    // Bits above the highest, in its own word, are the future.
    const std::size_t used = static_cast<std::size_t>(number % 64) + 1;
    words_[word_of(number)] = used == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << used) - 1;
  }

 private:
  static constexpr std::size_t kWords = kBits / 64;
  static std::size_t word_of(std::uint64_t number) {
    return static_cast<std::size_t>(number / 64 % kWords);
  }
  static std::uint64_t bit_of(std::uint64_t number) { return std::uint64_t{1} << (number % 64); }

  void advance(std::uint64_t number) {
    // The word that holds the old highest number keeps its bits; those entered anew are cleared.
    const std::uint64_t first = next_ == 0 ? 0 : (next_ - 1) / 64 + 1;
    const std::uint64_t last = number / 64;
    if (last >= first) {
      const std::uint64_t fresh = last - first + 1;
      for (std::uint64_t i = 0; i < fresh && i < kWords; ++i)
        words_[static_cast<std::size_t>((last - i) % kWords)] = 0;
    }
    next_ = number + 1;
  }

  std::array<std::uint64_t, kWords> words_{};
  std::uint64_t next_ = 0;
};

}  // namespace meshnode
