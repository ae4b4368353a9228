#include "fuzz/fuzz.h"
#include "wire/control.h"
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
  const auto trace = wire::parse_trace_answer(control->body);
  if (!trace) return;
  const Bytes written = wire::encode_trace_answer(*trace);
  MESH_ASSERT(wire::parse_trace_answer(wire::parse_control(written)->body) == trace);
}

}  // namespace meshnode::fuzz
