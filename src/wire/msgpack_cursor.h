// msgpack as OpenDHT packs it, read by grammar: the caller says what has to come next.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "wire/dht_message.h"

namespace meshnode::wire {

// Reads msgpack in its shortest forms only. A failed read makes it fail for good; later reads give
// zeros and empty views.
class MsgpackCursor {
 public:
  MsgpackCursor(ByteView in, std::size_t at, std::size_t end) : in_(in), at_(at), end_(end) {}

  bool ok() const { return ok_; }
  bool done() const { return ok_ && at_ == end_; }
  std::size_t at() const { return at_; }
  std::uint8_t peek() const { return ok_ && at_ < end_ ? in_[at_] : 0xc1; }  // 0xc1: never used
  void require(bool condition) {
    if (!condition) ok_ = false;
  }

  std::size_t map() {
    const std::uint8_t head = byte();
    require((head & 0xf0) == 0x80);
    return ok_ ? head & 0x0f : 0;
  }
  std::size_t array() {
    const std::uint8_t head = byte();
    if ((head & 0xf0) == 0x90) return ok_ ? head & 0x0f : 0;
    require(head == 0xdc);
    const std::size_t count = number(2);
    require(count > 15);
    return ok_ ? count : 0;
  }
  std::uint64_t uint(std::uint64_t max) {
    const std::uint8_t head = byte();
    std::uint64_t value = head;
    if (head > 0x7f) {
      require(head >= 0xcc && head <= 0xcf);
      if (!ok_) return 0;
      const unsigned power = head - 0xccU;
      value = number(std::size_t{1} << power);
      // Shortest form: it would not have fitted into half the bytes.
      require(power == 0 ? value > 0x7f : value >> (8U << (power - 1)) != 0);
    }
    require(value <= max);
    return ok_ ? value : 0;
  }
  bool boolean() {
    const std::uint8_t head = byte();
    require(head == 0xc2 || head == 0xc3);
    return ok_ && head == 0xc3;
  }
  ByteRange bin(std::size_t min, std::size_t max) {
    const std::uint8_t head = byte();
    require(head == 0xc4 || head == 0xc5);
    const std::size_t size = number(head == 0xc4 ? 1 : 2);
    require(head == 0xc4 || size > 0xff);
    return take(size, min, max);
  }
  ByteRange text(std::size_t max) {
    const std::uint8_t head = byte();
    std::size_t size = head & 0x1f;
    if ((head & 0xe0) != 0xa0) {
      require(head == 0xd9);
      size = number(1);
      require(size > 31);
    }
    return take(size, 0, max);
  }
  // Keys and words are short.
  std::string_view word() {
    require((peek() & 0xe0) == 0xa0);
    const ByteRange range = text(31);
    return ok_ ? as_text(range.in(in_)) : std::string_view{};
  }

 private:
  std::uint8_t byte() {
    require(at_ < end_);
    return ok_ ? in_[at_++] : std::uint8_t{0xc1};
  }
  std::uint64_t number(std::size_t size) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value = value << 8 | byte();
    return value;
  }
  ByteRange take(std::size_t size, std::size_t min, std::size_t max) {
    require(size >= min && size <= max && size <= end_ - at_);
    if (!ok_) return {};
    at_ += size;
    return {at_ - size, size};
  }

  ByteView in_;
  std::size_t at_;
  std::size_t end_;
  bool ok_ = true;
};

}  // namespace meshnode::wire
