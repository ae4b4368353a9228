// The fast checksum against one that adds byte by byte.
#include <gtest/gtest.h>

#include "base/text.h"
#include "dataplane/checksum.h"
#include "tests/support/inner_packets.h"
#include "tests/support/seeded_random.h"

namespace meshnode::dataplane {
namespace {

struct Checksum : ::testing::Test {
  test::SeededRandom random{5};
  Bytes bytes = filled(70000);

  Bytes filled(std::size_t size) {
    Bytes out(size);
    random.fill(out);
    return out;
  }
  void expect_same(ByteView part, std::uint16_t start) {
    const std::uint16_t slow = test::slow_sum(part, start);
    ASSERT_EQ(sum_of(part, start), slow) << part.size();
    ASSERT_EQ(sum_portable(part, start), slow) << part.size();
    ASSERT_EQ(sum_wide(part, start), slow) << part.size();
  }
};

TEST_F(Checksum, IsThatOfBytePairsForEveryLengthAndAlignment) {
  for (std::size_t size = 0; size < 300; ++size)
    for (std::size_t at = 0; at < 40; ++at)
      expect_same(ByteView(bytes).subspan(at, size),
                  static_cast<std::uint16_t>(random.below(0x10000)));
}

TEST_F(Checksum, IsThatOfBytePairsForPacketsAndSuperFrames) {
  for (int i = 0; i < 300; ++i)
    expect_same(ByteView(bytes).subspan(random.below(64), random.below(65536)), 0);
}

TEST_F(Checksum, CarriesThroughOnesAndZeros) {
  for (const std::uint8_t byte : Bytes{0x00, 0xff})
    for (const std::size_t size : {1U, 2U, 31U, 64U, 127U, 128U, 1420U, 65535U}) {
      const Bytes same(size, byte);
      for (const std::uint16_t start : std::vector<std::uint16_t>{0, 1, 0xfffe, 0xffff})
        expect_same(same, start);
    }
}

TEST_F(Checksum, PartsOfEvenLengthAddUp) {
  const ByteView all(bytes);
  for (int i = 0; i < 100; ++i) {
    const std::size_t size = random.below(5000);
    const std::size_t cut = random.below(size + 1) & ~std::size_t{1};
    EXPECT_EQ(sum_of(all.subspan(cut, size - cut), sum_of(all.first(cut))),
              sum_of(all.first(size)));
  }
}

TEST_F(Checksum, CompletesWhatTheKernelLeavesOpen) {
  for (const bool v6 : {false, true})
    for (const bool tcp : {false, true})
      for (const std::size_t size : {0U, 1U, 5U, 100U, 1399U}) {
        test::InnerPacket packet{.v6 = v6, .tcp = tcp};
        packet.payload = filled(size);
        Bytes open = build(packet, true);
        ASSERT_TRUE(complete_checksum(open, packet.ip_size(), tcp ? 16 : 6));
        EXPECT_EQ(open, build(packet));
      }
}

// The payload makes the sum 0xffff, its complement 0.
TEST_F(Checksum, OfUdpIsNeverZero) {
  for (const bool v6 : {false, true}) {
    test::InnerPacket packet{.v6 = v6, .tcp = false, .payload = {0, 0}};
    const auto rest = load_be<std::uint16_t>(build(packet).data() + packet.ip_size() + 6);
    store_be(packet.payload.data(), rest);
    Bytes open = build(packet, true);
    ASSERT_TRUE(complete_checksum(open, packet.ip_size(), 6));
    EXPECT_EQ(load_be<std::uint16_t>(open.data() + packet.ip_size() + 6), 0xffff);
  }
}

TEST_F(Checksum, FieldOutsideThePacketIsRefused) {
  Bytes packet = filled(60);
  const Bytes before = packet;
  for (const auto& [start, offset] : std::vector<std::pair<std::size_t, std::size_t>>{
           {60, 0}, {20, 39}, {65535, 6}, {0, 59}, {58, 65535}})
    EXPECT_FALSE(complete_checksum(packet, start, offset)) << start;
  EXPECT_EQ(packet, before);
  EXPECT_TRUE(complete_checksum(packet, 20, 38));
}

std::uint16_t checksum(std::string_view hex) {
  return complement(sum_of(*from_hex(hex)));
}

// RFC 1071 §3: the bytes 00 01 f2 03 f4 f5 f6 f7 sum to ddf2.
TEST_F(Checksum, ExampleOfTheRfc) {
  EXPECT_EQ(checksum("0001f203f4f5f6f7"), complement(0xddf2));
}

// A widely published IPv4 header; its checksum is b861.
TEST_F(Checksum, AnIpv4Header) {
  EXPECT_EQ(checksum("4500007300004000401100"
                     "00c0a80001c0a800c7"),
            0xb861);
  EXPECT_EQ(checksum("450000730000400040"
                     "11b861c0a80001c0a800c7"),
            0)
      << "over a correct header it comes out as zero";
}

TEST_F(Checksum, AnOddLastByteIsTheHighOne) {
  EXPECT_EQ(checksum("0102ab"), checksum("0102ab00"));
  EXPECT_EQ(checksum("ab"), complement(0xab00));
}

}  // namespace
}  // namespace meshnode::dataplane
