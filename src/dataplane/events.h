// What the pumps tell the engine after each batch.
#pragma once

#include <vector>

#include "base/bytes.h"
#include "base/endpoint.h"
#include "base/ids.h"

namespace meshnode::dataplane {

struct PumpEvent {
  enum class Kind {
    no_route,    // TX: no member has the destination; bytes: the packet
    no_session,  // TX: peer known, but no key or no path; bytes: the packet
    too_big,     // TX: larger than the path carries; bytes: the packet, size: what fits
    key_worn,    // TX: the session's counter nears its limit
    // TX: inner data was sent to the peer (at most every kActivityInterval); size: of the datagram
    // that its largest packet would have needed since the last such event
    sent,
    received,      // RX: an authentic frame came from the peer (at most every kActivityInterval)
    first_data,    // RX: the session's first authentic frame; path: whence
    new_endpoint,  // RX: authentic frame from another endpoint than the peer's path; path: whence
    control,       // RX: bytes: plaintext of a control frame; path: whence
  };
  Kind kind = Kind::received;
  PeerNumber peer = kNoPeer;
  SessionIndex session = 0;
  Path path{};
  ByteView bytes{};         // valid until the host lends its buffers again
  bool inner_data = false;  // received: an IP packet, not only control
  std::size_t size = 0;     // bytes: see sent, too_big
};

using PumpEvents = std::vector<PumpEvent>;

// What a pump says of one peer, cumulative; inner packets and bytes.
struct Traffic {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
};

}  // namespace meshnode::dataplane
