// What the engine tells of itself: plain values, taken at one moment.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/endpoint.h"
#include "base/ids.h"
#include "crypto/aead.h"
#include "discovery/path_figures.h"
#include "wire/types.h"

namespace meshnode::overlay {

enum class PeerState { connected, connecting, idle, unreachable };

// Why there is no edge. Codes are for programs, text() is for people.
enum class Reason {
  none,
  no_answer,  // announced itself on the LAN
  no_path,    // its record is known, none of its candidates answered
  both_dependent,
  path_lost,
  said_goodbye,
  handshake_failing,
  address_conflict
};
std::string_view code(Reason reason);
std::string_view text(Reason reason);

struct PeerSnapshot {
  PeerNumber number = kNoPeer;
  NodeId id;
  bool proven = false;
  std::string name;
  std::vector<IpAddress> addresses;
  PeerState state = PeerState::connecting;
  std::optional<Path> path;
  discovery::PathKind path_kind = discovery::PathKind::lan;
  std::optional<Duration> rtt;
  std::optional<discovery::PathFigures> figures;  // of the path
  std::uint64_t path_changes = 0;
  std::optional<Endpoint> observed;  // where the peer saw us, in the path's family
  std::size_t datagram = 0;  // bytes of UDP payload that its path is known to carry; 0: no path
  bool mtu_settled = false;  // what is larger does not fit, as far as we know
  std::optional<crypto::Cipher> cipher;
  std::optional<Duration> handshake_age;
  std::uint32_t handshakes = 0;    // since the peer is known
  unsigned failed_handshakes = 0;  // attempts since the last one
  Reason reason = Reason::none;
};

// What is too much for all peers at once: of one. Bounded by PathBook::kMaxCandidates and
// PathHistory::kKept.
struct PeerStory {
  std::vector<discovery::CandidateFigures> candidates;
  std::vector<discovery::PathChange> changes;  // oldest first
  std::optional<Duration> seeking;             // no path: since then
  std::optional<Duration> heard;               // since something authentic by its own key came
  bool was_connected = false;                  // since we run
  bool said_goodbye = false;
  wire::NatMapping nat = wire::NatMapping::unknown;  // as its record says
  bool in_mesh = false;                              // no candidate is outside of every mesh
  // Its clock now, as its last beacon on this link said, and how long ago that was.
  std::optional<UnixTime> clock;
  Duration clock_heard{};
  // As its record says.
  std::optional<UnixTime> issued;
  std::uint8_t lowest_version = wire::kProtocolVersion;
  std::uint8_t highest_version = wire::kProtocolVersion;
  std::vector<IpAddress> refused;  // that it claims and somebody else has
};

// A member on one of our links that speaks another protocol version; no more can be read of it.
struct OtherVersion {
  std::uint8_t version = 0;
  IpAddress from;
  TimePoint heard{};
};

// Whom one can ask about by name: peers, and members that we only know of.
struct KnownMember {
  NodeId id{};
  std::string name{};  // as the member says it, may be empty
  std::vector<IpAddress> addresses{};
  bool gone = false;  // it said goodbye, and nothing newer was heard
};

struct Snapshot {
  std::vector<Endpoint> reflexive;  // our own, best first
  wire::NatMapping nat = wire::NatMapping::unknown;
  std::vector<PeerSnapshot> peers;
  std::size_t known = 0;  // other members that we heard of, with or without an edge
};

}  // namespace meshnode::overlay
