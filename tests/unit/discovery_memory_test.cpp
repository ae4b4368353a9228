// What a known member costs: each allocation of this program is counted.
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>
#include <malloc.h>

#include "discovery/record_book.h"
#include "tests/support/members.h"

namespace {

std::size_t held = 0;  // bytes, as the allocator rounds them

void* counted(std::size_t size) {
  void* out = std::malloc(size);
  if (out == nullptr) std::abort();
  held += malloc_usable_size(out);
  return out;
}

void let_go(void* block) {
  held -= malloc_usable_size(block);
  std::free(block);
}

}  // namespace

void* operator new(std::size_t size) {
  return counted(size);
}
void operator delete(void* block) noexcept {
  let_go(block);
}
void operator delete(void* block, std::size_t) noexcept {
  let_go(block);
}

namespace meshnode::discovery {
namespace {

constexpr std::size_t kMembers = 4000;

std::vector<Bytes> usual_records() {
  std::vector<Bytes> out;
  for (std::size_t i = 0; i < kMembers; ++i) {
    const test::Member member(i);
    wire::Record record = member.record(1);
    for (const char* endpoint : {"198.51.100.7:40000", "10.1.2.3:40000", "[2001:db8::7]:40000"})
      record.candidates.push_back({wire::CandidateKind::host, 200, 0, *Endpoint::parse(endpoint)});
    record.name = "a-name-of-some-length";
    record.claims = {IpAddress::v4({10, 77, 1, 2})};
    out.push_back(member.sign(record)->bytes);
  }
  return out;
}

void fill(RecordBook& book, const std::vector<Bytes>& records) {
  TimePoint now{hours(1)};
  for (const Bytes& record : records) {
    now += milliseconds(5);
    (void)book.offer(now, record, PeerNumber{1});
    (void)book.offer(now, record, PeerNumber{2});
    (void)book.take_news(now);
  }
  now += minutes(10);
  book.handle_timeout(now);
  (void)book.take_news(now);
  ASSERT_EQ(book.size(), kMembers);
}

TEST(MemoryOfABook, AKnownMemberCostsAtMost128BytesNextToItsRecord) {
  const std::vector<Bytes> records = usual_records();
  const auto pool = std::make_shared<RecordPool>(test::kNetworkId, crypto::real_suite());
  RecordBook first(test::kNetworkId, crypto::real_suite(), pool);
  std::size_t before = held;
  fill(first, records);
  const std::size_t with_record = (held - before) / kMembers;

  RecordBook second(test::kNetworkId, crypto::real_suite(), pool);
  before = held;
  fill(second, records);
  const std::size_t entry = (held - before) / kMembers;
  EXPECT_LE(entry, 128U);
  EXPECT_GE(entry, sizeof(RecordPtr) + sizeof(NodeId)) << "or nothing was counted";
  EXPECT_LE(with_record - entry, 1024U) << "the interned record";
  RecordProperty("bytes_per_member", static_cast<int>(entry));
  RecordProperty("bytes_per_interned_record", static_cast<int>(with_record - entry));
  RecordProperty("bytes_of_the_record", static_cast<int>(records[0].size()));
}

}  // namespace
}  // namespace meshnode::discovery
