// A fixed-size secret that overwrites itself when it goes.
#pragma once

#include <cstddef>

#include "base/bytes.h"

namespace meshnode {

// The compiler may not drop this, even if the memory is never read again.
inline void wipe(MutableBytes bytes) {
  volatile std::uint8_t* at = bytes.data();
  for (std::size_t i = 0; i < bytes.size(); ++i) at[i] = 0;
}

template <std::size_t N>
class Secret {
 public:
  Secret() = default;
  explicit Secret(const Block<N>& bytes) : bytes_(bytes) {}
  Secret(const Secret&) = default;
  Secret& operator=(const Secret&) = default;
  Secret(Secret&& other) noexcept : bytes_(other.bytes_) { wipe(other.bytes_); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      bytes_ = other.bytes_;
      wipe(other.bytes_);
    }
    return *this;
  }
  ~Secret() { wipe(bytes_); }

  static constexpr std::size_t size() { return N; }
  ByteView view() const { return bytes_; }
  MutableBytes mutable_view() { return bytes_; }
  const std::uint8_t* data() const { return bytes_.data(); }
  std::uint8_t* data() { return bytes_.data(); }
  bool operator==(const Secret& other) const { return equal_constant_time(bytes_, other.bytes_); }

 private:
  Block<N> bytes_{};
};

using Secret32 = Secret<32>;

}  // namespace meshnode
