// When silence draws a question, in virtual time.
#include <gtest/gtest.h>

#include "discovery/silence.h"

namespace meshnode::discovery {
namespace {

constexpr Duration kRtt = milliseconds(20);
constexpr Duration kLongRtt = milliseconds(100);

struct SilenceTest : ::testing::Test {
  Silence silence;
  TimePoint now{hours(1)};

  Duration patience(Duration rtt = kRtt) {
    const auto due = silence.due(rtt);
    return due ? *due - now : Duration{-1};
  }
  // Data goes out, is not answered, the path is asked and is alive. How long that took.
  Duration one_way(Duration rtt = kRtt) {
    silence.data_sent(now);
    const Duration waited = patience(rtt);
    now += waited;
    silence.asked(now, rtt);
    now += rtt;
    silence.answered();
    return waited;
  }
  // Data goes out and is answered after that time.
  void exchange(Duration after) {
    silence.data_sent(now);
    now += after;
    silence.heard(now, kRtt, true, true);
    now += seconds(1);
  }
  void receive(unsigned frames, Duration gap) {
    for (unsigned i = 0; i < frames; ++i) {
      now += gap;
      silence.heard(now, kRtt, true, true);
    }
  }
};

TEST_F(SilenceTest, NothingIsExpectedOfAnEdgeThatIsNotInUse) {
  EXPECT_FALSE(silence.due(kRtt));
  EXPECT_FALSE(silence.active(now));
  silence.heard(now, kRtt, true, false);
  EXPECT_FALSE(silence.due(kRtt)) << "control frames are no use";
  EXPECT_FALSE(silence.active(now));
}

TEST_F(SilenceTest, DataWantsAWord) {
  silence.data_sent(now);
  EXPECT_EQ(patience(), milliseconds(100));
  EXPECT_EQ(patience(kLongRtt), 2 * kLongRtt);
  EXPECT_EQ(patience(Duration{}), 2 * Silence::kUnknownRtt);
  EXPECT_EQ(patience(seconds(30)), Silence::kLongest);
  silence.heard(now + milliseconds(99), kRtt, true, false);
  EXPECT_FALSE(silence.due(kRtt)) << "any word will do";
}

TEST_F(SilenceTest, MoreDataDoesNotPutItOff) {
  silence.data_sent(now);
  const auto due = silence.due(kRtt);
  for (int i = 0; i < 5; ++i) silence.data_sent(now + milliseconds(20 * i));
  EXPECT_EQ(silence.due(kRtt), due);
}

TEST_F(SilenceTest, AWordOnAnotherPathDoesNotCount) {
  silence.data_sent(now);
  silence.heard(now, kRtt, false, true);
  EXPECT_TRUE(silence.due(kRtt));
}

// The pumps tell of one frame in kGrain: the answer to what is sent then may go untold.
TEST_F(SilenceTest, WhatIsSentRightAfterAWordIsNotWaitedFor) {
  silence.heard(now, kRtt, true, true);
  silence.data_sent(now + Silence::kGrain - milliseconds(1));
  EXPECT_FALSE(silence.due(kRtt));
  silence.data_sent(now + Silence::kGrain);
  EXPECT_TRUE(silence.due(kRtt));
}

TEST_F(SilenceTest, APeerThatAnswersIsNeverAsked) {
  for (int i = 0; i < 1000; ++i) {
    silence.data_sent(now);
    EXPECT_GE(patience(), kRtt);
    now += kRtt;
    silence.heard(now, kRtt, true, true);
    ASSERT_FALSE(silence.due(kRtt));
    now += seconds(1);
  }
}

TEST_F(SilenceTest, PatienceGrowsWhereTheFlowGoesOneWay) {
  EXPECT_EQ(one_way(), milliseconds(100));
  EXPECT_EQ(one_way(), milliseconds(200));
  EXPECT_EQ(one_way(), milliseconds(400));
  EXPECT_EQ(one_way(), milliseconds(800));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(one_way(), Silence::kMost);
}

TEST_F(SilenceTest, AndNotAboveTheMostWithALongRtt) {
  EXPECT_EQ(one_way(kLongRtt), milliseconds(200));
  EXPECT_EQ(one_way(kLongRtt), milliseconds(400));
  EXPECT_EQ(one_way(kLongRtt), milliseconds(800));
  EXPECT_EQ(one_way(kLongRtt), milliseconds(800));
  EXPECT_EQ(one_way(seconds(1)), seconds(2)) << "unless it is shorter than two RTT";
}

TEST_F(SilenceTest, ItIsAskedOncePerSilence) {
  silence.data_sent(now);
  now += patience();
  silence.asked(now, kRtt);
  EXPECT_FALSE(silence.due(kRtt));
  silence.data_sent(now);
  EXPECT_FALSE(silence.due(kRtt)) << "the path book repeats the question";
}

TEST_F(SilenceTest, PromptWordsMakeItImpatientAgain) {
  for (int i = 0; i < 5; ++i) one_way();
  exchange(kRtt);
  exchange(kRtt);
  silence.data_sent(now);
  EXPECT_EQ(patience(), Silence::kMost);
  silence.heard(now, kRtt, true, true);
  now += seconds(1);
  silence.data_sent(now);
  EXPECT_EQ(patience(), Silence::kLeast);
}

TEST_F(SilenceTest, LateWordsDoNot) {
  for (int i = 0; i < 5; ++i) one_way();
  for (int i = 0; i < 20; ++i) exchange(milliseconds(300));
  silence.data_sent(now);
  EXPECT_EQ(patience(), Silence::kMost);
}

TEST_F(SilenceTest, TheEndOfARhythmIsAskedAbout) {
  receive(Silence::kRhythm, milliseconds(20));
  EXPECT_EQ(patience(), Silence::kReceiverLeast);
  EXPECT_EQ(patience(kLongRtt), 2 * kLongRtt);
  EXPECT_TRUE(silence.surprising(now + milliseconds(200)));
  receive(1, milliseconds(500));
  EXPECT_FALSE(silence.surprising(now + seconds(5)));
}

// Our NAT may move in steps: the first question gets through, then the NAT forgets that, too.
TEST_F(SilenceTest, ARhythmThatDoesNotComeBackIsAskedAboutAgainButNotForEver) {
  receive(160, milliseconds(20));
  for (unsigned i = 0; i < Silence::kQuestions; ++i) {
    EXPECT_EQ(patience(), Silence::kReceiverLeast * (1 << i)) << i;
    now += patience();
    silence.asked(now, kRtt);
    silence.answered();
  }
  EXPECT_FALSE(silence.due(kRtt));
  receive(1, milliseconds(20));
  EXPECT_TRUE(silence.due(kRtt)) << "it came back";
}

TEST_F(SilenceTest, TheEndOfABurstIsAskedAboutOnce) {
  receive(50, milliseconds(20));
  now += patience();
  silence.asked(now, kRtt);
  EXPECT_FALSE(silence.due(kRtt));
  now += seconds(10);
  receive(50, milliseconds(20));
  now += patience();
  silence.asked(now, kRtt);
  EXPECT_FALSE(silence.due(kRtt)) << "two bursts are no steady flow";
}

TEST_F(SilenceTest, AWordThatIsNoDataEndsTheWaitForARhythm) {
  receive(Silence::kRhythm, milliseconds(20));
  now += patience();
  silence.asked(now, kRtt);
  silence.heard(now, kRtt, true, false);
  EXPECT_FALSE(silence.due(kRtt));
}

TEST_F(SilenceTest, ASlowRhythmIsGivenTime) {
  receive(Silence::kRhythm, milliseconds(200));
  EXPECT_EQ(patience(), milliseconds(800));
  receive(2 * Silence::kRhythm, milliseconds(250));
  EXPECT_EQ(patience(), seconds(1));
}

TEST_F(SilenceTest, FewFramesOrRareOnesAreNoRhythm) {
  receive(Silence::kRhythm - 1, milliseconds(20));
  EXPECT_FALSE(silence.due(kRtt));
  receive(100, milliseconds(251));
  EXPECT_FALSE(silence.due(kRtt));
  EXPECT_FALSE(silence.surprising(now));
}

TEST_F(SilenceTest, AnAnswerEndsTheWaitForAWord) {
  silence.data_sent(now);
  ASSERT_TRUE(silence.due(kRtt));
  silence.answered();
  EXPECT_FALSE(silence.due(kRtt));
  silence.data_sent(now);
  EXPECT_EQ(patience(), Silence::kLeast) << "an answer to what silence did not ask teaches nothing";
}

TEST_F(SilenceTest, AnotherPathBeginsAnew) {
  silence.data_sent(now);
  silence.moved();
  EXPECT_FALSE(silence.due(kRtt));
  silence.data_sent(now);
  EXPECT_EQ(patience(), Silence::kLeast);
}

TEST_F(SilenceTest, UseIsForgottenAfterTenSeconds) {
  silence.data_sent(now);
  EXPECT_TRUE(silence.active(now + milliseconds(9999)));
  EXPECT_FALSE(silence.active(now + seconds(10)));
}

}  // namespace
}  // namespace meshnode::discovery
