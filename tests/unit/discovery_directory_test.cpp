// When the directory puts, listens and gets, in virtual time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "discovery/directory.h"
#include "tests/support/members.h"
#include "tests/support/seeded_random.h"

namespace meshnode::discovery {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

struct Done {
  TimePoint at{};
  DhtRequest request;
};

class Schedule : public testing::Test {
 protected:
  Schedule() { directory.set_edges(now, 0); }

  void collect() {
    while (auto request = directory.poll()) done.push_back({now.mono, std::move(*request)});
  }
  void run_for(Duration span) {
    collect();
    const TimePoint end = now.mono + span;
    for (;;) {
      const auto next = directory.next_deadline();
      const TimePoint to = next ? std::min(std::max(*next, now.mono), end) : end;
      now.unix.ms += std::chrono::duration_cast<milliseconds>(to - now.mono).count();
      now.mono = to;
      if (to == end) break;
      directory.handle_timeout(now);
      if (const auto after = directory.next_deadline()) {
        ASSERT_GT(*after, now.mono) << "a deadline is a promise that something was done";
      }
      collect();
    }
  }
  template <typename T>
  std::vector<std::pair<double, T>> all() const {
    std::vector<std::pair<double, T>> out;
    for (const Done& each : done)
      if (const T* request = std::get_if<T>(&each.request))
        out.emplace_back(std::chrono::duration<double>(each.at - begin).count(), *request);
    return out;
  }
  // What is put and not taken back, what is listened to.
  std::set<std::pair<DhtKey, DhtValueId>> stored() const {
    std::set<std::pair<DhtKey, DhtValueId>> out;
    for (const Done& each : done) {
      if (const auto* put = std::get_if<DhtPut>(&each.request)) out.insert({put->key, put->id});
      if (const auto* back = std::get_if<DhtTakeBack>(&each.request))
        out.erase({back->key, back->id});
    }
    return out;
  }
  std::set<DhtKey> listened() const {
    std::set<DhtKey> out;
    for (const Done& each : done) {
      if (const auto* listen = std::get_if<DhtListen>(&each.request)) out.insert(listen->key);
      if (const auto* not_any_more = std::get_if<DhtUnlisten>(&each.request))
        out.erase(not_any_more->key);
    }
    return out;
  }
  // Where one listens and publishes who stands at the door.
  std::set<DhtKey> at_door() const {
    std::set<DhtKey> out;
    for (const DoorEpoch epoch : counting_epochs(keys, now.unix)) {
      out.insert(door_key(keys, epoch));
      out.insert(member_key(keys, epoch, self.id));
    }
    return out;
  }
  std::vector<NodeId> crowd() const {
    std::vector<NodeId> out;
    for (std::uint8_t i = 0; i < 200; ++i) {
      NodeId id;
      id.bytes.fill(i);
      if (!is_landmark(keys, door_epoch(keys, now.unix), self.id, out) && out.size() > 100) break;
      out.push_back(id);
    }
    return out;
  }

  test::Member self{1};
  DirectoryKeys keys;
  test::SeededRandom random{1};
  // Well inside an epoch: the offset is known from its own test.
  Now now{TimePoint(hours(1)), UnixTime{1'760'000'000'000 + 3 * 3'600'000}};
  const TimePoint begin = now.mono;
  Directory directory{keys, self.id, random};
  std::vector<Done> done;
};

TEST_F(Schedule, ANewcomerListensAtTheDoorAtOnce) {
  collect();
  EXPECT_EQ(listened(), at_door());
  EXPECT_THAT(stored(), IsEmpty()) << "nothing to put yet";
}

TEST_F(Schedule, WhoHasNoEdgePutsMoreOftenAtFirst) {
  directory.publish(now, self.sign(1));
  run_for(minutes(17));
  const DoorEpoch epoch = door_epoch(keys, now.unix);
  std::vector<double> times;
  for (const auto& [time, put] : all<DhtPut>())
    if (put.key == door_key(keys, epoch)) times.push_back(time);
  EXPECT_THAT(times, ElementsAre(0, 0.3, 60.3, 180.3, 420.3, 900.3));
}

TEST_F(Schedule, PutsAtOnceOnceMoreAndThenEachEightMinutes) {
  directory.set_edges(now, 1);
  directory.publish(now, self.sign(1));
  run_for(minutes(17));
  const DoorEpoch epoch = door_epoch(keys, now.unix);
  for (const DhtKey& key : {door_key(keys, epoch), member_key(keys, epoch, self.id)}) {
    std::vector<double> times;
    std::set<Bytes> values;
    std::set<DhtValueId> ids;
    for (const auto& [time, put] : all<DhtPut>()) {
      if (put.key != key) continue;
      times.push_back(time);
      values.insert(put.value);
      ids.insert(put.id);
    }
    EXPECT_THAT(times, ElementsAre(0, 0.3, 480.3, 960.3));
    EXPECT_THAT(values, SizeIs(1)) << "the same bytes";
    EXPECT_THAT(ids, ElementsAre(value_id(keys, key, self.id, 1)));
    EXPECT_EQ(directory.open(key, *values.begin()), self.sign(1)->bytes);
  }
}

TEST_F(Schedule, ANewVersionIsAnotherValueAndTheOldOneIsTakenBack) {
  directory.publish(now, self.sign(1));
  run_for(seconds(10));
  const auto before = stored();
  EXPECT_THAT(before, SizeIs(2));
  directory.publish(now, self.sign(2));
  collect();
  const auto after = stored();
  EXPECT_THAT(after, SizeIs(2));
  for (const auto& each : after) EXPECT_FALSE(before.contains(each));
}

TEST_F(Schedule, PublishingTheSameAgainDoesNothing) {
  const RecordPtr record = self.sign(1);
  directory.publish(now, record);
  run_for(seconds(10));
  done.clear();
  directory.publish(now, record);
  collect();
  EXPECT_THAT(done, IsEmpty());
}

TEST_F(Schedule, WithEnoughEdgesOnlyLandmarksStayAtTheDoor) {
  directory.publish(now, self.sign(1));
  const auto members = crowd();
  ASSERT_FALSE(is_landmark(keys, door_epoch(keys, now.unix), self.id, members));
  directory.set_members(now, members);
  directory.set_edges(now, Directory::kEnoughEdges);
  run_for(seconds(59));
  EXPECT_TRUE(directory.at_door()) << "edges come and go";
  run_for(seconds(2));
  EXPECT_FALSE(directory.at_door());
  EXPECT_THAT(listened(), IsEmpty());
  const DoorEpoch epoch = door_epoch(keys, now.unix);
  ASSERT_THAT(stored(), SizeIs(1));
  EXPECT_EQ(stored().begin()->first, member_key(keys, epoch, self.id)) << "to be found by id";

  directory.set_edges(now, Directory::kEnoughEdges - 1);
  collect();
  EXPECT_TRUE(directory.at_door()) << "and back at once";
  EXPECT_THAT(stored(), SizeIs(2));
  EXPECT_EQ(listened(), at_door());
}

TEST_F(Schedule, AroundTheThirdEdgeNothingFlaps) {
  const auto members = crowd();
  directory.publish(now, self.sign(1));
  run_for(seconds(1));
  done.clear();
  for (int i = 0; i < 100; ++i) {
    directory.set_edges(now, i % 2 == 0 ? 3 : 2);
    run_for(seconds(20));
  }
  EXPECT_THAT(all<DhtListen>(), IsEmpty());
  EXPECT_THAT(all<DhtUnlisten>(), SizeIs(testing::Le(2U)));
}

TEST_F(Schedule, EpochsComeAndGo) {
  directory.publish(now, self.sign(1));
  for (int minute = 0; minute < 13 * 60; minute += 5) {
    run_for(minutes(5));
    directory.handle_timeout(now);
    std::set<DhtKey> expected_keys;
    // What counts may be a minute old.
    for (const UnixTime at : {UnixTime{now.unix.ms - 60'000}, now.unix}) {
      for (const DoorEpoch epoch : counting_epochs(keys, at)) {
        expected_keys.insert(door_key(keys, epoch));
        expected_keys.insert(member_key(keys, epoch, self.id));
      }
    }
    for (const DhtKey& key : listened()) EXPECT_TRUE(expected_keys.contains(key)) << minute;
    for (const auto& [key, id] : stored()) EXPECT_TRUE(expected_keys.contains(key)) << minute;
    EXPECT_GE(listened().size(), 2U);
    EXPECT_GE(stored().size(), 2U);
  }
}

TEST_F(Schedule, AClockThatJumpsIsFollowedBothWays) {
  directory.publish(now, self.sign(1));
  run_for(minutes(2));
  for (const std::int64_t hours : {24, -48, 24}) {
    now.unix.ms += hours * 3'600'000;
    run_for(minutes(2));
    EXPECT_EQ(listened(), at_door());
    EXPECT_EQ(stored().size(), at_door().size());
  }
}

TEST_F(Schedule, ACallPutsOurRecordWhereTheOtherListens) {
  const NodeId other = crowd()[7];
  EXPECT_FALSE(directory.call(now, other)) << "there is nothing to put yet";
  directory.publish(now, self.sign(1));
  collect();
  done.clear();
  ASSERT_TRUE(directory.call(now, other));
  collect();
  const auto puts = all<DhtPut>();
  const auto epochs = counting_epochs(keys, now.unix);
  ASSERT_EQ(puts.size(), epochs.size());
  const DhtPut& put = puts.front().second;
  EXPECT_EQ(put.key, member_key(keys, epochs.front(), other));
  EXPECT_EQ(directory.open(put.key, put.value), self.sign(1)->bytes);
}

TEST_F(Schedule, CallsAreFew) {
  directory.publish(now, self.sign(1));
  const auto others = crowd();
  const auto call_all = [&] {
    return std::count_if(others.begin(), others.end(),
                         [&](const NodeId& other) { return directory.call(now, other); });
  };
  EXPECT_EQ(call_all(), 3);
  run_for(seconds(60));
  EXPECT_EQ(call_all(), 3);
}

TEST_F(Schedule, ALostStoreIsFilledAgainInMeasure) {
  directory.publish(now, self.sign(1));
  run_for(minutes(3));
  done.clear();
  for (int i = 0; i < 10; ++i) directory.put_again(now);
  run_for(seconds(1));
  EXPECT_THAT(all<DhtPut>(), SizeIs(4)) << "two keys, each twice";
  done.clear();
  run_for(seconds(2));
  directory.put_again(now);
  collect();
  EXPECT_THAT(all<DhtPut>(), SizeIs(2));
}

TEST_F(Schedule, LooksUpInMeasure) {
  const test::Member other(2);
  for (int i = 0; i < 10; ++i) directory.look_up(now, other.id);
  collect();
  const auto gets = all<DhtGet>();
  ASSERT_THAT(gets, SizeIs(1));
  EXPECT_EQ(gets[0].second.key, member_key(keys, door_epoch(keys, now.unix), other.id));
  run_for(Directory::kLookupPause);
  directory.look_up(now, other.id);
  collect();
  EXPECT_THAT(all<DhtGet>(), SizeIs(2));
  for (std::uint8_t i = 0; i < 255; ++i) {
    NodeId id;
    id.bytes.fill(i);
    directory.look_up(now, id);
    id.bytes[0] ^= 1;
    directory.look_up(now, id);
  }
  collect();
  EXPECT_LE(all<DhtGet>().size(), 2 + Directory::kMaxLookups);
}

}  // namespace
}  // namespace meshnode::discovery
