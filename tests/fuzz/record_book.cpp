// A script of records for a book. Each step: what (low half) and by whom (bits 4, 5).
//
//   0  any bytes: length (2), the bytes                       (a stranger)
//   1  the member's record with a byte changed: at (2), xor   (a stranger)
//   2  any text, signed by the member: length (2), the text   (a member with a program of its own)
//   3  a record of the member's as it should be: sequence (1)
//   4  the member has proven its key
//   5  time passes: minutes (2)
#include "discovery/record_book.h"

#include <map>

#include "fuzz/fuzz.h"
#include "support/members.h"

namespace meshnode::fuzz {
namespace {

using discovery::RecordBook;
using discovery::RecordPtr;

constexpr std::size_t kKeyAt = 4;  // where the text holds the signing key
constexpr std::size_t kMembers = 4;
constexpr int kSteps = 64;

const test::Member& member(std::size_t number) {
  static const std::array<test::Member, kMembers> all{test::Member(0), test::Member(1),
                                                      test::Member(2), test::Member(3)};
  return all[number % kMembers];
}

const RecordPtr& honest(std::size_t number, std::uint8_t sequence) {
  static std::map<std::pair<std::size_t, std::uint8_t>, RecordPtr> made;
  RecordPtr& record = made[{number, sequence}];
  if (!record) record = member(number).sign(sequence);
  return record;
}

Bytes signed_text(const test::Member& by, Bytes text) {
  if (text.size() >= kKeyAt + by.key.size())
    std::copy(by.key.begin(), by.key.end(), text.begin() + kKeyAt);
  const Bytes statement = to_bytes(as_bytes("meshnode record v1")) + test::kNetworkId + text;
  return std::move(text) + crypto::real_suite().sign(by.seed, statement);
}

class Run {
 public:
  // `genuine`: whether the signature may hold.
  void offer(ByteView bytes, const test::Member& by, bool genuine) {
    const Bytes given = exact(bytes);
    std::map<NodeId, RecordPtr> before;
    book_.each(false, [&](const RecordPtr& record) { before[record->id] = record; });
    const auto verdict = book_.offer(now_, given);
    std::map<NodeId, RecordPtr> after;
    book_.each(false, [&](const RecordPtr& record) { after[record->id] = record; });
    if (const auto* accepted = std::get_if<RecordPtr>(&verdict)) {
      MESH_ASSERT(genuine && (*accepted)->id == by.id && (*accepted)->bytes == given);
      const auto old = before.find(by.id);
      MESH_ASSERT(old == before.end() ||
                  old->second->record.sequence < (*accepted)->record.sequence);
      before[by.id] = *accepted;
    } else {
      const auto refusal = std::get<RecordBook::Refusal>(verdict);
      MESH_ASSERT(!genuine || refusal != RecordBook::Refusal::bad_signature);
    }
    MESH_ASSERT(before == after);
  }
  void prove(const test::Member& who) {
    book_.prove(who.id);
    MESH_ASSERT(book_.proven(who.id));
    proven_[who.id] = true;
  }
  void pass(Duration time) {
    now_ += time;
    std::map<NodeId, RecordPtr> before;
    book_.each(true, [&](const RecordPtr& record) { before[record->id] = record; });
    book_.handle_timeout(now_);
    for (const auto& [id, record] : before) MESH_ASSERT(book_.find(id) == record);
    const auto next = book_.next_deadline();
    MESH_ASSERT(!next || *next > now_);
  }
  void check() const {
    MESH_ASSERT(book_.size() <= kMembers);
    MESH_ASSERT(book_.proven_members().size() == proven_.size());
  }

 private:
  RecordBook book_{test::kNetworkId, crypto::real_suite()};
  TimePoint now_{hours(1)};
  std::map<NodeId, bool> proven_;
};

}  // namespace

void one_input(ByteView input) {
  Script script(input);
  Run run;
  for (int step = 0; step < kSteps && !script.over(); ++step) {
    const std::uint8_t what = script.u8();
    const std::size_t number = what / 16 % kMembers;
    const test::Member& who = member(number);
    switch (what % 16 % 6) {
      case 0:
        run.offer(script.bytes(script.u16()), who, false);
        break;
      case 1: {
        Bytes bytes = honest(number, 200)->bytes;
        const std::size_t at = script.u16() % bytes.size();
        const std::uint8_t change = script.u8();
        bytes[at] ^= change;
        run.offer(bytes, who, change == 0);
        break;
      }
      case 2:
        run.offer(signed_text(who, to_bytes(script.bytes(script.u16()))), who, true);
        break;
      case 3:
        run.offer(honest(number, script.u8())->bytes, who, true);
        break;
      case 4:
        run.prove(who);
        break;
      default:
        run.pass(minutes(script.u16()));
    }
    run.check();
  }
}

}  // namespace meshnode::fuzz
