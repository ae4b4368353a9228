// One body of an introduction, to its target and to a member on the way. Bytes that nobody signed
// lead nowhere; what is passed on is what came in, one hop poorer.
#include "discovery/introductions.h"

#include "fuzz/fuzz.h"
#include "support/members.h"

namespace meshnode::fuzz {
namespace {

using discovery::Introductions;

const test::Member& asking() {
  static const test::Member member{1};
  return member;
}
const test::Member& target() {
  static const test::Member member{2};
  return member;
}
const test::Member& between() {
  static const test::Member member{3};
  return member;
}

// What was really asked; mutations of the corpus leave it or change it.
const Bytes& genuine() {
  static const Bytes body =
      Introductions(asking().id, test::kNetworkId, crypto::real_suite())
          .ask(target().id, *asking().sign(1), asking().seed, 7);
  return body;
}

// But for the hops, which nobody signs.
bool is_genuine(ByteView body) {
  return body.size() == genuine().size() && same(body.subspan(1), ByteView(genuine()).subspan(1));
}

void at(const test::Member& member, ByteView body) {
  Introductions machine(member.id, test::kNetworkId, crypto::real_suite());
  const auto taken = machine.take(TimePoint{hours(1)}, PeerNumber{1}, exact(body));
  if (std::holds_alternative<Drop>(taken)) return;
  MESH_ASSERT(is_genuine(body));
  if (const auto* ours = std::get_if<Introductions::ForUs>(&taken)) {
    MESH_ASSERT(member.id == target().id && ours->origin == asking().id);
    return;
  }
  const auto& onward = std::get<Introductions::PassOn>(taken);
  MESH_ASSERT(onward.target == target().id && is_genuine(onward.body));
  MESH_ASSERT(onward.hops + 1 == body[0] && onward.body[0] == onward.hops);
}

}  // namespace

void one_input(ByteView input) {
  at(target(), input);
  at(between(), input);
  // The genuine one with as many of its bytes replaced as the input has.
  Script script(input);
  Bytes changed = genuine();
  for (int i = 0; i < 8 && !script.over(); ++i) {
    const std::size_t where = script.u16() % changed.size();
    changed[where] = script.u8();
  }
  at(target(), changed);
  at(between(), changed);
}

}  // namespace meshnode::fuzz
