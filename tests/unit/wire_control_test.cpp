// Control messages inside data frames.
#include <gtest/gtest.h>

#include "base/text.h"
#include "wire/control.h"

namespace meshnode::wire {
namespace {

TEST(Control, GoldenKeepAliveAndGoodbye) {
  EXPECT_EQ(to_hex(encode_control({ControlType::keepalive, {}})), "00000000");
  EXPECT_EQ(to_hex(encode_control({ControlType::goodbye, {}})), "01000000");
}

TEST(Control, GoldenBody) {
  const Bytes body(0x0102, 0xee);
  const Bytes bytes = encode_control({static_cast<ControlType>(0x7f), body});
  EXPECT_EQ(to_hex(ByteView(bytes).first(6)), "7f000201eeee");
  EXPECT_EQ(bytes.size(), kControlHeaderSize + body.size());
}

TEST(Control, RoundTripWithEveryPadding) {
  const Bytes body{1, 2, 3, 4, 5};
  for (std::size_t padding = 0; padding < 16; ++padding) {
    Bytes bytes = encode_control({ControlType::goodbye, body});
    bytes.resize(bytes.size() + padding);
    const auto back = parse_control(bytes);
    ASSERT_TRUE(back) << padding;
    EXPECT_EQ(back->type, ControlType::goodbye);
    EXPECT_EQ(to_bytes(back->body), body);
  }
}

TEST(Control, UnknownTypesAreHandedOn) {
  for (unsigned type = 0; type < 256; ++type) {
    const auto back = parse_control(Bytes{static_cast<std::uint8_t>(type), 0, 0, 0});
    ASSERT_TRUE(back);
    EXPECT_EQ(static_cast<unsigned>(back->type), type);
  }
}

TEST(Control, EveryTruncationIsRefused) {
  const Bytes bytes = encode_control({ControlType::goodbye, Bytes{1, 2, 3}});
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(parse_control(ByteView(bytes).first(size))) << size;
}

TEST(Control, TheZeroByteMustBeZero) {
  for (unsigned value = 1; value < 256; ++value)
    EXPECT_FALSE(parse_control(Bytes{0, static_cast<std::uint8_t>(value), 0, 0}));
}

TEST(Control, MorePaddingThanFramesHaveIsRefused) {
  Bytes bytes = encode_control({ControlType::keepalive, {}});
  bytes.resize(bytes.size() + 16);
  EXPECT_FALSE(parse_control(bytes));
}

TEST(Control, EveryPaddingByteMustBeZero) {
  Bytes bytes = encode_control({ControlType::keepalive, Bytes{9}});
  const std::size_t text = bytes.size();
  bytes.resize(text + 15);
  for (std::size_t at = text; at < bytes.size(); ++at) {
    Bytes changed = bytes;
    changed[at] = 1;
    EXPECT_FALSE(parse_control(changed)) << at;
  }
}

}  // namespace
}  // namespace meshnode::wire
