// Where we may be reached, for our record; and which of another member's candidates are worth a
// probe from here, in which order. Pure functions.
//
// Never a candidate, neither ours nor probed: unspecified, loopback, multicast, broadcast,
// link-local (they mean nothing elsewhere), IPv4 240/4 and 0/8, addresses of any mesh interface,
// port 0, our own endpoints. Private ones (RFC 1918, RFC 6598, fc00::/7) are probed only where they
// can mean the same thing here as there: on-link, routed, or when both of us are seen at one public
// address (behind one NAT).
#pragma once

#include <span>
#include <vector>

#include "base/interfaces.h"
#include "discovery/path_quality.h"
#include "wire/record.h"

namespace meshnode::discovery {

// Global addresses, of hosts that can be reached over the Internet.
bool is_public(const IpAddress& ip);

// Where we answer DHT and STUN requests of anybody, if we do at all.
struct Serving {
  // The user says so: wherever the world sees us.
  bool everywhere = false;
  // Addresses of our interfaces at which somebody reached us to whom we had not spoken.
  std::vector<IpAddress> at;
  bool operator==(const Serving&) const = default;
};

struct OwnView {
  const Interfaces& interfaces;
  std::uint16_t port = 0;           // of the shared socket
  std::vector<Endpoint> reflexive;  // by STUN, best first
  std::vector<Endpoint> observed;   // by peers, best first
  std::vector<IpAddress> echoed;    // by the DHT, without port
  wire::NatMapping nat = wire::NatMapping::unknown;
  Cidr overlay;  // our own prefix
  Serving serving{};
};

// At most wire::kMaxCandidates, best first, no endpoint twice, a few of each kind so that none is
// crowded out; those where we serve have wire::kServes. Deterministic: the same view gives the same
// candidates.
std::vector<wire::Candidate> gather(const OwnView& view);

// Best first: LAN host, IPv6, reflexive, the rest.
std::vector<Target> worth_probing(std::span<const wire::Candidate> theirs, const OwnView& own);

}  // namespace meshnode::discovery
