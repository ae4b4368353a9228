// Packets become pieces, and pieces packets.
#include <map>

#include <gtest/gtest.h>

#include "dataplane/reassembly.h"
#include "dataplane/split.h"
#include "tests/support/seeded_random.h"

namespace meshnode::dataplane {
namespace {

using wire::FrameKind;

struct Split : ::testing::Test {
  test::SeededRandom random{11};
  Reassembly reassembly;
  DropCounters drops;
  TimePoint now{seconds(100)};

  Bytes packet(std::size_t size) {
    Bytes out(size);
    random.fill(out);
    return out;
  }
  static std::vector<Bytes> pieces(const Bytes& whole, std::uint32_t id, std::size_t limit,
                                   FrameKind kind = FrameKind::ip) {
    std::vector<Bytes> out;
    Splitter splitter(whole, kind, id, limit);
    while (const std::size_t size = splitter.next_size()) {
      out.emplace_back(size);
      EXPECT_EQ(splitter.next(out.back().data()), size);
    }
    return out;
  }
  // As a sealer pads it.
  static Bytes padded(Bytes text, std::size_t limit) {
    text.resize(wire::padded_size(text.size(), limit));
    return text;
  }
  std::optional<Bytes> add(const Bytes& text, SessionIndex session = 1) {
    const auto whole = reassembly.add(now, session, text, drops);
    if (!whole) return std::nullopt;
    return to_bytes(whole->bytes);
  }
  std::optional<Bytes> add_all(const std::vector<Bytes>& texts, SessionIndex session = 1) {
    std::optional<Bytes> out;
    for (const Bytes& text : texts) {
      EXPECT_FALSE(out);
      out = add(text, session);
    }
    return out;
  }
};

TEST_F(Split, EverySizeOverEveryLimitComesTogetherAgain) {
  std::uint32_t id = 0;
  for (const std::size_t limit : {64U, 79U, 464U, 512U, 1216U, 1420U})
    for (std::size_t size = 1; size < 3000; size += size < 100 ? 1 : 37) {
      const Bytes whole = packet(size);
      const auto texts = pieces(whole, ++id, limit);
      for (std::size_t i = 0; i < texts.size(); ++i) {
        ASSERT_LE(texts[i].size(), limit);
        ASSERT_LE(wire::padded_size(texts[i].size(), limit), limit);
        if (i + 1 < texts.size()) {
          ASSERT_EQ(texts[i].size(), texts[0].size());
          ASSERT_EQ(texts[i].size() % 16, 0U) << "a sealer would pad it";
        }
        const auto done = add(padded(texts[i], limit));
        ASSERT_EQ(done.has_value(), i + 1 == texts.size());
        if (done) {
          ASSERT_EQ(*done, whole);
        }
      }
    }
  EXPECT_EQ(drops.total(), 0U);
  EXPECT_EQ(reassembly.held(), 0U);
}

TEST_F(Split, TheSmallestUnderlayCarriesUsualPacketsInFourPieces) {
  // A datagram of 496 bytes, as fits through links of 576.
  EXPECT_EQ(pieces(packet(1280), 1, 496 - wire::kFrameOverhead).size(), 3U);
  EXPECT_EQ(pieces(packet(1420), 1, 496 - wire::kFrameOverhead).size(), 4U);
}

TEST_F(Split, NoPieceIsMuchSmallerThanTheOthers) {
  const auto texts = pieces(packet(1300), 1, 1216);
  ASSERT_EQ(texts.size(), 2U);
  EXPECT_GT(texts[1].size(), 600U);
}

TEST_F(Split, TheKindComesThrough) {
  const auto texts = pieces(packet(100), 1, 64, FrameKind::control);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto whole = reassembly.add(now, 1, texts[i], drops);
    ASSERT_EQ(whole.has_value(), i + 1 == texts.size());
    if (whole) {
      EXPECT_EQ(whole->kind, FrameKind::control);
    }
  }
  EXPECT_EQ(drops.total(), 0U);
}

TEST_F(Split, TheLargestPacketOfAllFillsTheMemory) {
  const Bytes whole = packet(wire::kMaxWhole);
  EXPECT_EQ(add_all(pieces(whole, 1, 464)), whole);
  EXPECT_EQ(add_all(pieces(whole, 2, 8928)), whole);
  EXPECT_EQ(drops.total(), 0U);
}

TEST_F(Split, PiecesComeInAnyOrder) {
  const Bytes whole = packet(5000);
  auto texts = pieces(whole, 1, 464);
  std::reverse(texts.begin(), texts.end());
  EXPECT_EQ(add_all(texts), whole);
}

TEST_F(Split, PacketsMayBeMixed) {
  const Bytes a = packet(1400), b = packet(1400);
  const auto of_a = pieces(a, 1, 464), of_b = pieces(b, 2, 464);
  for (std::size_t i = 0; i + 1 < of_a.size(); ++i) {
    EXPECT_FALSE(add(of_a[i]));
    EXPECT_FALSE(add(of_b[i]));
  }
  EXPECT_EQ(add(of_a.back()), a);
  EXPECT_EQ(add(of_b.back()), b);
}

TEST_F(Split, AMissingPieceHoldsUpNobodyElse) {
  for (std::uint32_t id = 0; id < 500; ++id) {
    const Bytes whole = packet(1400);
    auto texts = pieces(whole, id, 464);
    if (id % 2 == 0) texts.pop_back();
    const auto done = add_all(texts);
    ASSERT_EQ(done.has_value(), id % 2 == 1) << id;
    ASSERT_LE(reassembly.held(), Reassembly::kHeld);
  }
  EXPECT_GT(drops[Drop::unassembled], 100U);
  EXPECT_EQ(drops[Drop::bad_piece], 0U);
}

TEST_F(Split, TheOldestUnfinishedPacketMakesRoom) {
  const Bytes second = packet(1400);
  const auto of_first = pieces(packet(1400), 1, 464), of_second = pieces(second, 2, 464);
  EXPECT_FALSE(add(of_first[0]));
  EXPECT_FALSE(add(of_second[0]));
  EXPECT_FALSE(add(pieces(packet(Reassembly::kHeld - 4000), 3, 464)[0]));
  EXPECT_EQ(drops.total(), 0U);
  EXPECT_FALSE(add(pieces(packet(1400), 4, 464)[0]));
  EXPECT_EQ(drops[Drop::unassembled], 1U);
  EXPECT_EQ(add_all({of_second.begin() + 1, of_second.end()}), second);
  EXPECT_FALSE(add_all({of_first.begin() + 1, of_first.end()}));
}

TEST_F(Split, FinishedPacketsTakeNoRoomFromAnUnfinishedOne) {
  const Bytes slow = packet(1400);
  const auto of_slow = pieces(slow, 0, 464);
  EXPECT_FALSE(add(of_slow[0]));
  for (std::uint32_t id = 1; id < 1000; ++id) ASSERT_TRUE(add_all(pieces(packet(1400), id, 464)));
  EXPECT_EQ(add_all({of_slow.begin() + 1, of_slow.end()}), slow);
}

TEST_F(Split, WhatIsNotWholeInTwoSecondsNeverIs) {
  const Bytes whole = packet(1400);
  const auto texts = pieces(whole, 1, 464);
  EXPECT_FALSE(add(texts[0]));
  now += Reassembly::kLife;
  for (std::size_t i = 1; i + 1 < texts.size(); ++i) EXPECT_FALSE(add(texts[i]));
  EXPECT_EQ(drops.total(), 0U);
  now += milliseconds(1);
  EXPECT_FALSE(add(texts.back()));
  EXPECT_EQ(drops[Drop::unassembled], 1U);
}

TEST_F(Split, ADuplicateChangesNothing) {
  const Bytes whole = packet(1400);
  const auto texts = pieces(whole, 1, 464);
  EXPECT_FALSE(add(texts[0]));
  EXPECT_FALSE(add(texts[0]));
  EXPECT_EQ(drops[Drop::bad_piece], 1U);
  EXPECT_EQ(add_all({texts.begin() + 1, texts.end()}), whole);
}

TEST_F(Split, AnOverlapChangesNothing) {
  const Bytes whole = packet(64);
  const auto small = pieces(whole, 1, 64);
  ASSERT_EQ(small.size(), 2U);
  EXPECT_FALSE(add(small[0]));
  Bytes overlapping(wire::kPieceHeaderSize + 32, 0xee);
  wire::write_piece_header(overlapping.data(), {1, 64, 32, FrameKind::ip, {}});
  EXPECT_FALSE(add(overlapping));
  EXPECT_EQ(drops[Drop::bad_piece], 1U);
  EXPECT_EQ(add(small[1]), whole);
}

TEST_F(Split, AnotherSizeOrKindUnderTheSameIdIsRefused) {
  const Bytes whole = packet(200);
  const auto texts = pieces(whole, 1, 64);
  EXPECT_FALSE(add(texts[0]));
  EXPECT_FALSE(add(pieces(packet(208), 1, 64)[1]));
  EXPECT_FALSE(add(pieces(packet(200), 1, 64, FrameKind::control)[1]));
  EXPECT_EQ(drops[Drop::bad_piece], 2U);
  EXPECT_EQ(add_all({texts.begin() + 1, texts.end()}), whole);
}

TEST_F(Split, PiecesOfTwoSessionsAreNotMixed) {
  const auto old = pieces(packet(200), 1, 64);
  const Bytes whole = packet(200);
  EXPECT_FALSE(add(old[0], 1));
  EXPECT_EQ(add_all(pieces(whole, 1, 64), 2), whole);
}

TEST_F(Split, GarbageIsCounted) {
  EXPECT_FALSE(add({}));
  EXPECT_FALSE(add(Bytes(8, 0)));
  EXPECT_FALSE(add(Bytes(600, 0xff)));
  EXPECT_EQ(drops[Drop::bad_piece], 3U);
}

TEST_F(Split, ClearForgetsAll) {
  const auto texts = pieces(packet(200), 1, 64);
  EXPECT_FALSE(add(texts[0]));
  reassembly.clear(drops);
  EXPECT_EQ(drops[Drop::unassembled], 1U);
  EXPECT_EQ(reassembly.held(), 0U);
  EXPECT_FALSE(add_all({texts.begin() + 1, texts.end()}));
}

// A network that mixes, doubles and loses: what comes out was sent, and is whole. (That a frame
// counts once is the replay window's matter.)
TEST_F(Split, RandomNetworksNeverMakeAPacketThatWasNotSent) {
  for (unsigned round = 0; round < 60; ++round) {
    const unsigned loss = round % 3 * 10U, doubled = round % 4 * 5U;
    std::vector<Bytes> wholes;
    std::vector<Bytes> under_way;
    std::size_t delivered = 0;
    std::map<Bytes, int> expected;
    for (std::uint32_t id = 0; id < 200; ++id) {
      const Bytes whole = packet(1 + random.below(id % 10 == 0 ? 20000 : 2000));
      ++expected[whole];
      for (Bytes& text : pieces(whole, id, 64 + random.below(1400))) {
        if (random.below(100) < loss) continue;
        if (random.below(100) < doubled) under_way.push_back(text);
        under_way.push_back(std::move(text));
      }
      while (under_way.size() > (round % 2 == 0 ? 0U : 12U)) {
        const auto at =
            static_cast<std::ptrdiff_t>(random.below(std::min<std::size_t>(under_way.size(), 8)));
        now += milliseconds(random.below(20));
        if (const auto done = add(under_way[static_cast<std::size_t>(at)])) {
          ASSERT_TRUE(expected.contains(*done));
          if (doubled == 0) {
            ASSERT_GE(--expected[*done], 0);
          }
          ++delivered;
        }
        ASSERT_LE(reassembly.held(), Reassembly::kHeld);
        under_way.erase(under_way.begin() + at);
      }
    }
    EXPECT_GE(delivered, loss == 0 ? 180U : 20U);
    reassembly.clear(drops);
  }
}

TEST(Reassemblies, ManyPeersHaveBoundedMemory) {
  Reassemblies all;
  DropCounters drops;
  Bytes text(wire::kPieceHeaderSize + 8);
  wire::write_piece_header(text.data(), {1, 16, 0, FrameKind::ip, {}});
  TimePoint now{};
  constexpr std::uint32_t kMany = 3 * Reassemblies::kMaxPeers;
  for (std::uint32_t i = 1; i <= kMany; ++i, now += milliseconds(1)) {
    EXPECT_FALSE(all.add(now, PeerNumber{i}, 1, text, drops));
    ASSERT_LE(all.size(), Reassemblies::kMaxPeers);
  }
  EXPECT_EQ(drops[Drop::unassembled], 2 * Reassemblies::kMaxPeers);
  // The last one that spoke is still there, the first one is not.
  wire::write_piece_header(text.data(), {1, 16, 8, FrameKind::ip, {}});
  EXPECT_TRUE(all.add(now, PeerNumber{kMany}, 1, text, drops));
  EXPECT_FALSE(all.add(now, PeerNumber{1}, 1, text, drops));
}

TEST(Reassemblies, APeerThatIsDroppedLeavesNothing) {
  Reassemblies all;
  DropCounters drops;
  Bytes text(wire::kPieceHeaderSize + 8);
  wire::write_piece_header(text.data(), {1, 16, 0, FrameKind::ip, {}});
  EXPECT_FALSE(all.add({}, PeerNumber{7}, 1, text, drops));
  all.drop(PeerNumber{7});
  EXPECT_EQ(all.size(), 0U);
}

}  // namespace
}  // namespace meshnode::dataplane
