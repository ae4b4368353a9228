// Why is there no edge, or not the best one? A pure function of what is known: it names one cause
// from a closed list, what speaks for it, and the one thing that would help. docs/control.md lists
// the causes; their names are stable.
//
// Where several things are wrong the one is named without which the others could not be seen: this
// machine before its network, its network before the peer, the peer before the path to it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/endpoint.h"
#include "base/ids.h"

namespace meshnode::control {

enum class Cause : std::uint8_t {
  none,  // the edge is there, and as good as it can be
  // this machine
  identity_in_use_twice,
  no_network_here,
  port_filtered_by_local_firewall,
  udp_blocked_here,
  // its way to the others
  no_bootstrap_reachable,
  alone_in_network,
  clock_skew,        // of this machine or the peer
  version_mismatch,  // likewise: the older one should be made newer
  // the peer
  peer_offline,
  address_conflict,
  handshake_refused,
  // the path to it
  underlay_loop,
  both_nats_address_and_port_dependent,
  nat_needs_forwarded_port_here,
  nat_needs_forwarded_port_there,
  filtered_on_the_way,
  mtu_blackhole,
  still_trying,
  count_,
};
std::string_view name(Cause cause);  // "udp-blocked-here"
std::optional<Cause> cause_of(std::string_view name);

// Who can do something about it: exit codes of `meshctl why`.
enum class Place : std::uint8_t { done = 0, here = 3, there = 4, nowhere = 5 };
// Of clock_skew and version_mismatch only the verdict knows: this says here.
Place place_of(Cause cause);

// RFC 4787 §4.1, as far as it is known. `none`: a public address.
enum class NatKind : std::uint8_t { unknown, none, endpoint_independent, dependent };

// Times are seconds; an empty optional is "not known", or "never".
struct HereEvidence {
  bool lan_only = false;
  std::uint64_t up_s = 0;
  bool has_address = true;            // on any interface that is not a mesh's
  std::uint64_t bootstraps = 0;       // named by the user
  std::uint64_t bootstraps_up = 0;    // that answer
  bool heard_from_afar = false;       // any datagram of anybody beyond our links, lately
  std::uint64_t sends_forbidden = 0;  // refused by this machine's packet filter, lately
  NatKind nat = NatKind::unknown;
  bool twin = false;  // another machine uses our key
  std::uint64_t known_members = 0;
  std::string fingerprint{};
  // How far others' clocks are after ours, as they say: servers', and members' where they tell.
  std::vector<std::int64_t> server_clocks_s{};
  std::vector<std::int64_t> member_clocks_s{};
  // A member on our link that speaks another protocol version: which, and where it is.
  struct OtherVersion {
    std::uint8_t version = 0;
    std::string from{};
  };
  std::optional<OtherVersion> other_version{};
};
struct CandidateEvidence {
  Endpoint endpoint{};
  std::uint64_t sent = 0;
  std::uint64_t answered = 0;
};
struct PeerEvidence {
  std::string who{};
  bool connected = false;      // there is a path; keys are made when a packet wants them
  bool was_connected = false;  // since we run
  bool said_goodbye = false;
  std::optional<std::uint64_t> heard_s{};  // since anything came from it itself
  std::uint64_t trying_s = 0;
  NatKind nat = NatKind::unknown;
  std::vector<CandidateEvidence> candidates{};
  bool candidates_are_in_mesh = false;  // all of them: an address inside a mesh
  std::uint64_t handshakes_refused = 0;
  std::optional<std::string> claims_our_address{};  // which
  // Small probes are answered, and those above this are not: bytes, if too few for packets inside
  // of 1,280 in one piece.
  std::optional<std::uint64_t> carries_only{};
  std::optional<std::int64_t> clock_after_ours_s{};  // as it said itself
  std::uint8_t lowest_version = 1;                   // that it speaks
  std::uint8_t highest_version = 1;
};

struct Verdict {
  Cause cause = Cause::none;
  std::string sentence{};               // what is wrong
  std::vector<std::string> evidence{};  // what speaks for it, a half sentence each
  std::string action{};                 // what would help; empty if nothing is wrong
  std::optional<Place> elsewhere{};     // not where the cause has its place
};
Place place_of(const Verdict& verdict);

Verdict why(const HereEvidence& here, const PeerEvidence& peer);
// Of this machine alone, whoever the peer is; nothing if nothing is wrong here.
std::optional<Verdict> why_here(const HereEvidence& here);

// What `meshctl why` shows: first of this machine, if something is wrong here, then of peers.
struct Explanation {
  std::optional<NodeId> id{};  // nothing: this machine
  std::string name{};
  Verdict verdict{};
};

}  // namespace meshnode::control
