#include "discovery/introductions.h"

#include <algorithm>

#include "crypto/node_id.h"

namespace meshnode::discovery {

Bytes Introductions::statement(const wire::Introduction& introduction) const {
  Bytes out = to_bytes(as_bytes("meshnode introduction v1"));
  Writer writer(out);
  writer.bytes(network_id_);
  writer.bytes(introduction.statement());
  return out;
}

Bytes Introductions::ask(const NodeId& target, const SignedRecord& own,
                         const crypto::Ed25519Seed& seed, std::uint64_t number) const {
  wire::Introduction out{.target = target, .number = number, .signature = {}, .record = own.bytes};
  out.signature = suite_.sign(seed, statement(out));
  return wire::encode_introduction(out);
}

std::variant<Drop, Introductions::ForUs, Introductions::PassOn> Introductions::take(TimePoint now,
                                                                                    PeerNumber from,
                                                                                    ByteView body) {
  auto parsed = wire::parse_introduction(body);
  if (!parsed) return Drop::malformed;
  const auto record = wire::parse_record(parsed->record);
  if (!record) return Drop::malformed;
  const NodeId origin = crypto::node_id(record->record.signing_key);
  if (origin == self_ || origin == parsed->target) return Drop::self;
  const bool for_us = parsed->target == self_;
  if (!for_us && parsed->hops == 0) return Drop::no_route;
  const PairKey key{origin, parsed->target};
  // Several ways lead here: no budget is spent on what we have followed.
  if (const auto known = pairs_.find(key);
      for_us && known != pairs_.end() && parsed->number <= known->second.number)
    return Drop::replayed;
  auto& neighbour = neighbours_.try_emplace(from, kPerNeighbour, kNeighbourBurst).first->second;
  if (!neighbour.take(now) || !total_.take(now)) return Drop::rate_limited;
  // Only what is genuine counts against the pair: nobody else can use its budget up.
  if (!suite_.verify(record->record.signing_key, statement(*parsed), parsed->signature))
    return Drop::bad_identity;
  Pair& entry = pair(key);
  entry.used = now;
  if (!entry.budget.take(now)) return Drop::rate_limited;
  if (for_us) {
    entry.number = parsed->number;
    return ForUs{origin, parsed->record};
  }
  parsed->hops = static_cast<std::uint8_t>(parsed->hops - 1);
  return PassOn{origin, parsed->target, parsed->hops, wire::encode_introduction(*parsed)};
}

Introductions::Pair& Introductions::pair(const PairKey& key) {
  if (pairs_.size() >= kMaxPairs && !pairs_.contains(key))
    pairs_.erase(std::min_element(pairs_.begin(), pairs_.end(), [](const auto& a, const auto& b) {
      return a.second.used < b.second.used;
    }));
  return pairs_[key];
}

}  // namespace meshnode::discovery
