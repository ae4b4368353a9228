// Signed records, and the book that keeps the newest of each member.
#include <set>
#include <utility>

#include <gtest/gtest.h>

#include "discovery/record_book.h"
#include "tests/support/counting_suite.h"
#include "tests/support/members.h"

namespace meshnode::discovery {
namespace {

using test::Member;
using Refusal = RecordBook::Refusal;

TEST(SignedRecord, OpensWithTheSameNetworkOnly) {
  const Member alpha(1);
  const RecordPtr made = alpha.sign(5);
  const RecordPtr opened = open_record(made->bytes, test::kNetworkId, crypto::real_suite());
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->id, alpha.id);
  EXPECT_EQ(opened->record, made->record);
  EXPECT_EQ(opened->bytes, made->bytes);
  EXPECT_FALSE(open_record(made->bytes, Bytes(32, 1), crypto::real_suite()));
}

TEST(SignedRecord, AnyChangedByteIsNoticed) {
  const RecordPtr made = Member(1).sign(5);
  for (std::size_t at = 0; at < made->bytes.size(); ++at) {
    Bytes changed = made->bytes;
    changed[at] ^= 0x01;
    EXPECT_FALSE(open_record(changed, test::kNetworkId, crypto::real_suite())) << at;
  }
}

class Book : public testing::Test {
 protected:
  std::optional<Refusal> refused(const RecordPtr& record) { return refused(record, kNoPeer); }
  std::optional<Refusal> refused(const RecordPtr& record, PeerNumber from) {
    const auto verdict = book.offer(now, record->bytes, from);
    const auto* refusal = std::get_if<Refusal>(&verdict);
    return refusal == nullptr ? std::nullopt : std::optional(*refusal);
  }

  test::CountingSuite suite;
  RecordBook book{test::kNetworkId, suite};
  TimePoint now{hours(100)};
};

TEST_F(Book, TheHigherSequenceIsTheNewerRecord) {
  const Member alpha(1);
  EXPECT_EQ(refused(alpha.sign(5)), std::nullopt);
  EXPECT_EQ(refused(alpha.sign(5)), Refusal::known);
  EXPECT_EQ(refused(alpha.sign(4)), Refusal::stale);
  EXPECT_EQ(refused(alpha.sign(6)), std::nullopt);
  EXPECT_EQ(book.find(alpha.id)->record.sequence, 6U);
}

TEST_F(Book, NoClockDecides) {
  const Member alpha(1);
  wire::Record old = alpha.record(9);
  old.issued = 0;
  EXPECT_EQ(refused(alpha.sign(5)), std::nullopt);
  EXPECT_EQ(refused(alpha.sign(old)), std::nullopt);
}

TEST_F(Book, WhatIsNotNewerCostsNoSignatureCheck) {
  const Member alpha(1);
  ASSERT_EQ(refused(alpha.sign(5)), std::nullopt);
  const auto before = suite.verifications;
  for (int i = 0; i < 100; ++i) refused(alpha.sign(5));
  EXPECT_EQ(suite.verifications, before);
}

TEST_F(Book, AForgeryChangesNothing) {
  const Member alpha(1);
  ASSERT_EQ(refused(alpha.sign(5)), std::nullopt);
  Bytes forged = alpha.sign(99)->bytes;
  forged.back() ^= 1;
  for (int i = 0; i < 20; ++i) {
    const auto verdict = book.offer(now, forged);
    EXPECT_EQ(std::get<Refusal>(verdict), Refusal::bad_signature);
  }
  EXPECT_EQ(book.find(alpha.id)->record.sequence, 5U);
  EXPECT_EQ(refused(alpha.sign(6)), std::nullopt) << "nor are its changes used up";
  EXPECT_EQ(std::get<Refusal>(book.offer(now, Bytes(10))), Refusal::malformed);
}

TEST_F(Book, AMemberChangesInMeasure) {
  const Member alpha(1);
  std::uint64_t sequence = 0;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(refused(alpha.sign(++sequence)), std::nullopt);
  EXPECT_EQ(refused(alpha.sign(++sequence)), Refusal::too_fast);
  EXPECT_EQ(refused(Member(2).sign(1)), std::nullopt) << "others may";
  now += seconds(11);
  EXPECT_EQ(refused(alpha.sign(sequence)), std::nullopt) << "and it may, later";
  EXPECT_EQ(refused(alpha.sign(++sequence)), Refusal::too_fast);
}

TEST_F(Book, SignatureChecksAreBounded) {
  Bytes forged = Member(1).sign(5)->bytes;
  forged.back() ^= 1;
  for (int i = 0; i < 5000; ++i) (void)book.offer(now, forged);
  EXPECT_LE(suite.verifications, static_cast<std::uint64_t>(RecordBook::kChecksBurst));
  now += seconds(2);
  EXPECT_EQ(refused(Member(1).sign(5)), std::nullopt);
}

TEST_F(Book, ThoseHeardOfAreBoundedAndGoAfterADay) {
  for (std::uint64_t i = 0; i < RecordBook::kMaxHeard; ++i) {
    now += milliseconds(5);
    ASSERT_EQ(refused(Member(i).sign(1)), std::nullopt) << i;
  }
  const Member late(5000);
  now += seconds(10);
  EXPECT_EQ(refused(late.sign(1)), Refusal::full);
  book.prove(Member(3).id);
  EXPECT_EQ(refused(late.sign(1)), std::nullopt) << "proving one makes room";
  now += RecordBook::kHeardLife + hours(2);
  book.handle_timeout(now);
  EXPECT_EQ(book.size(), 1U) << "only the proven one is left";
  EXPECT_TRUE(book.find(Member(3).id));
}

TEST_F(Book, ProvenBeforeTheRecordComes) {
  const Member alpha(1);
  book.prove(alpha.id);
  EXPECT_TRUE(book.proven(alpha.id));
  EXPECT_FALSE(book.find(alpha.id));
  EXPECT_EQ(refused(alpha.sign(1)), std::nullopt);
  EXPECT_TRUE(book.proven(alpha.id));
  EXPECT_EQ(book.proven_members(), std::vector{alpha.id});
}

TEST_F(Book, EachCanLeaveOutWhoHasNotProvenItself) {
  ASSERT_EQ(refused(Member(1).sign(1)), std::nullopt);
  ASSERT_EQ(refused(Member(2).sign(1)), std::nullopt);
  book.prove(Member(2).id);
  std::vector<NodeId> seen;
  book.each(true, [&](const RecordPtr& record) { seen.push_back(record->id); });
  EXPECT_EQ(seen, std::vector{Member(2).id});
  int all = 0;
  book.each(false, [&](const RecordPtr&) { ++all; });
  EXPECT_EQ(all, 2);
}

constexpr PeerNumber kA{1};
constexpr PeerNumber kB{2};

TEST_F(Book, TwoNeighboursVouchForAMember) {
  const Member alpha(1);
  ASSERT_EQ(refused(alpha.sign(5), kA), std::nullopt);
  EXPECT_FALSE(book.stands_by(alpha.id));
  EXPECT_EQ(refused(alpha.sign(5), kA), Refusal::known);
  EXPECT_FALSE(book.stands_by(alpha.id)) << "the same one twice does not";
  EXPECT_EQ(refused(alpha.sign(5)), Refusal::known);
  EXPECT_FALSE(book.stands_by(alpha.id)) << "nor does the DHT";
  EXPECT_TRUE(book.take_news(now).empty());
  EXPECT_EQ(refused(alpha.sign(5), kB), Refusal::known);
  EXPECT_TRUE(book.stands_by(alpha.id));
  const auto news = book.take_news(now);
  ASSERT_EQ(news.size(), 1U);
  EXPECT_EQ(news[0].record, book.find(alpha.id));
  EXPECT_TRUE(news[0].first);
  EXPECT_EQ(news[0].first_from, kA);
  EXPECT_EQ(news[0].from, kB) << "both know it already";
  EXPECT_FALSE(book.proven(alpha.id));
}

TEST_F(Book, ANameInADigestVouchesToo) {
  const Member alpha(1);
  book.vouch(alpha.id, kA);
  ASSERT_EQ(refused(alpha.sign(5)), std::nullopt);
  book.vouch(alpha.id, kA);
  EXPECT_FALSE(book.stands_by(alpha.id)) << "before its record came it counted for nothing";
  book.vouch(alpha.id, kB);
  EXPECT_TRUE(book.stands_by(alpha.id));
}

TEST_F(Book, EachRecordIsNewsOnce) {
  const Member alpha(1);
  book.prove(alpha.id);
  ASSERT_EQ(refused(alpha.sign(5), kA), std::nullopt);
  EXPECT_EQ(book.take_news(now).size(), 1U);
  refused(alpha.sign(5), kB);
  book.prove(alpha.id);
  EXPECT_TRUE(book.take_news(now).empty());
  ASSERT_EQ(refused(alpha.sign(6), kB), std::nullopt);
  const auto news = book.take_news(now);
  ASSERT_EQ(news.size(), 1U);
  EXPECT_EQ(news[0].from, kB);
  EXPECT_FALSE(news[0].first);
}

TEST_F(Book, AVouchedOneThatProvesItselfIsNoNews) {
  const Member alpha(1);
  refused(alpha.sign(5), kA);
  refused(alpha.sign(5), kB);
  ASSERT_EQ(book.take_news(now).size(), 1U);
  book.prove(alpha.id);
  EXPECT_TRUE(book.take_news(now).empty());
  EXPECT_TRUE(book.proven(alpha.id));
}

TEST_F(Book, VouchedOnesAreHandedOutInMeasureProvenOnesAtOnce) {
  constexpr std::uint64_t kMany = 400;
  for (std::uint64_t i = 0; i < kMany; ++i) {
    ASSERT_EQ(refused(Member(i).sign(1), kA), std::nullopt);
    refused(Member(i).sign(1), kB);
  }
  std::size_t news = book.take_news(now).size();
  EXPECT_EQ(news, static_cast<std::size_t>(RecordBook::kAdmissionsBurst));
  EXPECT_TRUE(book.hands_out(now, Member(0).id, kA));
  EXPECT_FALSE(book.hands_out(now, Member(kMany - 1).id, kA));
  EXPECT_TRUE(book.stands_by(Member(kMany - 1).id)) << "but it is named";
  book.prove(Member(kMany - 1).id);
  EXPECT_TRUE(book.hands_out(now, Member(kMany - 1).id, kA));
  EXPECT_EQ(book.take_news(now).size(), 1U);
  const TimePoint start = now;
  while (news < kMany - 1 && now < start + minutes(1)) {
    now = *book.next_deadline();
    book.handle_timeout(now);
    news += book.take_news(now).size();
  }
  EXPECT_EQ(news, kMany - 1);
  EXPECT_NEAR(std::chrono::duration<double>(now - start).count(), 20, 1);
}

TEST_F(Book, NamedAreThoseWeStandByAndWhatTheNeighbourTold) {
  refused(Member(1).sign(1), kA);
  refused(Member(2).sign(1), kB);
  refused(Member(3).sign(1), kA);
  refused(Member(3).sign(1), kB);
  refused(Member(4).sign(1));
  book.prove(Member(5).id);
  refused(Member(5).sign(1));
  const auto named = [&](PeerNumber to) {
    std::set<NodeId> out;
    book.each_named(to, 0, ~wire::ShortId{0}, [&](const RecordPtr& r) { out.insert(r->id); });
    return out;
  };
  EXPECT_EQ(named(kA), (std::set{Member(1).id, Member(3).id, Member(5).id}));
  EXPECT_EQ(named(kB), (std::set{Member(2).id, Member(3).id, Member(5).id}));
  const wire::ShortId one = wire::short_id(Member(5).id);
  std::size_t in_range = 0;
  book.each_named(kA, one, one, [&](const RecordPtr&) { ++in_range; });
  EXPECT_EQ(in_range, 1U) << "both ends belong to the range";
  book.each_named(kA, 1, 0, [&](const RecordPtr&) { FAIL(); });
}

TEST_F(Book, ARecordIsFoundByTheFrontOfItsId) {
  for (std::uint64_t i = 0; i < 50; ++i) ASSERT_EQ(refused(Member(i).sign(1)), std::nullopt);
  for (std::uint64_t i = 0; i < 50; ++i) {
    const wire::ShortId id = wire::short_id(Member(i).id);
    EXPECT_EQ(book.find_short(id), book.find(Member(i).id));
    EXPECT_FALSE(book.find_short(id + 1));
    EXPECT_FALSE(book.find_short(id - 1));
  }
}

TEST_F(Book, TheMembersVersionTellsOfComingAndGoing) {
  const Member alpha(1);
  auto seen = book.members_version();
  const auto changed = [&] { return std::exchange(seen, book.members_version()) != seen; };
  refused(alpha.sign(5));
  EXPECT_TRUE(changed());
  refused(alpha.sign(6));
  book.vouch(alpha.id, kA);
  EXPECT_FALSE(changed()) << "the same members";
  book.say_gone(alpha.id, {1}, 9);
  EXPECT_TRUE(changed());
  refused(alpha.sign(10));
  EXPECT_TRUE(changed()) << "back";
  now += RecordBook::kHeardLife + hours(2);
  book.handle_timeout(now);
  EXPECT_TRUE(changed()) << "forgotten";
  EXPECT_EQ(book.size(), 0U);
}

TEST_F(Book, OnlyTheLastWordCountsForWhoIsGone) {
  const Member alpha(1);
  EXPECT_FALSE(book.say_gone(alpha.id, {1}, 9)) << "nobody that we know";
  refused(alpha.sign(5));
  EXPECT_FALSE(book.say_gone(alpha.id, {1}, 4)) << "older than its record";
  EXPECT_FALSE(book.gone(alpha.id));
  EXPECT_TRUE(book.say_gone(alpha.id, {1}, 9));
  EXPECT_FALSE(book.say_gone(alpha.id, {1}, 9));
  EXPECT_TRUE(book.gone(alpha.id));
  refused(alpha.sign(7));
  EXPECT_TRUE(book.gone(alpha.id)) << "of the same start, and older";
  refused(alpha.sign(10));
  EXPECT_FALSE(book.gone(alpha.id));
}

// Each with the lowest cost of a signature: what is counted here is places.
TEST_F(Book, AProvenOneTakesThePlaceOfTheLowestStanding) {
  const auto fill = [&](std::uint64_t first, std::uint64_t count, bool vouched) {
    for (std::uint64_t i = first; i < first + count; ++i) {
      now += milliseconds(3);
      ASSERT_EQ(refused(Member(i).sign(1), kA), std::nullopt) << i;
      if (vouched) book.vouch(Member(i).id, kB);
    }
  };
  fill(0, RecordBook::kMaxVouched, true);
  fill(10'000, RecordBook::kMaxHeard, false);
  EXPECT_EQ(book.size(), RecordBook::kMaxRecords);
  book.vouch(Member(10'005).id, kB);
  EXPECT_FALSE(book.stands_by(Member(10'005).id)) << "no more vouched ones";
  EXPECT_EQ(refused(Member(20'000).sign(1)), Refusal::full);
  for (std::uint64_t i = 0; i < RecordBook::kMaxHeard; ++i) book.prove(Member(30'000 + i).id);
  EXPECT_EQ(book.size(), RecordBook::kMaxRecords);
  EXPECT_FALSE(book.find(Member(10'000).id)) << "those heard of went first";
  EXPECT_TRUE(book.find(Member(0).id));
  book.prove(Member(40'000).id);
  EXPECT_FALSE(book.find(Member(0).id)) << "then the vouched one that was silent longest";
  EXPECT_TRUE(book.find(Member(1).id));
  for (std::uint64_t i = 0; i < RecordBook::kMaxRecords; ++i) book.prove(Member(50'000 + i).id);
  EXPECT_TRUE(book.proven(Member(30'000).id)) << "proven ones never go";
  EXPECT_EQ(book.size(), RecordBook::kMaxRecords);
}

TEST(RecordPool, TheSameBytesAreTheSameObjectAndVerifiedOnce) {
  test::CountingSuite suite;
  const auto pool = std::make_shared<RecordPool>(test::kNetworkId, suite);
  RecordBook first(test::kNetworkId, suite, pool);
  RecordBook second(test::kNetworkId, suite, pool);
  const Member alpha(1);
  const RecordPtr record = alpha.sign(5);
  const TimePoint now{hours(1)};
  (void)first.offer(now, record->bytes);
  (void)second.offer(now, record->bytes);
  EXPECT_TRUE(first.find(alpha.id));
  EXPECT_EQ(first.find(alpha.id), second.find(alpha.id));
  EXPECT_EQ(suite.verifications, 1U);
  Bytes forged = record->bytes;
  forged.back() ^= 1;
  EXPECT_FALSE(pool->open(forged));
  EXPECT_EQ(suite.verifications, 2U);
}

TEST(RecordPool, WhatNobodyHoldsIsForgotten) {
  auto pool = std::make_unique<RecordPool>(test::kNetworkId, crypto::real_suite());
  const RecordPtr made = Member(1).sign(5);
  RecordPtr held = pool->open(made->bytes);
  EXPECT_EQ(pool->size(), 1U);
  EXPECT_EQ(pool->find(made->bytes), held);
  held.reset();
  EXPECT_EQ(pool->size(), 0U);
  EXPECT_FALSE(pool->find(made->bytes));
  held = pool->open(made->bytes);
  pool.reset();
  EXPECT_EQ(held->bytes, made->bytes) << "a record outlives its pool";
}

TEST_F(Book, ADeadlineIsAPromise) {
  EXPECT_EQ(book.next_deadline(), std::nullopt);
  ASSERT_EQ(refused(Member(1).sign(1)), std::nullopt);
  for (int i = 0; i < 30 && book.next_deadline(); ++i) {
    now = std::max(now, *book.next_deadline());
    book.handle_timeout(now);
    if (book.next_deadline()) {
      ASSERT_GT(*book.next_deadline(), now);
    }
  }
  EXPECT_EQ(book.size(), 0U);
}

}  // namespace
}  // namespace meshnode::discovery
