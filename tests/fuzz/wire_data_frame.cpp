#include "fuzz/fuzz.h"
#include "wire/data_frame.h"

namespace meshnode::fuzz {
namespace {

void padding(std::size_t text, std::size_t mtu) {
  const std::size_t padded = wire::padded_size(text, mtu);
  MESH_ASSERT(padded >= text && padded - text <= wire::kMaxPadding);
  MESH_ASSERT(padded <= std::max(text, mtu));
  MESH_ASSERT(padded % 16 == 0 || padded == text || padded == mtu);
}

}  // namespace

void one_input(ByteView input) {
  Script script(input);
  const std::size_t text = script.u16();
  padding(text, script.u16());
  const auto header = wire::parse_frame_header(input);
  if (!header) return;
  Block<wire::kFrameHeaderSize> written;
  wire::write_frame_header(written.data(), *header);
  MESH_ASSERT(same(written, input.first(written.size())));
}

}  // namespace meshnode::fuzz
