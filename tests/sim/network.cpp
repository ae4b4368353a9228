#include "sim/network.h"

#include <algorithm>

namespace meshnode::sim {
namespace {

void add(Network::Crossing& sum, const Line::Passage& passage) {
  if (passage.lost) sum.fate = Fate::lost;
  sum.delay += passage.delay;
  sum.second_delay += passage.delay;
  if (passage.twice) {
    sum.twice = true;
    sum.second_delay += milliseconds(3);
  }
}

}  // namespace

Network::Network() {
  segments_.push_back({.prefix = {}, .gateway = {}, .attached = {}});
}

SegmentId Network::add_segment(const Cidr& prefix) {
  segments_.push_back({.prefix = prefix, .gateway = {}, .attached = {}});
  return static_cast<SegmentId>(segments_.size() - 1);
}

NatId Network::add_nat(const NatRules& rules, SegmentId inside, SegmentId outside,
                       const IpAddress& address, const LineRules& line, std::uint64_t seed) {
  const auto id = static_cast<NatId>(nats_.size());
  nats_.push_back({.nat = Nat(rules, address, seed), .inside = inside, .outside = outside});
  segments_[inside].gateway = id;
  attach({Owner::Kind::nat, id}, outside, address, line);
  return id;
}

void Network::attach(const Owner& owner, SegmentId segment, const IpAddress& address,
                     const LineRules& line) {
  segments_[segment].attached.insert_or_assign(address, Attachment{owner, Line(line)});
}

void Network::detach(SegmentId segment, const IpAddress& address) {
  segments_[segment].attached.erase(address);
}

void Network::renumber(TimePoint now, NatId id, const IpAddress& address) {
  PlacedNat& placed = nats_[id];
  auto& attached = segments_[placed.outside].attached;
  auto node = attached.extract(placed.nat.outside());
  node.key() = address;
  attached.insert(std::move(node));
  placed.nat.forget(now);
  placed.nat.set_outside(address);
}

Line* Network::line(SegmentId segment, const IpAddress& address) {
  const auto found = segments_[segment].attached.find(address);
  return found == segments_[segment].attached.end() ? nullptr : &found->second.line;
}

Network::Crossing Network::leave(TimePoint now, SegmentId segment, Datagram& datagram,
                                 unsigned hops, Random& random) {
  Crossing out;
  const std::size_t size = datagram.bytes.size();
  if (Line* first = line(segment, datagram.from.ip)) add(out, first->pass(now, size, random));
  for (;;) {
    out.segment = segment;
    if (segment == kInternet && hops < kFarEnough / 2) out.fate = Fate::lost;
    if (out.fate != Fate::delivered) return out;
    if (Line* last = line(segment, datagram.to.ip)) {
      // Through a NAT and back in: the line has been passed.
      if (datagram.to.ip != datagram.from.ip) add(out, last->pass(now, size, random));
      return out;
    }
    // Routers count the hops down; on the Internet there are many of them.
    const bool has_gateway = segments_[segment].gateway.has_value();
    if (!has_gateway || --hops == 0) {
      out.fate = has_gateway ? Fate::lost : Fate::unroutable;
      return out;
    }
    PlacedNat& gateway = nats_[*segments_[segment].gateway];
    datagram.from = gateway.nat.out(now, datagram.from, datagram.to);
    segment = gateway.outside;
    if (Line* uplink = line(segment, gateway.nat.outside()))
      add(out, uplink->pass(now, size, random));
  }
}

Network::Arrival Network::arrive(TimePoint now, SegmentId segment, Datagram& datagram) const {
  Arrival out;
  for (;;) {
    out.segment = segment;
    const auto& attached = segments_[segment].attached;
    const auto found = attached.find(datagram.to.ip);
    if (found == attached.end()) {
      if (out.fate == Fate::delivered) out.fate = Fate::unroutable;
      return out;
    }
    out.owner = found->second.owner;
    if (out.owner.kind != Owner::Kind::nat) return out;
    const PlacedNat& placed = nats_[out.owner.index];
    auto inside = out.fate == Fate::delivered ? placed.nat.in(now, datagram.from, datagram.to.port)
                                              : placed.nat.insider(datagram.to.port);
    if (!inside) {
      // For the drawing: who was meant.
      out.fate = Fate::filtered;
      inside = placed.nat.insider(datagram.to.port);
      if (!inside) return out;
    }
    datagram.to = *inside;
    segment = placed.inside;
  }
}

std::vector<std::pair<IpAddress, Owner>> Network::neighbours(SegmentId segment) const {
  std::vector<std::pair<IpAddress, Owner>> out;
  for (const auto& [address, attachment] : segments_[segment].attached)
    if (attachment.owner.kind == Owner::Kind::host) out.emplace_back(address, attachment.owner);
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<NatId> Network::way_out(SegmentId segment) const {
  std::vector<NatId> out;
  while (segments_[segment].gateway) {
    out.push_back(*segments_[segment].gateway);
    segment = nats_[out.back()].outside;
  }
  return out;
}

}  // namespace meshnode::sim
