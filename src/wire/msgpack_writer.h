// msgpack in its shortest forms, appended: what MsgpackCursor reads.
#pragma once

#include <string_view>

#include "base/bytes.h"

namespace meshnode::wire {

class MsgpackWriter {
 public:
  explicit MsgpackWriter(Bytes& out) : out_(out) {}

  void map(std::size_t count) {  // below 16
    out_.push_back(static_cast<std::uint8_t>(0x80 | count));
  }
  void array(std::size_t count) {  // below 16
    out_.push_back(static_cast<std::uint8_t>(0x90 | count));
  }
  void uint(std::uint64_t value) {
    if (value <= 0x7f) {
      out_.push_back(static_cast<std::uint8_t>(value));
    } else if (value <= 0xff) {
      head(0xcc, value, 1);
    } else if (value <= 0xffff) {
      head(0xcd, value, 2);
    } else if (value <= 0xffffffff) {
      head(0xce, value, 4);
    } else {
      head(0xcf, value, 8);
    }
  }
  void bin(ByteView bytes) {  // below 256 bytes
    head(0xc4, bytes.size(), 1);
    out_.insert(out_.end(), bytes.begin(), bytes.end());
  }
  void text(std::string_view text) {  // below 256 bytes
    if (text.size() < 32)
      out_.push_back(static_cast<std::uint8_t>(0xa0 | text.size()));
    else
      head(0xd9, text.size(), 1);
    out_.insert(out_.end(), text.begin(), text.end());
  }

 private:
  void head(std::uint8_t type, std::uint64_t value, std::size_t size) {
    out_.push_back(type);
    for (std::size_t i = size; i-- > 0;) out_.push_back(static_cast<std::uint8_t>(value >> 8 * i));
  }
  Bytes& out_;
};

}  // namespace meshnode::wire
