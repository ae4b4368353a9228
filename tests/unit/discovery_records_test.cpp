// Signed records, and the book that keeps the newest of each member.
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
  std::optional<Refusal> refused(const RecordPtr& record) {
    const auto verdict = book.offer(now, record->bytes);
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

TEST_F(Book, UnprovenOnesAreBoundedAndGoAfterADay) {
  for (std::uint64_t i = 0; i < RecordBook::kMaxUnproven; ++i) {
    now += milliseconds(5);
    ASSERT_EQ(refused(Member(i).sign(1)), std::nullopt) << i;
  }
  const Member late(5000);
  now += seconds(10);
  EXPECT_EQ(refused(late.sign(1)), Refusal::full);
  book.prove(Member(3).id);
  EXPECT_EQ(refused(late.sign(1)), std::nullopt) << "proving one makes room";
  now += RecordBook::kUnprovenLife + hours(2);
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

TEST_F(Book, OnlyProvenOnesArePassedOn) {
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
