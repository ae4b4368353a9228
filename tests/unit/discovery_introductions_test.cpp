#include <gtest/gtest.h>

#include "discovery/introductions.h"
#include "support/members.h"

namespace meshnode::discovery {
namespace {

using test::kNetworkId;
using test::Member;
using Taken = std::variant<Drop, Introductions::ForUs, Introductions::PassOn>;

constexpr PeerNumber kVia{7};

struct IntroductionsTest : ::testing::Test {
  Introductions at(const Member& member) {
    return Introductions(member.id, kNetworkId, crypto::real_suite());
  }
  // X's request for `target`.
  Bytes request(const Member& target, std::uint64_t number) {
    return at(x).ask(target.id, *x.sign(3), x.seed, number);
  }
  static std::optional<Drop> drop(const Taken& taken) {
    const auto* reason = std::get_if<Drop>(&taken);
    return reason == nullptr ? std::nullopt : std::optional(*reason);
  }

  Member x{1}, y{2}, z{3}, w{4};
  TimePoint now{seconds(100)};
};

TEST_F(IntroductionsTest, ReachesItsTargetWithTheRecord) {
  const Bytes body = request(y, 1);
  Introductions over_z = at(z);
  const Taken onward = over_z.take(now, kVia, body);
  const auto* pass = std::get_if<Introductions::PassOn>(&onward);
  ASSERT_NE(pass, nullptr);
  EXPECT_EQ(pass->origin, x.id);
  EXPECT_EQ(pass->target, y.id);
  EXPECT_EQ(pass->hops, 5U);
  Introductions at_y = at(y);
  const Taken arrived = at_y.take(now, kVia, pass->body);
  const auto* ours = std::get_if<Introductions::ForUs>(&arrived);
  ASSERT_NE(ours, nullptr);
  EXPECT_EQ(ours->origin, x.id);
  EXPECT_EQ(to_bytes(ours->record), x.sign(3)->bytes);
}

TEST_F(IntroductionsTest, NobodyAimsItElsewhereOrForgesIt) {
  Bytes body = request(y, 1);
  std::copy(w.id.bytes.begin(), w.id.bytes.end(), body.begin() + 2);
  EXPECT_EQ(drop(at(w).take(now, kVia, body)), Drop::bad_identity);
  // W signs for X's record.
  const Bytes forged = at(w).ask(y.id, *x.sign(3), w.seed, 1);
  EXPECT_EQ(drop(at(y).take(now, kVia, forged)), Drop::bad_identity);
  EXPECT_EQ(drop(at(z).take(now, kVia, forged)), Drop::bad_identity) << "nor passed on";
  const Introductions other(x.id, Bytes(32, 1), crypto::real_suite());
  const Bytes foreign = other.ask(y.id, *x.sign(3), x.seed, 1);
  EXPECT_EQ(drop(at(y).take(now, kVia, foreign)), Drop::bad_identity) << "of another network";
}

TEST_F(IntroductionsTest, HopsEnd) {
  Bytes body = request(y, 1);
  for (unsigned hop = 0; hop < wire::kMaxIntroductionHops; ++hop) {
    const Taken taken = at(z).take(now, kVia, body);
    const auto* pass = std::get_if<Introductions::PassOn>(&taken);
    ASSERT_NE(pass, nullptr) << hop;
    EXPECT_EQ(pass->hops, wire::kMaxIntroductionHops - 1 - hop);
    body = pass->body;
  }
  EXPECT_EQ(drop(at(z).take(now, kVia, body)), Drop::no_route);
  EXPECT_TRUE(std::holds_alternative<Introductions::ForUs>(at(y).take(now, kVia, body)));
}

TEST_F(IntroductionsTest, OneIsFollowedOnceWhicheverWayItComes) {
  Introductions at_y = at(y);
  const Bytes body = request(y, 5);
  EXPECT_FALSE(drop(at_y.take(now, kVia, body)));
  EXPECT_EQ(drop(at_y.take(now, PeerNumber{8}, body)), Drop::replayed);
  EXPECT_EQ(drop(at_y.take(now, kVia, request(y, 4))), Drop::replayed) << "an older one";
  EXPECT_FALSE(drop(at_y.take(now, kVia, request(y, 6))));
}

TEST_F(IntroductionsTest, OurOwnComesBackToNoEffect) {
  EXPECT_EQ(drop(at(x).take(now, kVia, request(y, 1))), Drop::self);
  EXPECT_EQ(drop(at(z).take(now, kVia, request(x, 1))), Drop::self) << "to oneself";
}

TEST_F(IntroductionsTest, PairIsBounded) {
  Introductions at_y = at(y);
  unsigned followed = 0;
  std::uint64_t number = 0;
  for (int i = 0; i < 40; ++i)
    if (!drop(at_y.take(now, PeerNumber{static_cast<std::uint32_t>(i)}, request(y, ++number))))
      ++followed;
  EXPECT_EQ(followed, 5U);
  EXPECT_FALSE(drop(at_y.take(now + seconds(6), kVia, request(y, ++number))));
}

TEST_F(IntroductionsTest, NeighbourIsBounded) {
  Introductions over_z = at(z);
  unsigned passed = 0;
  for (std::uint64_t i = 0; i < 100; ++i)
    if (!drop(over_z.take(now, kVia, request(Member(100 + i), 1)))) ++passed;
  EXPECT_EQ(passed, 50U);
  EXPECT_FALSE(drop(over_z.take(now, PeerNumber{8}, request(Member(300), 1))))
      << "another neighbour's is not affected";
}

TEST_F(IntroductionsTest, ForgeriesDoNotUseUpThePair) {
  Introductions at_y = at(y);
  for (int i = 0; i < 20; ++i) {
    Bytes body = request(y, 100);
    body[60] ^= 1;
    EXPECT_EQ(drop(at_y.take(now, kVia, body)), Drop::bad_identity);
  }
  EXPECT_FALSE(drop(at_y.take(now, kVia, request(y, 1))));
}

}  // namespace
}  // namespace meshnode::discovery
