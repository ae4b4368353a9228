// Signed objects other than records (wire/envelope.h), and the newest of each signer and kind.
#pragma once

#include <map>
#include <optional>

#include "base/clock.h"
#include "base/drop.h"
#include "base/token_bucket.h"
#include "crypto/suite.h"
#include "wire/envelope.h"

namespace meshnode::discovery {

struct SignedObject {
  NodeId signer;  // follows from the signing key
  wire::ObjectKind kind = wire::ObjectKind::goodbye;
  std::uint64_t sequence = 0;
  Bytes body;
  Bytes bytes;  // text and signature, as received: handed on so
};

// The signature covers "meshnode object v1" ‖ network id (32) ‖ text.
SignedObject sign_object(wire::ObjectKind kind, std::uint64_t sequence, ByteView body,
                         const crypto::Ed25519Seed& seed, ByteView network_id,
                         const crypto::Suite& suite);

// Invariants
//  1. At most kMaxObjects, each for kLife; an older or the same object is never taken again while
//     the newer one is there.
//  2. A signer's objects of one kind are taken at most kBurst times in a row, over time once in
//     kChangeEvery; signatures are checked at a bounded rate.
class ObjectTable {
 public:
  static constexpr std::size_t kMaxObjects = 2048;
  static constexpr Duration kLife = hours(1);
  static constexpr int kBurst = 5;
  static constexpr Duration kChangeEvery = seconds(10);
  static constexpr double kChecksPerSecond = 200;
  static constexpr double kChecksBurst = 500;

  // `suite` outlives the table.
  ObjectTable(Bytes network_id, const crypto::Suite& suite)
      : network_id_(std::move(network_id)), suite_(suite) {}

  // Whether `envelope` says more than what is here.
  bool is_news(const NodeId& signer, const wire::Envelope& envelope) const;
  // The object, if it is to be taken; else why not.
  std::optional<SignedObject> take(TimePoint now, const NodeId& signer,
                                   const wire::ParsedEnvelope& parsed, ByteView bytes,
                                   DropCounters& drops);
  // One of our own.
  void keep(TimePoint now, const SignedObject& object);

  std::size_t size() const { return entries_.size(); }
  void forget_old(TimePoint now);

 private:
  struct Key {
    NodeId signer;
    wire::ObjectKind kind{};
    auto operator<=>(const Key&) const = default;
  };
  struct Entry {
    std::uint64_t sequence = 0;
    TimePoint taken{};
    TimePoint changes_until{};
  };
  Bytes network_id_;
  const crypto::Suite& suite_;
  std::map<Key, Entry> entries_;
  TokenBucket checks_{kChecksPerSecond, kChecksBurst};
  TimePoint next_sweep_{};
};

}  // namespace meshnode::discovery
