// A datagram to the DNS responder.
#include "fuzz/fuzz.h"
#include "names/label.h"
#include "names/question.h"
#include "names/responder.h"

namespace meshnode::fuzz {
namespace {

names::Member member(std::uint8_t number, const char* name) {
  Block<16> raw{0xfd, 0x12, 0x34, 0x56, 0x78, 0x9a, 0, number};
  names::Member out{{}, name, {IpAddress::v6(raw), IpAddress::v4({10, 77, 0, number})}, false};
  out.id.bytes[0] = number;
  return out;
}

const names::Table kTable({member(1, "beta"), member(2, "twice"), member(3, "Twice")});
const Cidr kPrefix{IpAddress::v6({0xfd, 0x12, 0x34, 0x56, 0x78, 0x9a}), 48};

}  // namespace

void one_input(ByteView input) {
  const Bytes copy = exact(input);
  const auto out = names::answer(kTable, kPrefix, copy);
  const bool query = input.size() >= names::kDnsHeader && (input[2] & 0x80) == 0;
  MESH_ASSERT(out.has_value() == query);
  MESH_ASSERT(names::label_of(as_text(input)).empty() ||
              names::is_label(names::label_of(as_text(input))));
  if (!out) return;
  MESH_ASSERT(out->size() <= names::kMaxAnswer && same(ByteView(*out).first(2), input.first(2)));
  MESH_ASSERT(((*out)[2] & 0x80) != 0 && ((*out)[2] & 0x02) == 0 && ((*out)[3] & 0xf0) == 0);
  // An answer is never answered: two responders cannot talk to each other for ever.
  MESH_ASSERT(!names::answer(kTable, kPrefix, *out));
  const auto question = names::parse_question(copy);
  MESH_ASSERT(question.has_value());
  // What is asked stands in the answer as it was asked.
  MESH_ASSERT(
      same(ByteView(*out).subspan(names::kDnsHeader).first(question->wire.size()), question->wire));
}

}  // namespace meshnode::fuzz
