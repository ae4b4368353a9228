#include "control/why.h"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace meshnode::control {
namespace {

// Silence is no sign before that.
constexpr std::uint64_t kPatience_s = 10;
constexpr std::uint64_t kLonely_s = 12;
// Members look for each other under keys that change with the clock every 6 h, and each looks half
// an hour ahead and back (protocol §13).
constexpr std::int64_t kTolerated_s = 1800;
constexpr std::uint8_t kOurVersion = 1;
constexpr std::size_t kShownCandidates = 6;

struct Entry {
  Cause cause;
  std::string_view name;
  Place place;
};
constexpr std::array kCauses{
    Entry{Cause::none, "none", Place::done},
    Entry{Cause::identity_in_use_twice, "identity-in-use-twice", Place::here},
    Entry{Cause::no_network_here, "no-network-here", Place::here},
    Entry{Cause::port_filtered_by_local_firewall, "port-filtered-by-local-firewall", Place::here},
    Entry{Cause::udp_blocked_here, "udp-blocked-here", Place::here},
    Entry{Cause::no_bootstrap_reachable, "no-bootstrap-reachable", Place::here},
    Entry{Cause::alone_in_network, "alone-in-network", Place::there},
    Entry{Cause::clock_skew, "clock-skew", Place::here},
    Entry{Cause::version_mismatch, "version-mismatch", Place::here},
    Entry{Cause::peer_offline, "peer-offline", Place::there},
    Entry{Cause::address_conflict, "address-conflict", Place::here},
    Entry{Cause::handshake_refused, "handshake-refused", Place::there},
    Entry{Cause::underlay_loop, "underlay-loop", Place::here},
    Entry{Cause::both_nats_address_and_port_dependent, "both-nats-address-and-port-dependent",
          Place::here},
    Entry{Cause::nat_needs_forwarded_port_here, "nat-needs-forwarded-port-here", Place::here},
    Entry{Cause::nat_needs_forwarded_port_there, "nat-needs-forwarded-port-there", Place::there},
    Entry{Cause::filtered_on_the_way, "filtered-on-the-way", Place::there},
    Entry{Cause::mtu_blackhole, "mtu-blackhole", Place::nowhere},
    Entry{Cause::still_trying, "still-trying", Place::nowhere},
};
static_assert(kCauses.size() == static_cast<std::size_t>(Cause::count_));

const Entry& entry(Cause cause) {
  return kCauses[static_cast<std::size_t>(cause)];
}

std::string seconds_text(std::uint64_t seconds) {
  if (seconds < 120) return std::to_string(seconds) + " s";
  if (seconds < 7200) return std::to_string(seconds / 60) + " min";
  if (seconds < 172'800) return std::to_string(seconds / 3600) + " h";
  return std::to_string(seconds / 86'400) + " days";
}

std::string_view nat_text(NatKind kind) {
  switch (kind) {
    case NatKind::none:
      return "no NAT";
    case NatKind::endpoint_independent:
      return "endpoint-independent mapping";
    case NatKind::dependent:
      return "mapping depends on the destination (symmetric)";
    case NatKind::unknown:
      break;
  }
  return "unknown";
}

std::vector<std::string> nats(const HereEvidence& here, const PeerEvidence& peer) {
  return {"NAT here: " + std::string(nat_text(here.nat)),
          "NAT there: " + std::string(nat_text(peer.nat))};
}

std::vector<std::string> tried(const PeerEvidence& peer) {
  std::vector<std::string> out;
  for (const CandidateEvidence& each : peer.candidates) {
    if (out.size() == kShownCandidates) {
      out.push_back("and " + std::to_string(peer.candidates.size() - kShownCandidates) + " more");
      break;
    }
    out.push_back(each.endpoint.to_string() + ": " + std::to_string(each.sent) + " probes sent, " +
                  std::to_string(each.answered) + " answered");
  }
  if (out.empty()) out.emplace_back("no address of it is known");
  return out;
}

std::vector<std::string> together(std::vector<std::string> first, std::vector<std::string> second) {
  first.insert(first.end(), std::make_move_iterator(second.begin()),
               std::make_move_iterator(second.end()));
  return first;
}

bool all_bootstraps_silent(const HereEvidence& here) {
  return !here.lan_only && here.bootstraps > 0 && here.bootstraps_up == 0 &&
         here.up_s >= kPatience_s;
}

std::string bootstraps_text(const HereEvidence& here) {
  return std::to_string(here.bootstraps_up) + " of " + std::to_string(here.bootstraps) +
         " bootstraps answer";
}

// ---- this machine ----

std::optional<Verdict> machine(const HereEvidence& here) {
  if (here.twin)
    return Verdict{Cause::identity_in_use_twice,
                   "another machine uses the key of this node",
                   {"what this node says comes from two places"},
                   "on one of the two stop meshnode, remove its state folder, and start it again"};
  if (!here.has_address)
    return Verdict{Cause::no_network_here,
                   "this machine has no network",
                   {"no interface has an address but those of meshes"},
                   "connect it"};
  if (here.sends_forbidden > 0 && !here.heard_from_afar)
    return Verdict{Cause::port_filtered_by_local_firewall,
                   "this machine's own packet filter refuses what meshnode sends",
                   {std::to_string(here.sends_forbidden) + " datagrams were refused with EPERM",
                    bootstraps_text(here)},
                   "let UDP of meshnode's port out and in (nft list ruleset shows the rules)"};
  if (all_bootstraps_silent(here) && !here.heard_from_afar)
    return Verdict{Cause::udp_blocked_here,
                   "nothing that is sent by UDP is answered",
                   {bootstraps_text(here), "no datagram from beyond this LAN has come"},
                   "see whether this network lets UDP through (another network, a phone, tells)"};
  return std::nullopt;
}

// ---- clocks and versions ----

bool is_off(std::int64_t after_ours_s) {
  return std::abs(after_ours_s) >= kTolerated_s;
}

std::int64_t middle_of(std::vector<std::int64_t> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::string difference(std::int64_t after_ours_s) {
  return seconds_text(static_cast<std::uint64_t>(std::abs(after_ours_s)));
}

// Servers are asked first: they are many networks' and have no stake in this one. Members count
// where no server tells, and then at least two, and most of those who tell.
std::optional<Verdict> own_clock(const HereEvidence& here) {
  if (here.lan_only) return std::nullopt;
  const auto& tellers = here.server_clocks_s.empty() ? here.member_clocks_s : here.server_clocks_s;
  const bool members = here.server_clocks_s.empty();
  if (tellers.empty() || (members && tellers.size() < 2)) return std::nullopt;
  const std::int64_t off = middle_of(tellers);
  const auto agree = std::count_if(tellers.begin(), tellers.end(), is_off);
  // Members tell of a difference more often than of none.
  const bool most = 2 * static_cast<std::uint64_t>(agree) > here.known_members;
  if (!is_off(off) || (members && (agree < 2 || !most))) return std::nullopt;
  return Verdict{Cause::clock_skew,
                 "the clock of this machine is " + difference(off) +
                     (off > 0 ? " behind" : " ahead") +
                     ", and members look for each other under keys that change with the time",
                 {"so say " + std::to_string(agree) + " of " + std::to_string(tellers.size()) +
                  (members ? " members" : " servers") + " that tell the time"},
                 "set the clock, and keep it right (timedatectl set-ntp true)"};
}

std::optional<Verdict> other_clock(const HereEvidence& here, const PeerEvidence& peer) {
  if (here.lan_only || !peer.clock_after_ours_s || !is_off(*peer.clock_after_ours_s))
    return std::nullopt;
  // Two clocks differ, and which one is wrong is known if somebody else tells the time.
  const bool ours_is_right = !here.server_clocks_s.empty();
  Verdict out{Cause::clock_skew,
              "the clock of " + peer.who + " is " + difference(*peer.clock_after_ours_s) +
                  (*peer.clock_after_ours_s > 0 ? " ahead of" : " behind") +
                  " the one here, and members look for each other under keys that change with the "
                  "time",
              {ours_is_right ? "servers agree with the clock here"
                             : "which of the two is wrong is not known"},
              ours_is_right ? "set the clock there (timedatectl set-ntp true)"
                            : "compare both with a clock that is right (timedatectl)"};
  if (ours_is_right) out.elsewhere = Place::there;
  return out;
}

std::optional<Verdict> other_version(const PeerEvidence& peer) {
  if (peer.lowest_version <= kOurVersion && peer.highest_version >= kOurVersion)
    return std::nullopt;
  const bool newer = peer.lowest_version > kOurVersion;
  Verdict out{Cause::version_mismatch,
              peer.who + " speaks another version of the protocol",
              {"versions " + std::to_string(peer.lowest_version) + " to " +
                   std::to_string(peer.highest_version) + " there, " + std::to_string(kOurVersion) +
                   " here",
               "its signed record says so"},
              newer ? "install a newer meshnode here" : "install a newer meshnode there"};
  if (!newer) out.elsewhere = Place::there;
  return out;
}

std::optional<Verdict> other_version(const HereEvidence& here) {
  if (!here.other_version) return std::nullopt;
  const bool newer = here.other_version->version > kOurVersion;
  Verdict out{Cause::version_mismatch,
              "a member on this LAN speaks another version of the protocol",
              {"version " + std::to_string(here.other_version->version) + " at " +
                   here.other_version->from + ", " + std::to_string(kOurVersion) + " here",
               "its beacon is sealed with the key of this network"},
              newer ? "install a newer meshnode here" : "install a newer meshnode there"};
  if (!newer) out.elsewhere = Place::there;
  return out;
}

// ---- its way to the others ----

std::optional<Verdict> surroundings(const HereEvidence& here) {
  if (here.known_members > 0) return std::nullopt;
  if (all_bootstraps_silent(here))
    return Verdict{
        Cause::no_bootstrap_reachable,
        "no bootstrap answers, so nobody can be looked up",
        {bootstraps_text(here)},
        "see whether the hub runs and its address is right, or name another --bootstrap"};
  if (auto verdict = other_version(here)) return verdict;
  if (auto verdict = own_clock(here)) return verdict;
  if (here.up_s >= kLonely_s)
    return Verdict{Cause::alone_in_network,
                   "nobody else is in this network",
                   {"its fingerprint is " + here.fingerprint,
                    "other networks are invisible, as they should be"},
                   "compare the fingerprints: meshctl status shows it on each machine"};
  return std::nullopt;
}

// ---- the peer ----

std::optional<Verdict> presence(const PeerEvidence& peer) {
  const std::string silent = peer.heard_s ? " for " + seconds_text(*peer.heard_s) : "";
  if (peer.said_goodbye)
    return Verdict{Cause::peer_offline,
                   peer.who + " has been offline" + silent,
                   {"it said that it stops"},
                   "start meshnode there"};
  if (peer.was_connected && peer.heard_s.value_or(0) >= kPatience_s)
    return Verdict{Cause::peer_offline, peer.who + " has been offline" + silent,
                   together({"it stopped answering without a word"}, tried(peer)),
                   "see whether that machine runs and has a network"};
  return std::nullopt;
}

std::optional<Verdict> contradiction(const PeerEvidence& peer) {
  if (peer.claims_our_address)
    return Verdict{Cause::address_conflict,
                   peer.who + " uses the address " + *peer.claims_our_address + ", too",
                   {"both nodes claim it"},
                   "give one of the two another --address"};
  if (peer.connected) return std::nullopt;
  if (auto verdict = other_version(peer)) return verdict;
  if (peer.handshakes_refused > 0 &&
      std::any_of(peer.candidates.begin(), peer.candidates.end(),
                  [](const auto& each) { return each.answered > 0; }))
    return Verdict{Cause::handshake_refused,
                   peer.who + " answers probes, but no handshake",
                   {std::to_string(peer.handshakes_refused) + " handshakes without an answer"},
                   "restart meshnode there, and look into its log"};
  return std::nullopt;
}

// ---- the path ----

Verdict no_path(const HereEvidence& here, const PeerEvidence& peer) {
  if (peer.candidates_are_in_mesh)
    return {Cause::underlay_loop, "the only ways to " + peer.who + " run through a mesh",
            tried(peer),
            "let one of the two have an address outside of the mesh, or a bootstrap that sees it"};
  if (peer.trying_s < kPatience_s)
    return {Cause::still_trying, "the search for a way to " + peer.who + " has just begun",
            tried(peer), "wait some seconds"};
  if (here.nat == NatKind::dependent && peer.nat == NatKind::dependent)
    return {Cause::both_nats_address_and_port_dependent,
            "both NATs choose a new port for each destination: neither side can know the other's",
            together(nats(here, peer), tried(peer)),
            "forward a UDP port to one of the two on its router (--port fixes which), or give it "
            "IPv6"};
  if (here.nat == NatKind::dependent)
    return {Cause::nat_needs_forwarded_port_here,
            "the NAT here chooses a new port for each destination, and the one there lets in only "
            "ports that it knows",
            together(nats(here, peer), tried(peer)),
            "forward a UDP port to this machine on its router (--port fixes which), or use IPv6"};
  if (peer.nat == NatKind::dependent)
    return {Cause::nat_needs_forwarded_port_there,
            "the NAT of " + peer.who +
                " chooses a new port for each destination, and the one here "
                "lets in only ports that it knows",
            together(nats(here, peer), tried(peer)),
            "forward a UDP port to it on its router (--port fixes which), or use IPv6"};
  if (auto verdict = own_clock(here)) return *verdict;
  if (auto verdict = other_clock(here, peer)) return *verdict;
  return {Cause::filtered_on_the_way,
          "neither side gets through to the other, though the NATs would allow it",
          together(nats(here, peer), tried(peer)),
          "see whether a firewall there drops incoming UDP, or the network isolates its stations"};
}

std::optional<Verdict> flaw(const PeerEvidence& peer) {
  if (peer.carries_only)
    return Verdict{
        Cause::mtu_blackhole,
        "the path to " + peer.who + " swallows larger datagrams without a word",
        {"it carries " + std::to_string(*peer.carries_only) + " bytes; packets are sent in pieces"},
        "nothing has to be done; a larger MTU on the way would make it faster"};
  return std::nullopt;
}

}  // namespace

std::string_view name(Cause cause) {
  return entry(cause).name;
}

std::optional<Cause> cause_of(std::string_view name) {
  for (const Entry& each : kCauses)
    if (each.name == name) return each.cause;
  return std::nullopt;
}

Place place_of(Cause cause) {
  return entry(cause).place;
}

Place place_of(const Verdict& verdict) {
  return verdict.elsewhere.value_or(place_of(verdict.cause));
}

std::optional<Verdict> why_here(const HereEvidence& here) {
  if (auto verdict = machine(here)) return verdict;
  return surroundings(here);
}

Verdict why(const HereEvidence& here, const PeerEvidence& peer) {
  // An edge that is there proves machine and network right, whatever else they may look like.
  if (peer.connected) {
    if (here.twin) return *machine(here);
    if (auto verdict = contradiction(peer)) return *verdict;
    return flaw(peer).value_or(Verdict{});
  }
  if (auto verdict = why_here(here)) return *verdict;
  if (auto verdict = presence(peer)) return *verdict;
  if (auto verdict = contradiction(peer)) return *verdict;
  return no_path(here, peer);
}

}  // namespace meshnode::control
