// overlay/questions: what waits for an edge or an answer, and how it ends.
#include <set>

#include <gtest/gtest.h>

#include "overlay/questions.h"

namespace meshnode::overlay {
namespace {

constexpr TimePoint kStart{hours(1)};
constexpr PeerNumber kBeta{1};
constexpr PeerNumber kGamma{2};

struct Waiting : ::testing::Test {
  Questions questions;

  bool ask(PeerNumber peer, Question::Kind kind = Question::Kind::ping, std::uint64_t asker = 0) {
    return questions.add({.kind = kind, .asker = asker, .peer = peer, .asked = kStart});
  }
};

TEST_F(Waiting, OnlyWhoWasAskedAnswersWhatItWasAsked) {
  ask(kBeta);
  const auto sent = questions.to_send(kStart, kBeta);
  ASSERT_EQ(sent.size(), 1U);
  const std::uint32_t number = sent[0].number;
  EXPECT_NE(number & Questions::kMark, 0U);
  EXPECT_FALSE(questions.answered(kGamma, Question::Kind::ping, number));
  EXPECT_FALSE(questions.answered(kBeta, Question::Kind::trace, number));
  EXPECT_FALSE(questions.answered(kBeta, Question::Kind::ping, number + 1));
  EXPECT_TRUE(questions.answered(kBeta, Question::Kind::ping, number));
  EXPECT_FALSE(questions.answered(kBeta, Question::Kind::ping, number)) << "once";
}

TEST_F(Waiting, WhatWasNotSentHasNoAnswer) {
  ask(kBeta);
  EXPECT_FALSE(questions.answered(kBeta, Question::Kind::ping, Questions::kMark));
}

TEST_F(Waiting, EachIsSentOnceAndToItsPeer) {
  ask(kBeta);
  ask(kGamma);
  EXPECT_EQ(questions.to_send(kStart, kBeta).size(), 1U);
  EXPECT_TRUE(questions.to_send(kStart, kBeta).empty());
  EXPECT_EQ(questions.to_send(kStart, kGamma).size(), 1U);
}

TEST_F(Waiting, TimeIsForTheEdgeAndThenForTheAnswer) {
  ask(kBeta);
  EXPECT_EQ(questions.next_deadline(), kStart + Questions::kForEdge);
  EXPECT_FALSE(questions.expired(kStart + Questions::kForEdge - milliseconds(1)));
  const TimePoint late = kStart + Questions::kForEdge - milliseconds(1);
  questions.to_send(late, kBeta);
  EXPECT_EQ(questions.next_deadline(), late + Questions::kForAnswer);
  EXPECT_FALSE(questions.expired(kStart + Questions::kForEdge));
  EXPECT_TRUE(questions.expired(late + Questions::kForAnswer));
  EXPECT_FALSE(questions.expired(late + hours(1))) << "once";
  EXPECT_FALSE(questions.next_deadline());
}

TEST_F(Waiting, PagesGoOnWithinTheTimeOfOneQuestion) {
  ask(kBeta, Question::Kind::edges);
  TimePoint now = kStart;
  std::uint32_t number = questions.to_send(now, kBeta)[0].number;
  for (std::uint8_t i = 1;; ++i) {
    now += milliseconds(1500);
    auto question = questions.answered(kBeta, Question::Kind::edges, number);
    ASSERT_TRUE(question);
    question->edges.push_back({});
    question->edges.back().id.bytes.fill(i);
    const auto next = questions.next_page(now, *question);
    if (!next) break;
    EXPECT_NE(next->number, number);
    EXPECT_EQ(next->edges.size(), i);
    number = next->number;
    EXPECT_LE(*questions.next_deadline(), kStart + Questions::kLongest);
  }
  EXPECT_GE(now, kStart + Questions::kForEdge);
  EXPECT_FALSE(questions.next_deadline()) << "nothing is left";
  Question full{.kind = Question::Kind::edges, .asked = kStart};
  full.edges.resize(Questions::kMostEdges + 1);
  EXPECT_FALSE(questions.next_page(kStart, full)) << "nobody makes us ask for ever";
}

TEST_F(Waiting, NumbersDifferAndThereIsAnEndToThem) {
  std::size_t taken = 0;
  while (ask(kBeta)) ++taken;
  EXPECT_EQ(taken, Questions::kMost);
  std::set<std::uint32_t> numbers;
  for (const Question& question : questions.to_send(kStart, kBeta)) numbers.insert(question.number);
  EXPECT_EQ(numbers.size(), Questions::kMost);
}

}  // namespace
}  // namespace meshnode::overlay
