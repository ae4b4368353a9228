// Pieces of packets that are too large for the path.
#include <gtest/gtest.h>

#include "base/text.h"
#include "wire/piece.h"

namespace meshnode::wire {
namespace {

Bytes text_of(const Piece& piece) {
  Bytes out(kPieceHeaderSize);
  write_piece_header(out.data(), piece);
  out.insert(out.end(), piece.data.begin(), piece.data.end());
  return out;
}

TEST(Piece, GoldenBytes) {
  const Bytes data{1, 2, 3};
  EXPECT_EQ(to_hex(text_of({0x01020304, 0x0503, 0x0500, FrameKind::ip, data})),
            "0403020103050005010203");
  EXPECT_EQ(to_hex(text_of({7, 8, 0, FrameKind::control, {}})), "0700000008000100");
}

TEST(Piece, RoundTrip) {
  const Bytes data(16, 0xee);
  for (const FrameKind kind : {FrameKind::ip, FrameKind::control})
    for (const unsigned offset : {0U, 8U, 4096U, 65512U}) {
      const Bytes text = text_of({9, 65535, static_cast<std::uint16_t>(offset), kind, data});
      const auto back = parse_piece(text);
      ASSERT_TRUE(back) << offset;
      EXPECT_EQ(back->packet, 9U);
      EXPECT_EQ(back->total, 65535);
      EXPECT_EQ(back->offset, offset);
      EXPECT_EQ(back->kind, kind);
      EXPECT_EQ(to_bytes(back->data), data);
    }
}

TEST(Piece, OnlyTheLastOneIsPaddedAndOnlyWithZeros) {
  const Piece last{1, 19, 16, FrameKind::ip, {}};
  Bytes text = text_of(last);
  text.insert(text.end(), {5, 6, 7});
  for (std::size_t padding = 0; padding <= kMaxPadding; ++padding, text.push_back(0)) {
    const auto back = parse_piece(text);
    ASSERT_TRUE(back) << padding;
    EXPECT_EQ(to_hex(back->data), "050607");
  }
  EXPECT_FALSE(parse_piece(text)) << "more padding than frames have";
  text.resize(kPieceHeaderSize + 3 + kMaxPadding);
  for (std::size_t at = kPieceHeaderSize + 3; at < text.size(); ++at) {
    Bytes changed = text;
    changed[at] = 1;
    EXPECT_FALSE(parse_piece(changed)) << at;
  }
}

TEST(Piece, AllButTheLastHoldWholeUnits) {
  const Bytes data(32, 1);
  for (std::size_t size = 1; size < 32; ++size) {
    const Piece piece{1, 32, 0, FrameKind::ip, ByteView(data).first(size)};
    EXPECT_EQ(parse_piece(text_of(piece)).has_value(), size % kPieceUnit == 0) << size;
  }
}

TEST(Piece, BeyondTheEndIsRefused) {
  const Bytes data(8, 1);
  EXPECT_TRUE(parse_piece(text_of({1, 16, 8, FrameKind::ip, data})));
  EXPECT_FALSE(parse_piece(text_of({1, 16, 16, FrameKind::ip, data})));
  EXPECT_FALSE(parse_piece(text_of({1, 16, 24, FrameKind::ip, data})));
  EXPECT_FALSE(parse_piece(text_of({1, 0, 0, FrameKind::ip, data})));
}

TEST(Piece, NoPieceOfPiecesOrOfUnknownKinds) {
  const Bytes data(8, 1);
  for (unsigned kind = 2; kind < 8; ++kind)
    EXPECT_FALSE(parse_piece(text_of({1, 8, 0, static_cast<FrameKind>(kind), data}))) << kind;
}

TEST(Piece, EveryTruncationToAHeaderIsRefused) {
  const Bytes text = text_of({1, 8, 0, FrameKind::ip, {}});
  for (std::size_t size = 0; size <= text.size(); ++size)
    EXPECT_FALSE(parse_piece(ByteView(text).first(size))) << size;
}

}  // namespace
}  // namespace meshnode::wire
