// Piece of a packet that is too large for the path: the plaintext of a data frame of kind 2.
//
//   packet id (4) | total (2) | offset and kind (2) | data | up to 15 zeros behind the last piece
//
// `total` is the size of the whole, 1 to 65,535 bytes; `offset` is where the data stands in it, a
// multiple of 8, so that its low three bits have room for the kind that the whole frame would have
// had. The last piece ends where the whole ends; all others fill their frame, without padding, and
// hold a multiple of 8 bytes. Packet ids are the sender's, different within one session. All
// integers little-endian.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "wire/data_frame.h"

namespace meshnode::wire {

inline constexpr std::size_t kPieceHeaderSize = 8;
inline constexpr std::size_t kPieceUnit = 8;  // offsets are multiples of it
inline constexpr std::size_t kMaxWhole = 65'535;

struct Piece {
  std::uint32_t packet = 0;
  std::uint16_t total = 0;
  std::uint16_t offset = 0;
  FrameKind kind = FrameKind::ip;  // of the whole: ip or control
  ByteView data;                   // not empty; it ends at `total` or before
};

// `out` holds at least kPieceHeaderSize bytes.
inline void write_piece_header(std::uint8_t* out, const Piece& piece) {
  store_le(out, piece.packet);
  store_le(out + 4, piece.total);
  store_le(out + 6,
           static_cast<std::uint16_t>(piece.offset | static_cast<std::uint8_t>(piece.kind)));
}

// Nothing if the plaintext cannot be a piece.
inline std::optional<Piece> parse_piece(ByteView text) {
  if (text.size() <= kPieceHeaderSize) return std::nullopt;
  const auto place = load_le<std::uint16_t>(text.data() + 6);
  Piece out;
  out.packet = load_le<std::uint32_t>(text.data());
  out.total = load_le<std::uint16_t>(text.data() + 4);
  out.kind = static_cast<FrameKind>(place % kPieceUnit);
  out.offset = static_cast<std::uint16_t>(place - place % kPieceUnit);
  if (out.kind > FrameKind::control || out.offset >= out.total) return std::nullopt;
  const ByteView data = text.subspan(kPieceHeaderSize);
  const std::size_t left = std::size_t{out.total} - out.offset;
  out.data = data.first(std::min(data.size(), left));
  const ByteView padding = data.subspan(out.data.size());
  if (padding.size() > kMaxPadding || !all_zero(padding)) return std::nullopt;
  const bool last = out.data.size() == left;
  if (!last && data.size() % kPieceUnit != 0) return std::nullopt;
  return out;
}

}  // namespace meshnode::wire
