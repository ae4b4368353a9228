#include <gtest/gtest.h>

#include "discovery/own_record.h"
#include "tests/support/members.h"

namespace meshnode::discovery {
namespace {

using Met = OwnRecord::Met;

class Own : public testing::Test {
 protected:
  OwnRecord make(std::uint8_t boot) const {
    return OwnRecord({.seed = self.seed,
                      .static_key = self.static_key,
                      .boot = BootId{boot},
                      .network_id = test::kNetworkId},
                     crypto::real_suite());
  }
  OwnRecord::Content content(const std::string& name) const {
    OwnRecord::Content out;
    out.name = name;
    return out;
  }
  RecordPtr other_start(std::uint64_t sequence) const {
    wire::Record record = self.record(sequence);
    record.boot = BootId{9};
    return self.sign(record);
  }
  std::uint64_t next() { return ++number; }
  OwnRecord::NextNumber numbers() {
    return [this] { return next(); };
  }

  test::Member self{1};
  std::uint64_t number = 1000;
  Now now{TimePoint(hours(1)), UnixTime{1'760'000'000'000}};
};

TEST_F(Own, IsMadeAnewWhenTheContentChanges) {
  OwnRecord own = make(1);
  EXPECT_FALSE(own.current());
  EXPECT_TRUE(own.update(now, content("a"), numbers()));
  const RecordPtr first = own.current();
  EXPECT_FALSE(own.update(now, content("a"), numbers()));
  EXPECT_EQ(own.current(), first);
  EXPECT_TRUE(own.update(now, content("b"), numbers()));
  EXPECT_GT(own.current()->record.sequence, first->record.sequence);
  EXPECT_EQ(own.current()->record.name, "b");
  EXPECT_TRUE(open_record(own.current()->bytes, test::kNetworkId, crypto::real_suite()));
}

TEST_F(Own, AClockBeforeItsTimeMakesNoDifference) {
  OwnRecord own = make(1);
  ASSERT_TRUE(own.update(now, content("a"), numbers()));
  const auto before = own.current()->record.sequence;
  now.unix.ms = -5;
  ASSERT_TRUE(own.update(now, content("b"), numbers()));
  EXPECT_GT(own.current()->record.sequence, before);
  EXPECT_EQ(own.current()->record.issued, 0U);
}

TEST_F(Own, JumpsAboveWhatItMeets) {
  OwnRecord own = make(1);
  ASSERT_TRUE(own.update(now, content("a"), numbers()));
  EXPECT_EQ(own.met(now, *other_start(7), numbers()), Met::nothing) << "an older start";
  EXPECT_EQ(own.met(now, *own.current(), numbers()), Met::nothing) << "ourselves";
  EXPECT_EQ(own.met(now, *other_start(50'000), numbers()), Met::outbid);
  EXPECT_GT(own.current()->record.sequence, 50'000U);
  EXPECT_EQ(own.current()->record.name, "a");
  ASSERT_TRUE(own.update(now, content("b"), numbers()));
  EXPECT_GT(own.current()->record.sequence, 50'001U) << "and stays above";
}

TEST_F(Own, MetBeforeTheFirstOneCounts) {
  OwnRecord own = make(1);
  EXPECT_EQ(own.met(now, *other_start(50'000), numbers()), Met::nothing);
  ASSERT_TRUE(own.update(now, content("a"), numbers()));
  EXPECT_GT(own.current()->record.sequence, 50'000U);
}

TEST_F(Own, TwoMachinesAreNoticedAndDoNotSignInACircle) {
  OwnRecord one = make(1);
  OwnRecord two = make(2);
  ASSERT_TRUE(one.update(now, content("a"), numbers()));
  ASSERT_TRUE(two.update(now, content("a"), numbers()));
  std::uint64_t signatures = 0;
  bool twin = false;
  for (int i = 0; i < 600; ++i) {  // a minute, all heard at once
    for (auto* each : {&one, &two}) {
      OwnRecord& other = each == &one ? two : one;
      const RecordPtr before = each->current();
      twin = each->met(now, *other.current(), numbers()) == Met::twin || twin;
      each->handle_timeout(now, numbers());
      if (each->current() != before) ++signatures;
    }
    now.mono += milliseconds(100);
  }
  EXPECT_TRUE(twin);
  EXPECT_LE(signatures, 2U * (60 / 5 + 1));
}

// Others pass on nothing that has a number which they know: two records with one number would each
// be all that its half of the network ever hears of.
TEST_F(Own, TwoMachinesThatOutbidEachOtherAtOnceDoNotMeetInOneNumber) {
  OwnRecord one = make(1);
  OwnRecord other = make(2);
  ASSERT_TRUE(one.update(now, content("one"), numbers()));
  number = 1000;  // a copied state gives the same numbers
  ASSERT_TRUE(other.update(now, content("other"), numbers()));
  const auto of = [](const OwnRecord& own) { return own.current()->record.sequence; };
  ASSERT_EQ(of(one), of(other));
  // Each hears of the other's, and of what it learns about its NAT, at the same moment.
  const RecordPtr from_one = one.current();
  const RecordPtr from_other = other.current();
  number = 1000;
  EXPECT_NE(one.met(now, *from_other, numbers()), Met::nothing);
  number = 1000;
  EXPECT_NE(other.met(now, *from_one, numbers()), Met::nothing);
  EXPECT_NE(of(one), of(other));
  OwnRecord& behind = of(one) < of(other) ? one : other;
  const OwnRecord& ahead = of(one) < of(other) ? other : one;
  now.mono += OwnRecord::kJumpPause;
  EXPECT_NE(behind.met(now, *ahead.current(), numbers()), Met::nothing);
  ASSERT_TRUE(const_cast<OwnRecord&>(ahead).update(now, content("NAT"), numbers()));
  EXPECT_NE(of(one), of(other));
}

TEST_F(Own, ARestoredStateIsNoTwin) {
  OwnRecord own = make(1);
  ASSERT_TRUE(own.update(now, content("a"), numbers()));
  EXPECT_EQ(own.met(now, *other_start(50'000), numbers()), Met::outbid);
  now.mono += minutes(11);
  EXPECT_EQ(own.met(now, *other_start(60'000), numbers()), Met::outbid);
  now.mono += minutes(11);
  EXPECT_EQ(own.met(now, *other_start(70'000), numbers()), Met::outbid) << "not within 10 min";
}

TEST_F(Own, TheTopOfTheNumbersIsNotFollowed) {
  OwnRecord own = make(1);
  ASSERT_TRUE(own.update(now, content("a"), numbers()));
  EXPECT_EQ(own.met(now, *other_start(~std::uint64_t{0}), numbers()), Met::nothing);
  ASSERT_TRUE(own.update(now, content("b"), numbers()));
  EXPECT_LT(own.current()->record.sequence, 2000U);
}

}  // namespace
}  // namespace meshnode::discovery
