#include "monitor/message.h"

#include <algorithm>

namespace meshnode::monitor {
namespace {

bool known(std::uint8_t kind) {
  switch (static_cast<Kind>(kind)) {
    case Kind::prepared:
    case Kind::ready:
    case Kind::alive:
    case Kind::stopping:
    case Kind::keep:
    case Kind::upgrade:
    case Kind::prepare_failed:
    case Kind::happened:
    case Kind::reloaded:
    case Kind::want_dht:
    case Kind::names_at:
    case Kind::hosts:
    case Kind::hosts_end:
    case Kind::kept:
    case Kind::go:
    case Kind::leave:
    case Kind::refused:
    case Kind::dht:
      return true;
  }
  return false;
}

bool has_slot(Kind kind) {
  return kind == Kind::keep || kind == Kind::kept;
}

}  // namespace

Bytes encode(const Message& message) {
  Bytes out{kVersion, static_cast<std::uint8_t>(message.kind),
            static_cast<std::uint8_t>(message.slot)};
  const std::size_t size = std::min(message.text.size(), kMaxText);
  out.insert(out.end(), message.text.begin(), message.text.begin() + static_cast<long>(size));
  return out;
}

std::optional<Message> decode(ByteView bytes) {
  if (bytes.size() < kHeader || bytes.size() > kMaxMessage) return std::nullopt;
  if (bytes[0] != kVersion || !known(bytes[1]) || bytes[2] >= kSlots) return std::nullopt;
  Message out;
  out.kind = static_cast<Kind>(bytes[1]);
  out.slot = static_cast<Slot>(bytes[2]);
  if (has_slot(out.kind) != (out.slot != Slot::none)) return std::nullopt;
  out.text.assign(bytes.begin() + kHeader, bytes.end());
  return out;
}

}  // namespace meshnode::monitor
