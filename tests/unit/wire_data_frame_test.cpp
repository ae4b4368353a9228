// The data frame's header and padding.
#include <gtest/gtest.h>

#include "base/text.h"
#include "wire/data_frame.h"

namespace meshnode::wire {
namespace {

constexpr FrameHeader kHeader{.kind = FrameKind::control,
                              .flags = 0x0a0b,
                              .receiver = 0x01020304,
                              .counter = 0x1112131415161718};

Bytes smallest_frame(const FrameHeader& header) {
  Bytes out(kFrameOverhead);
  write_frame_header(out.data(), header);
  return out;
}

TEST(DataFrame, GoldenHeader) {
  EXPECT_EQ(to_hex(ByteView(smallest_frame(kHeader)).first(kFrameHeaderSize)),
            "44"                  // type
            "01"                  // kind
            "0b0a"                // flags
            "04030201"            // receiver index
            "1817161514131211");  // counter
}

TEST(DataFrame, GoldenHeaderOfAPacket) {
  const FrameHeader header{.receiver = 0xfffefdfc, .counter = 7};
  EXPECT_EQ(to_hex(ByteView(smallest_frame(header)).first(kFrameHeaderSize)),
            "44000000"
            "fcfdfeff"
            "0700000000000000");
}

TEST(DataFrame, RoundTrip) {
  const auto back = parse_frame_header(smallest_frame(kHeader));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->kind, kHeader.kind);
  EXPECT_EQ(back->flags, kHeader.flags);
  EXPECT_EQ(back->receiver, kHeader.receiver);
  EXPECT_EQ(back->counter, kHeader.counter);
}

TEST(DataFrame, EveryLengthBelowTheOverheadIsRefused) {
  const Bytes frame = smallest_frame(kHeader);
  for (std::size_t size = 0; size < kFrameOverhead; ++size)
    EXPECT_FALSE(parse_frame_header(ByteView(frame).first(size))) << size;
  EXPECT_TRUE(parse_frame_header(frame));
}

TEST(DataFrame, OnlyItsOwnFirstByteIsAccepted) {
  Bytes frame = smallest_frame(kHeader);
  for (unsigned first = 0; first < 256; ++first) {
    frame[0] = static_cast<std::uint8_t>(first);
    EXPECT_EQ(parse_frame_header(frame).has_value(), first == 0x44) << first;
  }
}

TEST(DataFrame, TextNeedNotBeAMultipleOfTheBlock) {
  for (std::size_t text = 0; text <= 40; ++text) {
    Bytes frame(kFrameOverhead + text);
    write_frame_header(frame.data(), kHeader);
    EXPECT_TRUE(parse_frame_header(frame)) << "a full packet is not padded beyond the MTU";
  }
}

TEST(DataFrame, PaddedSizeTable) {
  constexpr std::size_t kMtu = 1420;  // no multiple of 16: 88 * 16 = 1408
  struct Row {
    std::size_t text, padded;
  };
  const Row rows[] = {{0, 0},       {1, 16},      {15, 16},     {16, 16},     {17, 32},
                      {20, 32},     {40, 48},     {1280, 1280}, {1392, 1392}, {1393, 1408},
                      {1404, 1408}, {1405, 1408}, {1408, 1408}, {1409, 1420}, {1412, 1420},
                      {1419, 1420}, {1420, 1420}, {1421, 1421}, {1500, 1500}};
  for (const Row& row : rows) EXPECT_EQ(padded_size(row.text, kMtu), row.padded) << row.text;
}

TEST(DataFrame, PaddingNeitherLosesTextNorPassesTheMtuNorTheTailroom) {
  for (const std::size_t mtu : {1280U, 1420U, 1500U, 9000U})
    for (std::size_t text = 0; text <= mtu; ++text) {
      const std::size_t padded = padded_size(text, mtu);
      ASSERT_GE(padded, text);
      ASSERT_LE(padded, mtu);
      ASSERT_LE(padded - text, kMaxPadding);
      ASSERT_TRUE(padded % 16 == 0 || padded == mtu) << text << " in " << mtu;
    }
}

}  // namespace
}  // namespace meshnode::wire
