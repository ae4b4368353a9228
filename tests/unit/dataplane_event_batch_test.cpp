// Events on their way to another thread: copies, bounded, merged.
#include <gtest/gtest.h>

#include "dataplane/event_batch.h"

namespace meshnode::dataplane {
namespace {

using Kind = PumpEvent::Kind;

constexpr PeerNumber kOne{1};
constexpr PeerNumber kTwo{2};

PumpEvent unsent(Kind kind, ByteView bytes, PeerNumber peer = kOne) {
  return {.kind = kind, .peer = peer, .bytes = bytes};
}
PumpEvent sent(PeerNumber peer, std::size_t size) {
  return {.kind = Kind::sent, .peer = peer, .size = size};
}

TEST(EventBatch, KeepsCopiesOfPackets) {
  EventBatch batch;
  EXPECT_TRUE(batch.empty());
  Bytes packet(100, 7);
  batch.add(unsent(Kind::no_session, packet), 3);
  packet.assign(100, 9);
  batch.add(unsent(Kind::no_route, packet, kTwo), 4);
  packet.assign(100, 0);
  ASSERT_EQ(batch.unsent().size(), 2U);
  EXPECT_EQ(to_bytes(batch.unsent()[0].event.bytes), Bytes(100, 7));
  EXPECT_EQ(to_bytes(batch.unsent()[1].event.bytes), Bytes(100, 9));
  EXPECT_EQ(batch.unsent()[0].changes, 3U);
  EXPECT_EQ(batch.unsent()[1].event.peer, kTwo);
}

TEST(EventBatch, HoldsSixtyFourPacketsAndCountsTheRest) {
  EventBatch batch;
  const Bytes packet(40, 1);
  for (int i = 0; i < 70; ++i) batch.add(unsent(Kind::no_session, packet), 0);
  for (int i = 0; i < 5; ++i) batch.add(unsent(Kind::no_route, packet), 0);
  EXPECT_EQ(batch.unsent().size(), EventBatch::kMaxPackets);
  EXPECT_EQ(batch.lost()[Drop::no_session], 6U);
  EXPECT_EQ(batch.lost()[Drop::no_route], 5U);
}

TEST(EventBatch, HoldsSoManyBytesAndNoMore) {
  EventBatch batch;
  const Bytes packet(9000, 1);
  for (int i = 0; i < 40; ++i) batch.add(unsent(Kind::no_session, packet), 0);
  EXPECT_EQ(batch.unsent().size(), EventBatch::kMaxBytes / packet.size());
  EXPECT_EQ(batch.lost()[Drop::no_session], 40 - EventBatch::kMaxBytes / packet.size());
  for (const auto& each : batch.unsent()) EXPECT_EQ(to_bytes(each.event.bytes), packet);
}

TEST(EventBatch, APacketThatIsTooBigWasCountedBefore) {
  EventBatch batch;
  const Bytes packet(40, 1);
  for (int i = 0; i < 70; ++i) batch.add(unsent(Kind::too_big, packet), 0);
  EXPECT_EQ(batch.lost().total(), 0U);
}

TEST(EventBatch, MergesWhatTellsOfOnePeer) {
  EventBatch batch;
  for (std::size_t i = 0; i < 1000; ++i) batch.add(sent(i % 2 == 0 ? kOne : kTwo, i), 0);
  batch.add(sent(kOne, 5), 0);
  ASSERT_EQ(batch.notes().size(), 2U);
  EXPECT_EQ(batch.notes()[0].event().peer, kOne);
  EXPECT_EQ(batch.notes()[0].event().size, 998U) << "the largest counts";
  EXPECT_EQ(batch.notes()[1].event().size, 999U);
}

TEST(EventBatch, LosesNoWornKey) {
  EventBatch batch;
  for (const SessionIndex session : {7U, 8U, 7U})
    batch.add({.kind = Kind::key_worn, .peer = kOne, .session = session}, 0);
  ASSERT_EQ(batch.notes().size(), 2U);
  EXPECT_EQ(batch.notes()[0].event().kind, Kind::key_worn);
  EXPECT_EQ(batch.notes()[0].event().session, 7U);
  EXPECT_EQ(batch.notes()[1].event().session, 8U);
}

TEST(EventBatch, RemembersAFewRefusals) {
  EventBatch batch;
  for (std::size_t i = 0; i < 20; ++i) batch.add_refused({}, i);
  ASSERT_EQ(batch.refused().size(), EventBatch::kMaxRefused);
  EXPECT_EQ(batch.refused()[3].size, 3U);
}

TEST(EventBatch, WhatIsAppendedKeepsTheBounds) {
  EventBatch waiting;
  EventBatch later;
  const Bytes packet(5000, 1);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 30; ++i) later.add(unsent(Kind::no_session, packet), 1);
    later.add(sent(kOne, 100 + static_cast<std::size_t>(round)), 0);
    later.add_refused({}, 1);
    waiting.append(later);
    later.clear();
    EXPECT_TRUE(later.empty());
  }
  EXPECT_EQ(waiting.unsent().size(), EventBatch::kMaxBytes / packet.size());
  EXPECT_EQ(waiting.lost()[Drop::no_session], 90 - EventBatch::kMaxBytes / packet.size());
  ASSERT_EQ(waiting.notes().size(), 1U);
  EXPECT_EQ(waiting.notes()[0].size, 102U);
  EXPECT_EQ(waiting.refused().size(), 3U);
}

TEST(EventBatch, ViewsLiveThroughASwap) {
  EventBatch mine;
  EventBatch other;
  const Bytes packet(1000, 5);
  for (int i = 0; i < 65; ++i) mine.add(unsent(Kind::no_route, packet), 0);
  mine.swap(other);
  EXPECT_TRUE(mine.empty());
  for (int i = 0; i < 64; ++i) mine.add(unsent(Kind::no_route, Bytes(1000, 6)), 0);
  ASSERT_EQ(other.unsent().size(), 64U);
  for (const auto& each : other.unsent()) EXPECT_EQ(to_bytes(each.event.bytes), packet);
  EXPECT_EQ(mine.lost()[Drop::no_route], 1U) << "what was lost stays where it was lost";
  EXPECT_EQ(other.lost().total(), 0U);
}

}  // namespace
}  // namespace meshnode::dataplane
