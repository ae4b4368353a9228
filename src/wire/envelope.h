// Envelope: how signed objects other than records travel. Body of a control message.
//
//   version (1) = 1 | kind (1) | signer's Ed25519 key (32) | sequence (8) | body | signature (64)
//
// The body has at most kMaxObjectBody bytes; its form is its kind's. Per signer and kind the higher
// sequence is the newer object. An object is handed on as the bytes that were received.
//
//   kind 1  goodbye: boot id (8): the signer's start with this boot id is over
#pragma once

#include <optional>

#include "base/bytes.h"
#include "base/ids.h"

namespace meshnode::wire {

enum class ObjectKind : std::uint8_t { goodbye = 1 };

inline constexpr std::size_t kMaxObjectBody = 256;
inline constexpr std::size_t kObjectSignatureSize = 64;

struct Envelope {
  ObjectKind kind = ObjectKind::goodbye;  // perhaps one that we do not know
  Block<32> signer{};
  std::uint64_t sequence = 0;
  ByteView body;  // a view into the input
};

// The text that gets signed; the caller appends the signature.
Bytes encode_object_text(const Envelope& envelope);

struct ParsedEnvelope {
  Envelope envelope;
  ByteView text;  // views into the input
  ByteView signature;
};
// Nothing if it is too short, too long or of another version.
std::optional<ParsedEnvelope> parse_object(ByteView bytes);

// The boot id in a goodbye; nothing if it is none.
std::optional<BootId> parse_goodbye(const Envelope& envelope);

}  // namespace meshnode::wire
