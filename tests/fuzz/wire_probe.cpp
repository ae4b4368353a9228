#include "fuzz/fuzz.h"
#include "wire/probe.h"

namespace meshnode::fuzz {

// The form is canonical: what parses is what we would have written.
void one_input(ByteView input) {
  const auto probe = wire::parse_probe(input);
  if (!probe) return;
  MESH_ASSERT(same(wire::probe_body(*probe) + probe->mac, input));
}

}  // namespace meshnode::fuzz
