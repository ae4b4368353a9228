// When and where a node says that it is here.
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "discovery/lan_beacon.h"
#include "tests/support/seeded_random.h"
#include "tests/vectors/hex.h"

namespace meshnode::discovery {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr TimePoint kStart{hours(1)};

Secret32 filled(std::uint8_t value) {
  Block<32> bytes;
  bytes.fill(value);
  return Secret32(bytes);
}

LanBeacon::Self self() {
  LanBeacon::Self out;
  out.lan_key = filled(0x44);
  out.static_key.fill(0x11);
  out.node.bytes.fill(0x22);
  out.boot = {0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7};
  out.port = 3731;
  return out;
}

Interface lan(std::vector<const char*> addresses, std::uint32_t index = 2) {
  Interface out;
  out.index = index;
  out.name = "eth" + std::to_string(index);
  out.up = out.broadcast = true;
  for (const char* address : addresses) out.addresses.push_back(*Cidr::parse(address));
  return out;
}

class FixedRandom final : public Random {
 public:
  void fill(MutableBytes out) override { std::fill(out.begin(), out.end(), std::uint8_t{0x5a}); }
};

struct Speaker : ::testing::Test {
  test::SeededRandom random{1};
  LanBeacon beacon{self(), random};
  std::uint64_t number = 0;
  std::vector<TimePoint> times;  // of each beacon

  std::vector<BeaconTransmit> speak(TimePoint now) {
    return beacon.handle_timeout({now, {1'700'000'000'000}}, [&] { return ++number; });
  }
  bool wants_answer(const BeaconTransmit& transmit) {
    LanBeacon::Self other = self();
    other.node.bytes.fill(0x99);
    LanBeacon listener(other, random);
    listener.set_interfaces(kStart, {lan({"10.0.0.2/24"})});
    DropCounters drops;
    const auto sighting = listener.open({{transmit.source, kLanPort}, 2, transmit.datagram}, drops);
    EXPECT_TRUE(sighting);
    return sighting && sighting->beacon.answer_wanted;
  }
  void run_until(TimePoint end) {
    while (beacon.next_deadline() && *beacon.next_deadline() <= end) {
      const TimePoint now = *beacon.next_deadline();
      if (!speak(now).empty()) times.push_back(now);
    }
  }
  std::vector<std::string> voices(const Interfaces& interfaces) {
    LanBeacon fresh(self(), random);
    fresh.set_interfaces(kStart, interfaces);
    std::vector<std::string> out;
    for (const auto& t : fresh.handle_timeout({kStart, {0}}, [&] { return ++number; }))
      out.push_back(std::to_string(t.interface) + ": " + t.source.to_string() + " > " +
                    t.destination.to_string());
    return out;
  }
};

TEST_F(Speaker, SaysNothingWithoutInterfaces) {
  EXPECT_FALSE(beacon.next_deadline());
  beacon.set_interfaces(kStart, {});
  run_until(kStart + hours(1));
  EXPECT_THAT(times, IsEmpty());
}

TEST_F(Speaker, BurstThenEveryThirtySecondsGiveOrTakeFive) {
  beacon.set_interfaces(kStart, {lan({"10.0.0.1/24"})});
  run_until(kStart + hours(1));
  ASSERT_GT(times.size(), 100U);
  EXPECT_THAT(std::vector<TimePoint>(times.begin(), times.begin() + 4),
              ElementsAre(kStart, kStart + milliseconds(200), kStart + milliseconds(600),
                          kStart + milliseconds(1500)));
  std::set<Duration> gaps;
  for (std::size_t i = 4; i < times.size(); ++i) {
    const Duration gap = times[i] - times[i - 1];
    EXPECT_GE(gap, seconds(25));
    EXPECT_LE(gap, seconds(35));
    gaps.insert(gap);
  }
  EXPECT_GT(gaps.size(), 90U) << "jitter, so that many nodes do not speak in chorus";
  EXPECT_LT(*gaps.begin(), seconds(27));
  EXPECT_GT(*gaps.rbegin(), seconds(33));
}

TEST_F(Speaker, OnlyTheBurstWantsAnswers) {
  beacon.set_interfaces(kStart, {lan({"10.0.0.1/24"})});
  for (int i = 0; i < 8; ++i) {
    const auto transmits = speak(*beacon.next_deadline());
    ASSERT_EQ(transmits.size(), 1U);
    EXPECT_EQ(wants_answer(transmits[0]), i < 4) << "beacon " << i;
  }
}

TEST_F(Speaker, NothingBeforeItIsTime) {
  beacon.set_interfaces(kStart, {lan({"10.0.0.1/24"})});
  EXPECT_EQ(speak(kStart).size(), 1U);
  EXPECT_THAT(speak(kStart + milliseconds(199)), IsEmpty());
  EXPECT_EQ(speak(kStart + milliseconds(200)).size(), 1U);
}

TEST_F(Speaker, ALateTimerDoesNotMakeUpForWhatItMissed) {
  beacon.set_interfaces(kStart, {lan({"10.0.0.1/24"})});
  EXPECT_EQ(speak(kStart + milliseconds(700)).size(), 1U);
  EXPECT_EQ(beacon.next_deadline(), kStart + milliseconds(1500));
}

TEST_F(Speaker, AnInterfaceThatAppearsLaterBeginsANewBurst) {
  beacon.set_interfaces(kStart, {lan({"10.0.0.1/24"})});
  run_until(kStart + seconds(100));
  const TimePoint later = kStart + seconds(100);
  times.clear();
  beacon.set_interfaces(later, {lan({"10.0.0.1/24"}), lan({"192.168.1.1/24"}, 3)});
  EXPECT_EQ(speak(later).size(), 2U) << "on both: the new one may bridge";
  run_until(later + seconds(2));
  EXPECT_THAT(times, ElementsAre(later + milliseconds(200), later + milliseconds(600),
                                 later + milliseconds(1500)));
}

TEST_F(Speaker, WhatIsNoLanOfOursBeginsNoBurst) {
  beacon.set_interfaces(kStart, {lan({"10.0.0.1/24"})});
  run_until(kStart + seconds(10));
  const auto before = beacon.next_deadline();
  Interface tunnel = lan({"10.77.0.1/24"}, 9);
  tunnel.overlay = true;
  beacon.set_interfaces(kStart + seconds(11), {lan({"10.0.0.1/24"}), tunnel});
  EXPECT_EQ(beacon.next_deadline(), before);
}

TEST_F(Speaker, FallsSilentWhenAllInterfacesGo) {
  beacon.set_interfaces(kStart, {lan({"10.0.0.1/24"})});
  run_until(kStart + seconds(10));
  times.clear();
  beacon.set_interfaces(kStart + seconds(10), {});
  run_until(kStart + seconds(200));
  EXPECT_THAT(times, IsEmpty());
}

TEST_F(Speaker, AnswersSoonAndThenGoesOnAsBefore) {
  beacon.set_interfaces(kStart, {lan({"10.0.0.1/24"})});
  run_until(kStart + seconds(5));
  times.clear();
  const TimePoint asked = kStart + seconds(10);
  beacon.answer_soon(asked);
  run_until(asked + seconds(36));
  ASSERT_EQ(times.size(), 2U);
  EXPECT_GE(times[0], asked);
  EXPECT_LE(times[0], asked + milliseconds(10));
  EXPECT_GE(times[1] - times[0], seconds(25)) << "the answer took the periodic one's place";
}

TEST_F(Speaker, AFloodOfNewcomersGetsAtMostTenAnswersASecond) {
  beacon.set_interfaces(kStart, {lan({"10.0.0.1/24"})});
  run_until(kStart + seconds(5));
  times.clear();
  for (int ms = 0; ms < 10'000; ++ms) {
    const TimePoint now = kStart + seconds(5) + milliseconds(ms);
    beacon.answer_soon(now);
    run_until(now);
  }
  EXPECT_GT(times.size(), 80U);
  EXPECT_LE(times.size(), 100U);
  for (std::size_t i = 1; i < times.size(); ++i)
    EXPECT_GE(times[i] - times[i - 1], milliseconds(100));
}

TEST_F(Speaker, AnAnswerDoesNotReplaceTheBurst) {
  beacon.set_interfaces(kStart, {lan({"10.0.0.1/24"})});
  speak(kStart);
  beacon.answer_soon(kStart + milliseconds(20));
  run_until(kStart + seconds(2));
  EXPECT_THAT(times, ElementsAre(kStart + milliseconds(100), kStart + milliseconds(200),
                                 kStart + milliseconds(600), kStart + milliseconds(1500)));
}

TEST_F(Speaker, VoicesOfOneInterface) {
  EXPECT_THAT(voices({lan({"10.0.0.1/24"})}), ElementsAre("2: 10.0.0.1 > 10.0.0.255"));
  EXPECT_THAT(voices({lan({"fe80::1/64"})}), ElementsAre("2: fe80::1 > none"));
  EXPECT_THAT(voices({lan({"10.0.0.1/24", "2001:db8::1/64", "fd00::1/64", "fe80::1/64"})}),
              ElementsAre("2: 10.0.0.1 > 10.0.0.255", "2: fe80::1 > none"));
  EXPECT_THAT(voices({lan({"10.0.0.1/24", "172.16.0.1/12"})}),
              ElementsAre("2: 10.0.0.1 > 10.0.0.255", "2: 172.16.0.1 > 172.31.255.255"));
  EXPECT_THAT(voices({lan({"10.0.0.1/31"})}), IsEmpty()) << "no broadcast address";
  EXPECT_THAT(voices({lan({"10.0.0.1/32"})}), IsEmpty());
  EXPECT_THAT(voices({lan({})}), IsEmpty());
}

TEST_F(Speaker, VoicesOfSeveralInterfaces) {
  EXPECT_THAT(
      voices({lan({"10.0.0.1/24", "fe80::1/64"}, 2), lan({"10.0.1.1/24", "fe80::1/64"}, 3)}),
      ElementsAre("2: 10.0.0.1 > 10.0.0.255", "2: fe80::1 > none", "3: 10.0.1.1 > 10.0.1.255",
                  "3: fe80::1 > none"));
}

TEST_F(Speaker, OneVoicePerIpv4Subnet) {
  EXPECT_THAT(voices({lan({"10.0.0.1/24", "10.0.0.2/24"})}),
              ElementsAre("2: 10.0.0.1 > 10.0.0.255"));
}

TEST_F(Speaker, OneVoicePerIpv6Link) {
  EXPECT_THAT(voices({lan({"fe80::1/64", "fe80::2/64"})}), ElementsAre("2: fe80::1 > none"));
}

TEST_F(Speaker, UnusableInterfacesHaveNoVoice) {
  for (const auto spoil :
       {+[](Interface& i) { i.up = false; }, +[](Interface& i) { i.broadcast = false; },
        +[](Interface& i) { i.loopback = true; }, +[](Interface& i) { i.overlay = true; }}) {
    Interface interface = lan({"10.0.0.1/24", "fe80::1/64"});
    EXPECT_EQ(voices({interface}).size(), 2U);
    spoil(interface);
    EXPECT_THAT(voices({interface}), IsEmpty());
  }
}

TEST_F(Speaker, EachDatagramHasItsOwnNumber) {
  beacon.set_interfaces(kStart, {lan({"10.0.0.1/24", "fe80::1/64"})});
  EXPECT_EQ(speak(kStart).size(), 2U);
  EXPECT_EQ(number, 2U);
}

TEST_F(Speaker, NoByteIsConstantOverAThousandBeacons) {
  beacon.set_interfaces(kStart, {lan({"10.0.0.1/24"})});
  std::vector<std::set<std::uint8_t>> seen(wire::kBeaconSize);
  for (int i = 0; i < 1000; ++i) {
    const auto transmits = speak(*beacon.next_deadline());
    ASSERT_EQ(transmits.size(), 1U);
    ASSERT_EQ(transmits[0].datagram.size(), wire::kBeaconSize);
    for (std::size_t at = 0; at < wire::kBeaconSize; ++at)
      seen[at].insert(transmits[0].datagram[at]);
  }
  // A thousand draws from 256 values leave about five of them out.
  for (std::size_t at = 0; at < wire::kBeaconSize; ++at)
    EXPECT_GT(seen[at].size(), 230U) << "byte " << at;
}

// Made with another library; the salt is what FixedRandom gives.
TEST_F(Speaker, GoldenDatagram) {
  FixedRandom fixed;
  LanBeacon golden(self(), fixed);
  golden.set_interfaces(kStart, {lan({"10.0.0.1/24"})});
  const auto transmits =
      golden.handle_timeout({kStart, {1'700'000'000'000}}, [] { return std::uint64_t{7}; });
  ASSERT_EQ(transmits.size(), 1U);
  EXPECT_EQ(to_hex(transmits[0].datagram),
            "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"
            "72c8d8bf4c5bb92935788e5ac50be81261093221fe6a334ccc83210560136ad5"
            "3ca4180994f9ed8411c558d0a017bf02336aadd2e747d0babc9de3d5c5a06631"
            "17111f7fd6342c8d3c0f3d5031079cc5cd3dedf7666853c9d545ce06d9900cd6"
            "daaca0041f52cbf3d68b2e4176658b7ed96891ecf48aaee90f50055516aa2b17"
            "7e940b548e8e044342bd897480bdfb47");
}

}  // namespace
}  // namespace meshnode::discovery
