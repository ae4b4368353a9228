// What a person asks of a member: pings through the session, and what the other side believes.
#include <gtest/gtest.h>

#include "overlay/peer.h"
#include "support/pair.h"
#include "wire/control.h"
#include "wire/data_frame.h"
#include "wire/edges.h"

namespace meshnode::test {
namespace {

using overlay::Answered;
using overlay::AskFailure;
using overlay::PeerState;
using overlay::Question;
using overlay::Questions;

struct Asking : PairTest {
  Asking() : PairTest(23) {}

  template <typename E>
  static std::vector<E> told(const VirtualNode& node) {
    std::vector<E> out;
    for (const auto& event : node.events)
      if (const auto* e = std::get_if<E>(&event)) out.push_back(*e);
    return out;
  }
  // The answer to a question that alpha asks now.
  std::optional<Answered> ask(Question::Kind kind, const NodeId& member, std::uint64_t asker = 7) {
    alpha.core().ask(alpha.now(), kind, member, asker);
    lan.run_until([&] { return !told<Answered>(alpha).empty(); },
                  Questions::kLongest + milliseconds(100));
    const auto answers = told<Answered>(alpha);
    alpha.events.clear();
    return answers.size() == 1 ? std::optional(answers[0]) : std::nullopt;
  }
  std::optional<Answered> ping() { return ask(Question::Kind::ping, beta.id()); }
  std::optional<Answered> trace() { return ask(Question::Kind::trace, beta.id()); }
};

TEST_F(Asking, APingTellsRttAndPath) {
  connect();
  const auto answer = ping();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->failure, AskFailure::none);
  EXPECT_EQ(answer->question.asker, 7U);
  EXPECT_EQ(answer->question.member, beta.id());
  EXPECT_GE(answer->took, 2 * lan.latency);
  EXPECT_LE(answer->took, 3 * lan.latency);
  ASSERT_TRUE(answer->path);
  EXPECT_EQ(answer->path->remote, beta.endpoint());
  EXPECT_EQ(answer->path_kind, discovery::PathKind::lan);
}

TEST_F(Asking, APingWakesAnIdleEdgeAndTimesOnlyItself) {
  connect();
  lan.run_for(overlay::kKeyDeath + seconds(2));
  ASSERT_EQ(alpha.state_of(beta), PeerState::idle);
  const TimePoint begin = lan.time;
  const auto answer = ping();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->failure, AskFailure::none);
  EXPECT_LE(answer->took, 3 * lan.latency) << "the handshake does not count";
  EXPECT_GE(lan.time - begin, 4 * lan.latency) << "but there was one";
  EXPECT_EQ(alpha.state_of(beta), PeerState::connected);
}

TEST_F(Asking, WhoIsAwayIsNoAnswerThenNoPath) {
  connect();
  beta.kill();
  auto answer = ping();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->failure, AskFailure::no_answer);
  lan.run_for(minutes(5));
  answer = ping();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->failure, AskFailure::no_path);
}

TEST_F(Asking, PathWithoutKeysIsToldApart) {
  connect();
  lan.run_for(overlay::kKeyDeath + seconds(2));
  lan.filter = [](const Datagram& d) { return d.bytes[0] != 0x40; };
  const auto answer = ping();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->failure, AskFailure::no_keys);
}

TEST_F(Asking, WhoIsNotKnownCannotBeAsked) {
  connect();
  NodeId nobody;
  nobody.bytes.fill(9);
  const auto answer = ask(Question::Kind::ping, nobody);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->failure, AskFailure::no_room);
}

TEST_F(Asking, QuestionsAreBounded) {
  connect();
  lan.filter = [](const Datagram&) { return false; };
  for (std::size_t i = 0; i <= Questions::kMost; ++i)
    alpha.core().ask(alpha.now(), Question::Kind::ping, beta.id(), i);
  ASSERT_EQ(told<Answered>(alpha).size(), 1U);
  EXPECT_EQ(told<Answered>(alpha)[0].failure, AskFailure::no_room);
  EXPECT_EQ(told<Answered>(alpha)[0].question.asker, Questions::kMost);
  lan.run_for(Questions::kLongest);
  EXPECT_EQ(told<Answered>(alpha).size(), Questions::kMost + 1) << "each ends";
}

TEST_F(Asking, ATraceTellsTheOthersView) {
  connect();
  lan.run_for(seconds(1));
  const auto answer = trace();
  ASSERT_TRUE(answer);
  ASSERT_TRUE(answer->trace);
  const wire::Trace& view = *answer->trace;
  const auto own = beta.peer(alpha);
  EXPECT_EQ(view.remote, alpha.endpoint());
  EXPECT_EQ(view.local, beta.endpoint());
  EXPECT_EQ(view.kind, wire::Trace::PathKind::lan);
  EXPECT_EQ(view.cipher, static_cast<std::uint16_t>(*own->cipher));
  EXPECT_EQ(view.datagram, own->datagram);
  EXPECT_EQ(view.rtt_us, static_cast<std::uint32_t>(own->figures->rtt_average.count() / 1000));
  ASSERT_EQ(view.changes.size(), 1U);
  EXPECT_EQ(view.changes[0].cause, 0U);
  EXPECT_EQ(view.changes[0].to, alpha.endpoint());
  ASSERT_EQ(view.candidates.size(), 1U);
  EXPECT_EQ(view.candidates[0].state, wire::Trace::CandidateState::carries);
  EXPECT_GE(view.candidates[0].answers, 1U);
}

TEST_F(Asking, TracesAreRateLimitedByTheOtherSide) {
  connect();
  for (int i = 0; i < 30; ++i) alpha.core().ask(alpha.now(), Question::Kind::trace, beta.id(), 0);
  lan.run_for(seconds(1));
  EXPECT_EQ(told<Answered>(alpha).size(), 20U);
  EXPECT_EQ(beta.core().drops()[Drop::rate_limited], 10U);
}

TEST_F(Asking, EdgesAreTold) {
  VirtualNode& gamma = lan.add("gamma");
  connect();
  gamma.start();
  ASSERT_TRUE(lan.run_until(
      [&] {
        return beta.state_of(gamma) == PeerState::connected &&
               alpha.state_of(gamma) == PeerState::connected;
      },
      seconds(5)));
  lan.run_for(seconds(1));
  alpha.events.clear();
  const auto answer = ask(Question::Kind::edges, beta.id());
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->failure, AskFailure::none);
  EXPECT_TRUE(answer->complete);
  EXPECT_FALSE(answer->refused);
  const auto& edges = answer->question.edges;
  ASSERT_EQ(edges.size(), 2U);
  const auto& to_gamma = edges[0].id == gamma.id() ? edges[0] : edges[1];
  EXPECT_EQ(to_gamma.id, gamma.id());
  EXPECT_EQ(to_gamma.kind, wire::EdgeTo::PathKind::lan);
  EXPECT_EQ(to_gamma.rtt_us, static_cast<std::uint32_t>(beta.peer(gamma)->rtt->count() / 1000));
}

TEST_F(Asking, ManyEdgesComeInPages) {
  connect();
  for (std::size_t i = 0; i < wire::EdgePage::kMost + 8; ++i)
    lan.add("member-" + std::to_string(i)).start();
  const std::size_t all = wire::EdgePage::kMost + 9;
  ASSERT_TRUE(lan.run_until(
      [&] {
        std::size_t edges = 0;
        for (const auto& peer : beta.core().engine().snapshot(lan.time).peers)
          if (peer.path && peer.proven) ++edges;
        return edges == all;
      },
      seconds(60)));
  lan.run_for(seconds(1));
  alpha.events.clear();
  const auto answer = ask(Question::Kind::edges, beta.id());
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->complete);
  EXPECT_EQ(answer->question.edges.size(), all);
}

TEST_F(Asking, WhoDoesNotShareSaysThatAndNoMore) {
  NodeOptions options = lan.options_for("gamma");
  options.share_map = false;
  VirtualNode& gamma = lan.add(std::move(options));
  connect();
  gamma.start();
  ASSERT_TRUE(
      lan.run_until([&] { return alpha.state_of(gamma) == PeerState::connected; }, seconds(5)));
  lan.run_for(seconds(1));
  alpha.events.clear();
  const auto answer = ask(Question::Kind::edges, gamma.id());
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->failure, AskFailure::none);
  EXPECT_TRUE(answer->refused);
  EXPECT_TRUE(answer->question.edges.empty());
}

TEST_F(Asking, EdgesAreRateLimitedByTheOtherSide) {
  connect();
  for (int round = 0; round < 2; ++round)
    for (int i = 0; i < 30; ++i) alpha.core().ask(alpha.now(), Question::Kind::edges, beta.id(), 0);
  lan.run_for(milliseconds(1));
  EXPECT_LE(told<Answered>(alpha).size(), Questions::kMost + 28) << "more are never under way";
  lan.run_for(seconds(1));
  alpha.events.clear();
  for (int i = 0; i < 30; ++i) alpha.core().ask(alpha.now(), Question::Kind::edges, beta.id(), 0);
  lan.run_for(seconds(1));
  EXPECT_GT(beta.core().drops()[Drop::rate_limited], 0U);
  EXPECT_LT(told<Answered>(alpha).size(), 30U);
}

// Without an ask of ours: a number from our own sequence, or none.
TEST_F(Asking, UnaskedAnswersAreDropped) {
  connect();
  overlay::Core& core = alpha.core();
  const auto number = alpha.peer(beta)->number;
  for (const Bytes& text : {wire::encode_mtu_answer(Questions::kMark),
                            wire::encode_trace_answer({.number = Questions::kMark}),
                            wire::encode_edges_answer({.number = Questions::kMark})}) {
    const auto before = core.drops()[Drop::unsolicited];
    Bytes padded = text;
    padded.resize((padded.size() + 15) / 16 * 16);
    const_cast<overlay::Engine&>(core.engine())
        .handle_pump_event(
            alpha.now(),
            {.kind = dataplane::PumpEvent::Kind::control, .peer = number, .bytes = padded});
    EXPECT_EQ(core.drops()[Drop::unsolicited], before + 1);
  }
  EXPECT_TRUE(told<Answered>(alpha).empty());
}

TEST_F(Asking, ThePeerFiguresAreFilledIn) {
  connect();
  lan.run_for(minutes(1));
  const auto peer = alpha.peer(beta);
  ASSERT_TRUE(peer && peer->figures);
  EXPECT_GE(peer->figures->rtt_last, 2 * lan.latency);
  EXPECT_GT(peer->figures->asked, 0U);
  EXPECT_EQ(peer->figures->lost, 0U);
  EXPECT_GE(peer->figures->keep_alive, seconds(25));
  EXPECT_EQ(peer->path_changes, 1U);
  EXPECT_EQ(peer->handshakes, 1U);
  EXPECT_EQ(peer->cipher, crypto::Cipher::aes_256_gcm);
  const auto story = alpha.core().engine().story(lan.time, peer->number);
  ASSERT_TRUE(story);
  EXPECT_EQ(story->candidates.size(), 1U);
  EXPECT_EQ(story->changes.size(), 1U);
  EXPECT_FALSE(story->seeking);
}

TEST_F(Asking, WhoWatchesHearsOfPathsAndMembers) {
  alpha.start();
  alpha.core().set_watched(true);
  beta.start();
  ASSERT_TRUE(lan.run_until([&] { return connected(); }, seconds(5)));
  lan.run_for(seconds(2));
  ASSERT_EQ(told<overlay::PathChanged>(alpha).size(), 1U);
  EXPECT_EQ(told<overlay::PathChanged>(alpha)[0].change.to->remote, beta.endpoint());
  ASSERT_EQ(told<overlay::MemberHeard>(alpha).size(), 1U);
  EXPECT_EQ(told<overlay::MemberHeard>(alpha)[0].name, "beta");
  EXPECT_TRUE(told<overlay::PathChanged>(beta).empty()) << "nobody watches there";
  beta.stop_cleanly();
  lan.run_for(seconds(1));
  ASSERT_EQ(told<overlay::PathChanged>(alpha).size(), 2U);
  EXPECT_EQ(told<overlay::PathChanged>(alpha)[1].change.cause, discovery::PathCause::goodbye);
  EXPECT_FALSE(told<overlay::PathChanged>(alpha)[1].change.to);
  ASSERT_EQ(told<overlay::MemberLeft>(alpha).size(), 1U);
  EXPECT_EQ(told<overlay::MemberLeft>(alpha)[0].id, beta.id());
}

}  // namespace
}  // namespace meshnode::test
