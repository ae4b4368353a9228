// The gate in front of handshakes: who is let in, who hears an answer again, who gets silence.
#include <gtest/gtest.h>

#include "overlay/gate.h"
#include "tests/support/seeded_random.h"

namespace meshnode::overlay {
namespace {

constexpr TimePoint kStart{hours(1)};

Secret32 filled(std::uint8_t value) {
  Block<32> bytes;
  bytes.fill(value);
  return Secret32(bytes);
}

Path path(std::uint8_t host, std::uint16_t port = 3731) {
  return {{IpAddress::v4({192, 0, 2, host}), port}, {}, 0};
}

// The gate looks at the macs only: what lies under them may be anything.
Bytes first_message(std::uint32_t n, const Secret32& gate = filled(1)) {
  Bytes out = wire::init_header(n);
  Writer writer(out);
  writer.u32(n);
  writer.zeros(92);
  writer.bytes(gate_mac(gate, out));
  writer.zeros(wire::kMacSize);
  return out;
}

struct GateTest : ::testing::Test {
  test::SeededRandom random{1};
  Gate gate{filled(1), random};
  TimePoint now = kStart;

  Gate::Verdict admit(const Bytes& message, const Path& from = path(1)) {
    return gate.admit(now, from, *wire::parse_init(message));
  }
  void answer(const Bytes& message, Bytes answer, const Path& from = path(1)) {
    ASSERT_TRUE(std::holds_alternative<Gate::Proceed>(admit(message, from)));
    gate.remember(now, from, wire::parse_init(message)->mac1, std::move(answer));
  }
  void expect_drop(const Gate::Verdict& verdict, Drop reason) {
    ASSERT_TRUE(std::holds_alternative<Drop>(verdict)) << verdict.index();
    EXPECT_EQ(std::get<Drop>(verdict), reason);
  }
  void expect_again(const Gate::Verdict& verdict, const Bytes& bytes) {
    ASSERT_TRUE(std::holds_alternative<Gate::AnswerAgain>(verdict)) << verdict.index();
    EXPECT_EQ(std::get<Gate::AnswerAgain>(verdict).answer, bytes);
  }
};

TEST_F(GateTest, LetsMembersIn) {
  EXPECT_TRUE(std::holds_alternative<Gate::Proceed>(admit(first_message(1))));
}

TEST_F(GateTest, StrangersGetSilenceAndUseNothingUp) {
  for (std::uint32_t n = 0; n < 5000; ++n)
    expect_drop(admit(first_message(n, filled(2))), Drop::bad_mac);
  EXPECT_TRUE(std::holds_alternative<Gate::Proceed>(admit(first_message(1))));
}

TEST_F(GateTest, EveryChangedByteIsAStranger) {
  const Bytes genuine = first_message(1);
  for (std::size_t at = 4; at < genuine.size() - wire::kMacSize; ++at) {
    Bytes changed = genuine;
    changed[at] ^= 1;
    expect_drop(admit(changed), Drop::bad_mac);
  }
}

TEST_F(GateTest, TheSameMessageGetsTheSameAnswerForFiveSeconds) {
  const Bytes message = first_message(1);
  answer(message, {7, 7});
  for (const int ms : {0, 250, 1000, 4999}) {
    now = kStart + milliseconds(ms);
    expect_again(admit(message), {7, 7});
  }
  now = kStart + seconds(5);
  expect_drop(admit(message), Drop::replayed);
  now = kStart + hours(10);
  expect_drop(admit(message), Drop::replayed);
}

TEST_F(GateTest, AnswersGoOnlyWhereTheFirstOneWent) {
  const Bytes message = first_message(1);
  answer(message, {7});
  expect_drop(admit(message, path(2)), Drop::replayed);
  expect_drop(admit(message, path(1, 4000)), Drop::replayed);
  Path other_scope = path(1);
  other_scope.scope = 2;
  expect_drop(admit(message, other_scope), Drop::replayed);
  expect_again(admit(message), {7});
}

TEST_F(GateTest, SettledHandshakesNeedNoRepetition) {
  const Bytes message = first_message(1);
  const Bytes other = first_message(2);
  answer(message, {7});
  answer(other, {8});
  gate.settle(wire::parse_init(message)->mac1);
  expect_drop(admit(message), Drop::replayed);
  expect_again(admit(other), {8});
}

TEST_F(GateTest, WhatWasRefusedStaysRefused) {
  const Bytes message = first_message(1);
  answer(message, {});
  expect_drop(admit(message), Drop::replayed);
}

TEST_F(GateTest, AnotherCookieMakesNoOtherMessage) {
  Bytes message = first_message(1);
  answer(message, {7});
  message.back() = 1;
  expect_again(admit(message), {7});
  expect_drop(admit(message, path(2)), Drop::replayed);
}

TEST_F(GateTest, RemembersTheLast1024) {
  const Bytes first = first_message(0);
  const auto mac_of = [](const Bytes& bytes) { return wire::parse_init(bytes)->mac1; };
  gate.remember(now, path(1), mac_of(first), {7});
  for (std::uint32_t n = 1; n < Gate::kRemembered; ++n)
    gate.remember(now, path(1), mac_of(first_message(n)), {});
  expect_again(admit(first), {7});
  gate.remember(now, path(1), mac_of(first_message(9999)), {});
  EXPECT_TRUE(std::holds_alternative<Gate::Proceed>(admit(first))) << "the oldest goes first";
  expect_drop(admit(first_message(1)), Drop::replayed);
}

TEST_F(GateTest, RepetitionsUseUpNoBudget) {
  const Bytes message = first_message(1);
  answer(message, {7});
  for (int i = 0; i < 1000; ++i) expect_again(admit(message), {7});
  EXPECT_TRUE(std::holds_alternative<Gate::Proceed>(admit(first_message(2))));
}

// Freshness challenges: no state but two secrets that rotate.
struct GateChallenge : GateTest {
  crypto::X25519Public key{1};
  BootId boot{2};
};

TEST_F(GateChallenge, IsMetByItsOwnAnswerOnly) {
  const auto value = gate.challenge_for(now, key, boot);
  EXPECT_TRUE(gate.challenge_met(now, key, boot, value));
  EXPECT_FALSE(gate.challenge_met(now, key, boot, {}));
  for (std::size_t at = 0; at < value.size(); ++at) {
    auto changed = value;
    changed[at] ^= 1;
    EXPECT_FALSE(gate.challenge_met(now, key, boot, changed));
  }
  EXPECT_EQ(gate.challenge_for(now, key, boot), value) << "asking twice gives the same";
}

TEST_F(GateChallenge, IsForOneKeyInOneStart) {
  const auto value = gate.challenge_for(now, key, boot);
  EXPECT_FALSE(gate.challenge_met(now, {9}, boot, value));
  EXPECT_FALSE(gate.challenge_met(now, key, {9}, value));
}

TEST_F(GateChallenge, OfAnotherGateIsNothing) {
  test::SeededRandom other_random(2);
  Gate other(filled(1), other_random);
  EXPECT_FALSE(gate.challenge_met(now, key, boot, other.challenge_for(now, key, boot)));
}

TEST_F(GateChallenge, IsGoodForAtLeastTwoMinutes) {
  for (int second = 0; second < 600; second += 7) {
    const auto value = gate.challenge_for(kStart + seconds(second), key, boot);
    EXPECT_TRUE(gate.challenge_met(kStart + seconds(second + 119), key, boot, value)) << second;
  }
}

TEST_F(GateChallenge, RotatesAndExpires) {
  const auto value = gate.challenge_for(now, key, boot);
  EXPECT_EQ(gate.challenge_for(kStart + seconds(119), key, boot), value);
  EXPECT_NE(gate.challenge_for(kStart + seconds(120), key, boot), value);
  EXPECT_TRUE(gate.challenge_met(kStart + seconds(239), key, boot, value));
  EXPECT_FALSE(gate.challenge_met(kStart + seconds(240), key, boot, value));
}

TEST_F(GateChallenge, ExpiresEvenIfNobodyAskedInBetween) {
  const auto value = gate.challenge_for(now, key, boot);
  EXPECT_FALSE(gate.challenge_met(kStart + hours(1), key, boot, value))
      << "good for 2 to 4 minutes";
}

}  // namespace
}  // namespace meshnode::overlay
