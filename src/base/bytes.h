// Bytes: views, owned buffers, and bounded readers and writers. All integers of the protocol are
// little-endian unless a foreign format (IP, STUN) says otherwise.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace meshnode {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;
template <std::size_t N>
using Block = std::array<std::uint8_t, N>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes to_bytes(ByteView view) {
  return {view.begin(), view.end()};
}

// Little-endian loads and stores; the caller has checked that the bytes are there.
template <typename Int>
Int load_le(const std::uint8_t* from) {
  Int value = 0;
  for (std::size_t i = 0; i < sizeof(Int); ++i)
    value = static_cast<Int>(value | static_cast<Int>(static_cast<Int>(from[i]) << (8 * i)));
  return value;
}
template <typename Int>
void store_le(std::uint8_t* to, Int value) {
  for (std::size_t i = 0; i < sizeof(Int); ++i) to[i] = static_cast<std::uint8_t>(value >> (8 * i));
}
template <typename Int>
Int load_be(const std::uint8_t* from) {
  Int value = 0;
  for (std::size_t i = 0; i < sizeof(Int); ++i)
    value = static_cast<Int>(static_cast<Int>(value << (sizeof(Int) > 1 ? 8 : 0)) | from[i]);
  return value;
}
template <typename Int>
void store_be(std::uint8_t* to, Int value) {
  for (std::size_t i = 0; i < sizeof(Int); ++i)
    to[i] = static_cast<std::uint8_t>(value >> (8 * (sizeof(Int) - 1 - i)));
}

// Compares without telling by its duration where the first difference is. Sizes are public.
inline bool equal_constant_time(ByteView a, ByteView b) {
  if (a.size() != b.size()) return false;
  std::uint8_t difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    difference = static_cast<std::uint8_t>(difference | (a[i] ^ b[i]));
  return difference == 0;
}

inline bool all_zero(ByteView bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t b) { return b == 0; });
}

// Appends to a buffer owned by the caller.
class Writer {
 public:
  explicit Writer(Bytes& out) : out_(out) {}

  void u8(std::uint8_t v) { out_.push_back(v); }
  void u16(std::uint16_t v) { integer(v); }
  void u32(std::uint32_t v) { integer(v); }
  void u64(std::uint64_t v) { integer(v); }
  void bytes(ByteView v) { out_.insert(out_.end(), v.begin(), v.end()); }
  void zeros(std::size_t n) { out_.insert(out_.end(), n, std::uint8_t{0}); }

 private:
  template <typename Int>
  void integer(Int v) {
    for (std::size_t i = 0; i < sizeof(Int); ++i) u8(static_cast<std::uint8_t>(v >> (8 * i)));
  }
  Bytes& out_;
};

// Consumes a view. Reading past the end makes the reader fail for good: every later read gives
// zeros, and ok() is false. Parsers read all fields, then ask once.
class Reader {
 public:
  explicit Reader(ByteView in) : in_(in) {}

  std::uint8_t u8() { return integer<std::uint8_t>(); }
  std::uint16_t u16() { return integer<std::uint16_t>(); }
  std::uint32_t u32() { return integer<std::uint32_t>(); }
  std::uint64_t u64() { return integer<std::uint64_t>(); }
  // The view lives as long as the reader's input.
  ByteView bytes(std::size_t n) {
    if (n > in_.size()) {
      ok_ = false;
      in_ = {};
      return {};
    }
    ByteView taken = in_.first(n);
    in_ = in_.subspan(n);
    return taken;
  }
  template <std::size_t N>
  Block<N> block() {
    Block<N> out{};
    ByteView taken = bytes(N);
    if (taken.size() == N) std::copy(taken.begin(), taken.end(), out.begin());
    return out;
  }
  std::size_t left() const { return in_.size(); }
  bool ok() const { return ok_; }
  bool done() const { return ok_ && in_.empty(); }

 private:
  template <typename Int>
  Int integer() {
    ByteView taken = bytes(sizeof(Int));
    return taken.size() == sizeof(Int) ? load_le<Int>(taken.data()) : Int{0};
  }
  ByteView in_;
  bool ok_ = true;
};

}  // namespace meshnode
