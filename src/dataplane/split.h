// A packet that does not fit one data frame on the path becomes pieces, each for a frame of its own
// (wire/piece.h).
#pragma once

#include "base/bytes.h"
#include "wire/data_frame.h"
#include "wire/piece.h"

namespace meshnode::dataplane {

// Invariants
//  1. Each text but the last is a multiple of 16 bytes, so that a sealer adds no padding to it.
//  2. All texts but the last have one size; the number of pieces is the least possible, and they
//     are about equal: no tiny one at the end that costs as much as a large one.
class Splitter {
 public:
  // Smaller frames carry nothing worth the trouble.
  static constexpr std::size_t kLeastText = 64;

  // `whole`: 1 to wire::kMaxWhole bytes; it outlives the splitter. `packet`: different for each
  // packet of a session. `text_limit`: bytes of plaintext that one frame may have, ≥ kLeastText.
  Splitter(ByteView whole, wire::FrameKind kind, std::uint32_t packet, std::size_t text_limit);

  // Of the next text, with its header and without padding; 0 when all are out.
  std::size_t next_size() const;
  // Writes the next text to `out`, which holds next_size() bytes; that size.
  std::size_t next(std::uint8_t* out);

 private:
  ByteView whole_;
  wire::FrameKind kind_;
  std::uint32_t packet_;
  std::size_t share_;  // data bytes of each piece but the last
  std::size_t at_ = 0;
};

}  // namespace meshnode::dataplane
