#include "fuzz/fuzz.h"
#include "wire/control.h"

namespace meshnode::fuzz {

void one_input(ByteView input) {
  const auto control = wire::parse_control(input);
  if (!control) return;
  Bytes expected = wire::encode_control(*control);
  MESH_ASSERT(input.size() - expected.size() < 16);
  expected.resize(input.size());
  MESH_ASSERT(same(expected, input));
}

}  // namespace meshnode::fuzz
