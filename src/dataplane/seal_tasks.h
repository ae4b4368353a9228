// What the TX pump is told and asked, besides the packets of the TUN device, in one order: *install
// this key, send this control frame, now resend these packets*.
#pragma once

#include <variant>

#include "base/bytes.h"
#include "base/ids.h"
#include "dataplane/slots.h"

namespace meshnode::dataplane {

// A control frame, to be sealed by the TX pump under the peer's current key.
struct SendControl {
  PeerNumber peer;
  Bytes text;
  bool whole = false;  // never in pieces: its size is what it is for
};
// An inner packet that waited for its edge: to the TX pump again.
struct ResendPacket {
  Bytes packet;
};

using SealTask = std::variant<SlotChange, SendControl, ResendPacket>;

}  // namespace meshnode::dataplane
