#include "discovery/signed_object.h"

#include "crypto/node_id.h"

namespace meshnode::discovery {
namespace {

constexpr Duration kSweep = minutes(1);

Bytes statement(ByteView network_id, ByteView text) {
  Bytes out = to_bytes(as_bytes("meshnode object v1"));
  Writer writer(out);
  writer.bytes(network_id);
  writer.bytes(text);
  return out;
}

}  // namespace

SignedObject sign_object(wire::ObjectKind kind, std::uint64_t sequence, ByteView body,
                         const crypto::Ed25519Seed& seed, ByteView network_id,
                         const crypto::Suite& suite) {
  const crypto::Ed25519Public key = suite.ed25519_public(seed);
  SignedObject out{.signer = crypto::node_id(key),
                   .kind = kind,
                   .sequence = sequence,
                   .body = to_bytes(body),
                   .bytes = wire::encode_object_text(
                       {.kind = kind, .signer = key, .sequence = sequence, .body = body})};
  const crypto::Signature signature = suite.sign(seed, statement(network_id, out.bytes));
  out.bytes.insert(out.bytes.end(), signature.begin(), signature.end());
  return out;
}

bool ObjectTable::is_news(const NodeId& signer, const wire::Envelope& envelope) const {
  const auto known = entries_.find({signer, envelope.kind});
  return known == entries_.end() || known->second.sequence < envelope.sequence;
}

std::optional<SignedObject> ObjectTable::take(TimePoint now, const NodeId& signer,
                                              const wire::ParsedEnvelope& parsed, ByteView bytes,
                                              DropCounters& drops) {
  const auto refuse = [&](Drop reason) {
    drops.count(reason);
    return std::nullopt;
  };
  const wire::Envelope& envelope = parsed.envelope;
  forget_old(now);
  const auto known = entries_.find({signer, envelope.kind});
  if (known == entries_.end() && entries_.size() >= kMaxObjects) return refuse(Drop::table_full);
  const TimePoint since = known == entries_.end() ? now : known->second.changes_until;
  const TimePoint used = std::max(since, now) + kChangeEvery;
  if (used - now > kChangeEvery * kBurst || !checks_.take(now)) return refuse(Drop::rate_limited);
  if (!suite_.verify(envelope.signer, statement(network_id_, parsed.text), parsed.signature))
    return refuse(Drop::bad_identity);
  entries_[{signer, envelope.kind}] = {envelope.sequence, now, used};
  return SignedObject{.signer = signer,
                      .kind = envelope.kind,
                      .sequence = envelope.sequence,
                      .body = to_bytes(envelope.body),
                      .bytes = to_bytes(bytes)};
}

void ObjectTable::keep(TimePoint now, const SignedObject& object) {
  entries_[{object.signer, object.kind}] = {object.sequence, now, now};
}

void ObjectTable::forget_old(TimePoint now) {
  if (now < next_sweep_) return;
  next_sweep_ = now + kSweep;
  std::erase_if(entries_, [&](const auto& each) { return now - each.second.taken >= kLife; });
}

}  // namespace meshnode::discovery
