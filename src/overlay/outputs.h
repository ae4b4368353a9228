// Everything that comes out of the engine, in the order in which it must happen.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/endpoint.h"
#include "base/ids.h"
#include "dataplane/seal_tasks.h"
#include "discovery/dht_requests.h"
#include "discovery/lan_beacon.h"
#include "discovery/path_figures.h"
#include "discovery/servers.h"
#include "overlay/questions.h"
#include "wire/record.h"
#include "wire/trace.h"

namespace meshnode::overlay {

// A message on the shared port.
struct SendMessage {
  Path path;
  Bytes bytes;
};
// A datagram that gets past our own router and no further: it opens the way for what comes from
// there.
struct OpenWay {
  Path path;
};
// For the TX pump.
using dataplane::ResendPacket;
using dataplane::SendControl;
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

// How the world sees us, when that is known for the first time or changed.
struct NatKnown {
  std::vector<Endpoint> reflexive;  // best first
  wire::NatMapping mapping = wire::NatMapping::unknown;
};
// Members that serve the DHT and STUN to anybody, best first; replaces what was known before.
struct ServersKnown {
  std::vector<discovery::ServerOffer> offers;
};
// Data goes elsewhere now, or nowhere.
struct PathChanged {
  NodeId id;
  std::string name;
  discovery::PathKind kind = discovery::PathKind::direct;
  discovery::PathChange change;
};
// A member that was not known, or had said goodbye: its record came, from wherever.
struct MemberHeard {
  NodeId id;
  std::string name;
};
// It said goodbye, to us or to others.
struct MemberLeft {
  NodeId id;
  std::string name;
};

enum class AskFailure : std::uint8_t {
  none,
  no_room,  // too many questions, or no place for the peer
  no_path,
  no_keys,
  no_answer,  // also from somebody who is too old to understand
};
// The end of a Question.
struct Answered {
  Question question{};
  AskFailure failure = AskFailure::none;
  Duration took{};  // from sending to the answer
  // A ping's: the path for data when the answer came.
  std::optional<Path> path{};
  discovery::PathKind path_kind = discovery::PathKind::direct;
  std::optional<wire::Trace> trace{};  // a trace's
  // Of edges; those themselves are in the question.
  bool refused = false;   // that member does not tell
  bool complete = false;  // these are all
};

// Another machine speaks with our key.
struct TwinIdentity {};

using Output =
    std::variant<SendMessage, OpenWay, discovery::BeaconTransmit, SendControl, ResendPacket,
                 DeliverPacket, dataplane::SlotChange, discovery::DhtRequest, PeerConnected,
                 PeerLost, AddressConflict, NatKnown, ServersKnown, TwinIdentity, PathChanged,
                 MemberHeard, MemberLeft, Answered>;

}  // namespace meshnode::overlay
