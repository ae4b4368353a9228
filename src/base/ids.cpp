#include "base/ids.h"

#include "base/text.h"

namespace meshnode {

std::string NodeId::to_string() const {
  return to_base32(bytes);
}

std::string NodeId::short_string() const {
  return to_string().substr(0, 8);
}

std::optional<NodeId> NodeId::parse(std::string_view text) {
  const auto raw = from_base32(text);
  if (!raw || raw->size() != 32) return std::nullopt;
  NodeId out;
  std::copy(raw->begin(), raw->end(), out.bytes.begin());
  return out;
}

}  // namespace meshnode
