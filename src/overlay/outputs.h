// Everything that comes out of the engine, in the order in which it must happen.
#pragma once

#include <string>
#include <variant>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/endpoint.h"
#include "base/ids.h"
#include "dataplane/slots.h"
#include "discovery/lan_beacon.h"

namespace meshnode::overlay {

// A message on the shared port.
struct SendMessage {
  Path path;
  Bytes bytes;
};
// A control frame, to be sealed by the TX pump under the peer's current key.
struct SendControl {
  PeerNumber peer;
  Bytes text;
};
// An inner packet that waited for its edge: to the TX pump again.
struct ResendPacket {
  Bytes packet;
};
// An inner packet of our own making (ICMP): to the TUN device.
struct DeliverPacket {
  Bytes packet;
};

// For people and logs.
struct PeerConnected {
  NodeId id;
  std::string name;
  Path path;
  Duration took{};  // since we first heard of it, or of its restart
  Duration rtt{};
  bool again = false;  // an edge that there was before, or a rekeyed one after a pause
};
struct PeerLost {
  NodeId id;
  std::string name;
  bool goodbye = false;
};
struct AddressConflict {
  NodeId id;
  std::string name;
  IpAddress address;
};

using Output =
    std::variant<SendMessage, discovery::BeaconTransmit, SendControl, ResendPacket, DeliverPacket,
                 dataplane::SlotChange, PeerConnected, PeerLost, AddressConflict>;

}  // namespace meshnode::overlay
