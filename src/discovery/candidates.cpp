#include "discovery/candidates.h"

#include <algorithm>

namespace meshnode::discovery {
namespace {

using wire::Candidate;
using wire::CandidateKind;

constexpr std::size_t kMostHosts = 3;      // of each family
constexpr std::size_t kMostReflexive = 2;  // likewise

Cidr cidr(const char* text) {
  return *Cidr::parse(text);
}

bool in_any(const IpAddress& ip, std::span<const Cidr> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const Cidr& prefix) { return prefix.contains(ip); });
}

// Nothing that a datagram can usefully be sent to from another machine (RFC 6890).
bool is_nowhere(const IpAddress& ip) {
  static const Cidr kNowhere[] = {cidr("0.0.0.0/8"), cidr("240.0.0.0/4")};
  return !ip || ip.is_unspecified() || ip.is_loopback() || ip.is_multicast() ||
         ip.is_link_local() || ip.is_limited_broadcast() || in_any(ip, kNowhere);
}

bool contains(const std::vector<IpAddress>& addresses, const IpAddress& ip) {
  return std::find(addresses.begin(), addresses.end(), ip) != addresses.end();
}

bool on_link(const IpAddress& ip, const Interfaces& interfaces) {
  return std::any_of(interfaces.begin(), interfaces.end(), [&](const Interface& interface) {
    return interface.up && !interface.overlay && !interface.loopback &&
           in_any(ip, interface.addresses);
  });
}

bool routed(const IpAddress& ip, const Interfaces& interfaces) {
  return std::any_of(interfaces.begin(), interfaces.end(), [&](const Interface& interface) {
    return interface.up && !interface.overlay && in_any(ip, interface.routes);
  });
}

bool is_own(const IpAddress& ip, const Interfaces& interfaces) {
  for (const Interface& interface : interfaces)
    for (const Cidr& own : interface.addresses)
      if (own.ip == ip) return true;
  return false;
}

// A mesh interface's addresses, and an interface's own broadcast address.
bool is_taboo(const IpAddress& ip, const OwnView& view) {
  if (view.overlay.ip && view.overlay.contains(ip)) return true;
  for (const Interface& interface : view.interfaces)
    for (const Cidr& own : interface.addresses)
      if ((interface.overlay && own.contains(ip)) || own.broadcast() == ip) return true;
  return false;
}

bool has_reflexive(std::span<const Candidate> candidates) {
  return std::any_of(candidates.begin(), candidates.end(), [](const Candidate& candidate) {
    return candidate.kind == wire::CandidateKind::reflexive;
  });
}

// Both of us are behind one NAT if the world sees us at one address.
bool behind_one_nat(std::span<const Candidate> theirs, const OwnView& own) {
  return std::any_of(theirs.begin(), theirs.end(), [&](const Candidate& candidate) {
    if (candidate.kind == CandidateKind::host) return false;
    const auto same = [&](const Endpoint& mine) { return mine.ip == candidate.endpoint.ip; };
    return std::any_of(own.reflexive.begin(), own.reflexive.end(), same) ||
           std::any_of(own.observed.begin(), own.observed.end(), same) ||
           contains(own.echoed, candidate.endpoint.ip);
  });
}

bool has_public_v4(const Interfaces& interfaces) {
  for (const Interface& interface : interfaces)
    for (const Cidr& own : interface.addresses)
      if (interface.up && !interface.overlay && own.ip.is_v4() && is_public(own.ip)) return true;
  return false;
}

// Without an address there that means something elsewhere, nothing gets out.
bool speaks(Family family, const Interfaces& interfaces) {
  for (const Interface& interface : interfaces)
    for (const Cidr& own : interface.addresses)
      if (interface.up && !interface.overlay && own.ip.family() == family && !is_nowhere(own.ip))
        return true;
  return false;
}

// Which is tried first, where nothing better is known.
std::uint8_t priority(CandidateKind kind, const IpAddress& ip) {
  switch (kind) {
    case CandidateKind::host:
      if (is_public(ip)) return ip.is_v6() ? 250 : 240;
      return ip.is_v6() ? 150 : 160;
    case CandidateKind::reflexive:
      return ip.is_v6() ? 230 : 220;
    case CandidateKind::peer_reflexive:
      return 140;
    case CandidateKind::guessed:
      return 100;
  }
  return 0;
}

class Gathering {
 public:
  explicit Gathering(const OwnView& view) : view_(view) {}

  std::vector<Candidate> all() {
    for (const Family family : {Family::v4, Family::v6}) {
      hosts(family);
      add_some(CandidateKind::reflexive, family, view_.reflexive, kMostReflexive);
      if (!seen(family)) add_some(CandidateKind::peer_reflexive, family, view_.observed, 1);
      forwarded(family);
      if (!seen(family)) guesses(family);
    }
    const auto best_first = [](const Candidate& a, const Candidate& b) {
      return a.priority > b.priority;
    };
    std::stable_sort(out_.begin(), out_.end(), best_first);
    // There are few of the other kinds; addresses of interfaces there may be many.
    for (auto last = out_.rbegin(); out_.size() > wire::kMaxCandidates;) {
      if (last->kind == CandidateKind::host)
        last = std::make_reverse_iterator(out_.erase(std::next(last).base()));
      else
        ++last;
    }
    return std::move(out_);
  }

 private:
  bool has(const Endpoint& endpoint) const {
    return std::any_of(out_.begin(), out_.end(),
                       [&](const Candidate& each) { return each.endpoint == endpoint; });
  }
  bool add(CandidateKind kind, const Endpoint& endpoint) {
    if (is_nowhere(endpoint.ip) || endpoint.port == 0 || is_taboo(endpoint.ip, view_) ||
        has(endpoint))
      return false;
    out_.push_back({kind, priority(kind, endpoint.ip), flags(kind, endpoint.ip), endpoint});
    return true;
  }
  // Strangers reach us at an address of our own, or through a port that somebody forwarded. Behind
  // a NAT whose mapping depends on who is asked that port is ours, not one that a server saw.
  std::uint8_t flags(CandidateKind kind, const IpAddress& ip) const {
    if (!is_public(ip)) return 0;
    bool serves = view_.serving.everywhere;
    if (kind == CandidateKind::host)
      serves = serves || contains(view_.serving.at, ip);
    else if (kind == CandidateKind::guessed)
      serves = serves && view_.nat == wire::NatMapping::dependent;
    else
      serves =
          serves && kind == CandidateKind::reflexive && view_.nat != wire::NatMapping::dependent;
    return serves ? wire::kServes : 0;
  }
  // Whether somebody outside has said how this family of ours looks.
  bool seen(Family family) const {
    return std::any_of(out_.begin(), out_.end(), [&](const Candidate& each) {
      return each.endpoint.ip.family() == family &&
             (each.kind != CandidateKind::host || is_public(each.endpoint.ip));
    });
  }
  void hosts(Family family) {
    std::vector<IpAddress> found;
    for (const Interface& interface : view_.interfaces)
      if (interface.up && !interface.overlay && !interface.loopback)
        for (const Cidr& own : interface.addresses)
          if (own.ip.family() == family) found.push_back(own.ip);
    std::stable_sort(found.begin(), found.end(), [](const IpAddress& a, const IpAddress& b) {
      return is_public(a) && !is_public(b);
    });
    std::size_t taken = 0;
    for (const IpAddress& ip : found)
      if (taken < kMostHosts && add(CandidateKind::host, {ip, view_.port})) ++taken;
  }
  void add_some(CandidateKind kind, Family family, const std::vector<Endpoint>& from,
                std::size_t most) {
    std::size_t taken = 0;
    for (const Endpoint& endpoint : from)
      if (taken < most && endpoint.ip.family() == family && add(kind, endpoint)) ++taken;
  }
  // What the NAT's other mappings are called is of little use; but somebody may have forwarded our
  // port.
  void forwarded(Family family) {
    if (view_.nat != wire::NatMapping::dependent || family != Family::v4) return;
    for (const Endpoint& endpoint : view_.reflexive)
      if (endpoint.ip.family() == family && endpoint.port != view_.port &&
          add(CandidateKind::guessed, {endpoint.ip, view_.port}))
        return;
  }
  void guesses(Family family) {
    for (const IpAddress& ip : view_.echoed)
      if (ip.family() == family && !is_own(ip, view_.interfaces) &&
          add(CandidateKind::guessed, {ip, view_.port}))
        return;
  }

  const OwnView& view_;
  std::vector<Candidate> out_;
};

}  // namespace

bool is_public(const IpAddress& ip) {
  return !is_nowhere(ip) && !ip.is_private();
}

std::vector<Candidate> gather(const OwnView& view) {
  return Gathering(view).all();
}

std::vector<Target> worth_probing(std::span<const Candidate> theirs, const OwnView& own) {
  const bool neighbours = behind_one_nat(theirs, own);
  const bool behind_nat = !has_public_v4(own.interfaces);
  const bool elsewhere = !neighbours && !own.reflexive.empty() && has_reflexive(theirs);
  struct Ranked {
    int rank = 0;
    Target target;
  };
  std::vector<Ranked> ranked;
  for (const Candidate& candidate : theirs) {
    const Endpoint& endpoint = candidate.endpoint;
    if (is_nowhere(endpoint.ip) || endpoint.port == 0 || is_taboo(endpoint.ip, own)) continue;
    if (is_own(endpoint.ip, own.interfaces) && endpoint.port == own.port) continue;
    if (std::find(own.reflexive.begin(), own.reflexive.end(), endpoint) != own.reflexive.end())
      continue;
    if (!speaks(endpoint.ip.family(), own.interfaces)) continue;
    const bool lan = on_link(endpoint.ip, own.interfaces);
    if (endpoint.ip.is_private() && !lan && !neighbours && !routed(endpoint.ip, own.interfaces))
      continue;
    ranked.push_back({(lan ? 1000 : 0) + candidate.priority,
                      {lan ? PathKind::lan : PathKind::direct,
                       {.remote = endpoint, .local = {}},
                       behind_nat && is_public(endpoint.ip) && endpoint.ip.is_v4(),
                       elsewhere && endpoint.ip.is_private()}});
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const Ranked& a, const Ranked& b) { return a.rank > b.rank; });
  std::vector<Target> out;
  for (Ranked& each : ranked)
    if (std::none_of(out.begin(), out.end(),
                     [&](const Target& other) { return other.path.same_remote(each.target.path); }))
      out.push_back(each.target);
  return out;
}

}  // namespace meshnode::discovery
