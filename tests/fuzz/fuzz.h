// What all targets share: one function that takes any bytes, and a reader for those targets whose
// bytes are a script. Broken invariants are MESH_ASSERTs, in the code and here.
#pragma once

#include <algorithm>

#include "base/bytes.h"
#include "base/result.h"

namespace meshnode::fuzz {

// Each target has one.
void one_input(ByteView input);

// Like Reader, but what is not there any more is zero or shorter: every input is a whole script.
class Script {
 public:
  explicit Script(ByteView in) : in_(in) {}

  bool over() const { return in_.empty(); }
  std::uint8_t u8() {
    const ByteView taken = bytes(1);
    return taken.empty() ? std::uint8_t{0} : taken[0];
  }
  std::uint16_t u16() {
    const auto low = u8();
    return static_cast<std::uint16_t>(low | u8() << 8);
  }
  ByteView bytes(std::size_t n) {
    const ByteView taken = in_.first(std::min(n, in_.size()));
    in_ = in_.subspan(taken.size());
    return taken;
  }
  ByteView rest() { return bytes(in_.size()); }

 private:
  ByteView in_;
};

// A copy whose end is the end of its memory, so that a sanitizer sees one byte too many.
inline Bytes exact(ByteView bytes) {
  return {bytes.begin(), bytes.end()};
}

inline bool same(ByteView a, ByteView b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

inline Bytes operator+(Bytes a, ByteView b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace meshnode::fuzz
