#include "fuzz/fuzz.h"
#include "wire/control.h"
#include "wire/edges.h"
#include "wire/trace.h"

namespace meshnode::fuzz {

void one_input(ByteView input) {
  const auto control = wire::parse_control(input);
  if (!control) return;
  Bytes expected = wire::encode_control(*control);
  MESH_ASSERT(input.size() - expected.size() < 16);
  expected.resize(input.size());
  MESH_ASSERT(same(expected, input));
  // What was once read is written and read again without a change.
  if (const auto ask = wire::parse_edges_ask(control->body)) {
    const Bytes again = wire::encode_edges_ask(*ask);
    MESH_ASSERT(wire::parse_edges_ask(wire::parse_control(again)->body) == ask);
  }
  if (const auto page = wire::parse_edges_answer(control->body)) {
    MESH_ASSERT(page->edges.size() <= wire::EdgePage::kMost &&
                (!page->more || !page->edges.empty()));
    const Bytes again = wire::encode_edges_answer(*page);
    MESH_ASSERT(wire::parse_edges_answer(wire::parse_control(again)->body) == page);
  }
  const auto trace = wire::parse_trace_answer(control->body);
  if (!trace) return;
  const Bytes written = wire::encode_trace_answer(*trace);
  MESH_ASSERT(wire::parse_trace_answer(wire::parse_control(written)->body) == trace);
}

}  // namespace meshnode::fuzz
