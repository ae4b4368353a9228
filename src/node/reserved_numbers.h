// Numbers from blocks that the state file has reserved, each used once.
#pragma once

#include <functional>

#include "base/result.h"
#include "overlay/numbers.h"

namespace meshnode::node {

class ReservedNumbers final : public overlay::NumberSource {
 public:
  // Small enough that numbers stay near the clock over many restarts, large enough that the file is
  // written every few hours at most.
  static constexpr std::uint64_t kBlock = 65536;

  // `reserve(count)` gives the first number of a fresh block, durably; `failed` is told (once per
  // block) when it does not.
  ReservedNumbers(std::function<Result<std::uint64_t>(std::uint64_t)> reserve,
                  std::function<void(const Error&)> failed)
      : reserve_(std::move(reserve)), failed_(std::move(failed)) {}

  std::uint64_t next() override {
    if (left_ == 0) refill();
    --left_;
    return next_++;
  }

 private:
  // A full disk must not stop the node: it goes on counting. At worst a later start repeats
  // numbers, and peers ask for a proof of freshness.
  void refill() {
    const auto first = reserve_(kBlock);
    if (first) next_ = *first;
    if (!first) failed_(first.error());
    if (next_ == 0) next_ = 1;
    left_ = kBlock;
  }

  std::function<Result<std::uint64_t>(std::uint64_t)> reserve_;
  std::function<void(const Error&)> failed_;
  std::uint64_t next_ = 0;
  std::uint64_t left_ = 0;
};

}  // namespace meshnode::node
