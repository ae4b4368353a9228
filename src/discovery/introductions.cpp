#include "discovery/introductions.h"

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
  Pair& entry = use_pair(key);
  if (!entry.budget.take(now)) return Drop::rate_limited;
  if (for_us) {
    entry.number = parsed->number;
    return ForUs{origin, parsed->record};
  }
  parsed->hops = static_cast<std::uint8_t>(parsed->hops - 1);
  return PassOn{origin, parsed->target, parsed->hops, wire::encode_introduction(*parsed)};
}

Introductions::Pair& Introductions::use_pair(const PairKey& key) {
  const auto [entry, is_new] = pairs_.try_emplace(key);
  Pair& pair = entry->second;
  if (is_new)
    pair.used = by_use_.insert(by_use_.end(), &entry->first);
  else
    by_use_.splice(by_use_.end(), by_use_, pair.used);
  if (pairs_.size() <= kMaxPairs) return pair;
  pairs_.erase(pairs_.find(*by_use_.front()));
  by_use_.pop_front();
  return pair;
}

}  // namespace meshnode::discovery
