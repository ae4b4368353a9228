// Where records stand and how they are sealed: golden values from an independent implementation
// (HMAC and HKDF of a scripting language's standard library).
#include <set>

#include <gtest/gtest.h>

#include "base/text.h"
#include "discovery/directory_keys.h"
#include "tests/support/members.h"
#include "tests/support/seeded_random.h"

namespace meshnode::discovery {
namespace {

constexpr UnixTime kNow{1'760'000'000'000};
constexpr std::int64_t kOffset = 14'176'980;
constexpr std::int64_t kEpochMs = 6 * 3600 * 1000;
constexpr std::int64_t kMinute = 60'000;

DirectoryKeys keys() {
  DirectoryKeys out;
  for (std::uint8_t i = 0; i < 32; ++i) {
    out.rendezvous.data()[i] = i;
    out.record.data()[i] = static_cast<std::uint8_t>(64 + i);
  }
  return out;
}
NodeId node(std::uint8_t fill) {
  NodeId out;
  out.bytes.fill(fill);
  return out;
}
// The moment at which `epoch` begins.
UnixTime begin_of(DoorEpoch epoch) {
  return UnixTime{epoch * kEpochMs - kOffset};
}

TEST(DirectoryKeys, Golden) {
  const DoorEpoch epoch = door_epoch(keys(), kNow);
  EXPECT_EQ(epoch, 81'482);
  EXPECT_EQ(to_hex(door_key(keys(), epoch)), "1773289a96415bb268142f124b3525257579276d");
  EXPECT_EQ(to_hex(door_key(keys(), -1)), "3aef1494b2cc141963a93496cb0e48465728c424");
  const DhtKey member = member_key(keys(), epoch, node(7));
  EXPECT_EQ(to_hex(member), "392d73bc18a0513359f99821b6fd6ec02e79d0f8");
  EXPECT_EQ(value_id(keys(), member, node(7), 5), 2'513'960'536'256'114'500U);
}

TEST(DirectoryKeys, EpochsBeginAtTheOffsetAlsoBefore1970) {
  for (const DoorEpoch epoch : {DoorEpoch{-3}, DoorEpoch{0}, DoorEpoch{81'482}}) {
    EXPECT_EQ(door_epoch(keys(), begin_of(epoch)), epoch);
    EXPECT_EQ(door_epoch(keys(), UnixTime{begin_of(epoch).ms - 1}), epoch - 1);
  }
}

TEST(DirectoryKeys, NeighboursCountNearTheBorder) {
  const auto at = [](std::int64_t minutes) {
    return counting_epochs(keys(), UnixTime{begin_of(100).ms + minutes * kMinute});
  };
  EXPECT_EQ(at(0), (std::vector<DoorEpoch>{99, 100}));
  EXPECT_EQ(at(29), (std::vector<DoorEpoch>{99, 100}));
  EXPECT_EQ(at(30), (std::vector<DoorEpoch>{100}));
  EXPECT_EQ(at(329), (std::vector<DoorEpoch>{100}));
  EXPECT_EQ(at(330), (std::vector<DoorEpoch>{100, 101}));
  EXPECT_EQ(at(359), (std::vector<DoorEpoch>{100, 101}));
}

// Each listens where the other publishes, at every minute, if their clocks differ by up to 20 min.
TEST(DirectoryKeys, WrongClocksMeet) {
  for (std::int64_t minute = 0; minute < 12 * 60; ++minute) {
    const std::int64_t ms = begin_of(100).ms + minute * kMinute;
    const auto early = counting_epochs(keys(), UnixTime{ms - 10 * kMinute});
    const auto late = counting_epochs(keys(), UnixTime{ms + 10 * kMinute});
    const bool common = std::any_of(early.begin(), early.end(), [&](DoorEpoch epoch) {
      return std::find(late.begin(), late.end(), epoch) != late.end();
    });
    ASSERT_TRUE(common) << minute;
  }
}

TEST(DirectoryKeys, AllKeysDiffer) {
  std::set<DhtKey> seen;
  for (DoorEpoch epoch = 0; epoch < 20; ++epoch) {
    EXPECT_TRUE(seen.insert(door_key(keys(), epoch)).second);
    for (std::uint8_t i = 0; i < 20; ++i)
      EXPECT_TRUE(seen.insert(member_key(keys(), epoch, node(i))).second);
  }
  DirectoryKeys other = keys();
  other.rendezvous.data()[0] ^= 1;
  EXPECT_FALSE(seen.contains(door_key(other, 0)));
}

class Seal : public testing::Test {
 protected:
  test::SeededRandom random{1};
  const DhtKey key = door_key(keys(), 5);
  const Bytes record = test::Member(1).sign(5)->bytes;
  const Bytes sealed = seal_record(keys(), key, record, random);
};

TEST_F(Seal, RoundTripOfAnySize) {
  EXPECT_EQ(sealed.size(), kSealedRecordSize);
  EXPECT_EQ(open_sealed_record(keys(), key, sealed), record);
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, wire::kMaxRecordSize}) {
    const Bytes bytes(size, 0x11);
    const Bytes one = seal_record(keys(), key, bytes, random);
    EXPECT_EQ(one.size(), kSealedRecordSize) << "its size tells nothing";
    EXPECT_EQ(open_sealed_record(keys(), key, one), bytes);
  }
}

TEST_F(Seal, HoldsForItsKeyOnly) {
  EXPECT_FALSE(open_sealed_record(keys(), door_key(keys(), 6), sealed));
  DirectoryKeys other = keys();
  other.record.data()[0] ^= 1;
  EXPECT_FALSE(open_sealed_record(other, key, sealed));
}

TEST_F(Seal, EachChangedByteIsNoticed) {
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    Bytes changed = sealed;
    changed[at] ^= 0x40;
    EXPECT_FALSE(open_sealed_record(keys(), key, changed)) << at;
  }
  EXPECT_FALSE(open_sealed_record(keys(), key, ByteView(sealed).first(sealed.size() - 1)));
  EXPECT_FALSE(open_sealed_record(keys(), key, {}));
}

TEST_F(Seal, TwoSealsShareNothing) {
  const Bytes again = seal_record(keys(), key, record, random);
  std::set<std::uint64_t> runs;
  for (std::size_t at = 0; at + 8 <= sealed.size(); ++at)
    runs.insert(load_le<std::uint64_t>(&sealed[at]));
  for (std::size_t at = 0; at + 8 <= again.size(); ++at)
    EXPECT_FALSE(runs.contains(load_le<std::uint64_t>(&again[at])));
}

TEST(Landmarks, AreSixteenAndAllAgree) {
  std::vector<NodeId> members;
  for (std::uint8_t i = 0; i < 40; ++i) members.push_back(node(i));
  std::set<NodeId> before;
  for (DoorEpoch epoch = 0; epoch < 10; ++epoch) {
    std::set<NodeId> landmarks;
    for (const NodeId& self : members) {
      std::vector<NodeId> others = members;
      std::erase(others, self);
      if (is_landmark(keys(), epoch, self, others)) landmarks.insert(self);
      EXPECT_EQ(is_landmark(keys(), epoch, self, others), is_landmark(keys(), epoch, self, members))
          << "with or without oneself in the list";
    }
    EXPECT_EQ(landmarks.size(), kLandmarks);
    EXPECT_NE(landmarks, before) << "others in each epoch";
    before = landmarks;
  }
}

TEST(Landmarks, InASmallNetworkAllAre) {
  std::vector<NodeId> others;
  for (std::uint8_t i = 1; i < kLandmarks; ++i) others.push_back(node(i));
  EXPECT_TRUE(is_landmark(keys(), 1, node(0), others));
}

}  // namespace
}  // namespace meshnode::discovery
